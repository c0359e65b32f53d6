/* See grams.h. */
#include "config.h"

#include "classifier/grams.h"

#include "base/mem.h"
#include "classifier/eight.h"

#include <stdlib.h>
#include <string.h>

#define CLASS 0x5f /* bits of a byte that count: the same in both cases of a letter */
#define HASH_BITS 18
#define HASHES (1u << HASH_BITS)
#define BEFORE 2  /* bytes of a context before the gram */
#define FOLD EIGHT(0x20)
#define BLOCK GRAM_ROOM /* places looked at in one go */

/* The bytes around a gram, as far as all words agree that are known by it: two before
 * it, four of its own, two behind. */
struct context {
    uint64_t key, mask;
};

struct grams {
    uint32_t filter[GRAM_MARKS];  /* by mark, a bit for each hash of it: is it a word's? */
    uint16_t id_of[HASHES];       /* by hash; 0: no word's */
    unsigned count;
    struct context *contexts; /* by number */
    /* How often they occur in the samples: all four bytes, the first three alone. */
    unsigned *seen, *beginnings;
};

/* The bits that count, well mixed (Knuth's multiplicative hashing). */
static uint32_t hash_at(const char *at)
{
    uint32_t bytes;

    memcpy(&bytes, at, sizeof(bytes));
    return ((bytes & CLASS * 0x01010101u) * 2654435761u) >> (32 - HASH_BITS);
}

/* What its mark leaves of a hash. */
#define REST 32
_Static_assert(HASHES == GRAM_MARKS * REST, "a word of the filter a mark");

static uint32_t mark_of(uint32_t hash)
{
    return hash / REST;
}

static uint32_t hash_of_beginning(const char *at)
{
    const char three[GRAM_SIZE] = {at[0], at[1], at[2], 0};

    return hash_at(three);
}

static void take_sample(struct grams *grams, const char *sample)
{
    size_t length = strlen(sample), i;

    for (i = 0; i + GRAM_SIZE <= length; i++) {
        grams->seen[hash_at(sample + i)]++;
        grams->beginnings[hash_of_beginning(sample + i)]++;
    }
}

struct grams *grams_create(const char *const *samples, size_t count)
{
    struct grams *grams = xcalloc(1, sizeof(*grams));
    size_t i;

    grams->count = 1;
    grams->contexts = xcalloc(2, sizeof(*grams->contexts));
    grams->seen = xcalloc(HASHES, sizeof(*grams->seen));
    grams->beginnings = xcalloc(HASHES, sizeof(*grams->beginnings));
    for (i = 0; i < count; i++)
        take_sample(grams, samples[i]);
    return grams;
}

void grams_seal(struct grams *grams)
{
    free(grams->seen);
    free(grams->beginnings);
    grams->seen = grams->beginnings = NULL;
}

void grams_free(struct grams **grams)
{
    if (!*grams)
        return;
    grams_seal(*grams);
    free((*grams)->contexts);
    free(*grams);
    *grams = NULL;
}

/* What is in no sample may yet be in a text, the likelier the commoner its halves are. */
static unsigned long commonness_at(const struct grams *grams, const char *at)
{
    return grams->seen[hash_at(at)] * 1024ul +
           (unsigned long)grams->beginnings[hash_of_beginning(at)] *
               grams->beginnings[hash_of_beginning(at + 1)];
}

/* Where the rarest four bytes of a word begin. */
static unsigned rarest(const struct grams *grams, const char *word)
{
    size_t length = strlen(word), i;
    unsigned offset = 0;

    for (i = 1; i + GRAM_SIZE <= length; i++)
        if (commonness_at(grams, word + i) < commonness_at(grams, word + offset))
            offset = (unsigned)i;
    return offset;
}

/* Of a word whose gram begins at offset. */
static struct context context_of(const char *word, unsigned offset)
{
    char key[8] = {0}, mask[8] = {0};
    size_t length = strlen(word), i;

    for (i = 0; i < sizeof(key); i++) {
        if (offset + i < BEFORE || offset + i - BEFORE >= length)
            continue;
        key[i] = (char)(word[offset + i - BEFORE] | 0x20);
        mask[i] = (char)0xff;
    }
    return (struct context){eight_load(key), eight_load(mask)};
}

/* What two contexts have in common. */
static struct context common(struct context a, struct context b)
{
    struct context both = {a.key, a.mask & b.mask};
    uint64_t differ = (a.key ^ b.key) & both.mask;
    unsigned i;

    for (i = 0; i < 64; i += 8)
        if (differ >> i & 0xff)
            both.mask &= ~(UINT64_C(0xff) << i);
    both.key &= both.mask;
    return both;
}

/* The number of a gram; *fresh_io is given to one that has none, made if it is 0. 0: there are
 * too many. */
static uint16_t id_for(struct grams *grams, const char *gram, struct context context,
                       uint16_t *fresh_io)
{
    uint32_t hash = hash_at(gram);
    uint16_t *id = &grams->id_of[hash];

    if (!*id && !*fresh_io && grams->count < UINT16_MAX) {
        *fresh_io = (uint16_t)grams->count++;
        grams->contexts =
            xrealloc(grams->contexts, (grams->count + 1) * sizeof(*grams->contexts));
        grams->contexts[*fresh_io] = context;
    }
    if (!*id) {
        *id = *fresh_io;
        grams->filter[mark_of(hash)] |= (uint32_t)1 << hash % REST;
    }
    grams->contexts[*id] = common(grams->contexts[*id], context);
    return *id;
}

/* A further number of the word, if it is one. */
static int take_id(struct gram_word *word, uint16_t id)
{
    unsigned i;

    for (i = 0; i < word->count; i++)
        if (word->ids[i] == id)
            return 0;
    word->ids[word->count++] = id;
    return id ? 0 : -1;
}

int grams_add(struct grams *grams, const char *word, struct gram_word *word_r)
{
    struct context context;
    char gram[GRAM_SIZE];
    size_t length = strlen(word);
    uint16_t fresh = 0;
    unsigned c;

    word_r->count = 0;
    word_r->offset = length < GRAM_SIZE ? 0 : rarest(grams, word);
    context = context_of(word, word_r->offset);
    if (length >= GRAM_SIZE)
        return take_id(word_r, id_for(grams, word + word_r->offset, context, &fresh));
    memcpy(gram, word, length);
    for (c = 0; c <= CLASS; c++) {
        gram[GRAM_SIZE - 1] = (char)c;
        if ((c & CLASS) == c && take_id(word_r, id_for(grams, gram, context, &fresh)))
            return -1;
    }
    return 0;
}

unsigned long grams_commonness(const struct grams *grams, const char *word)
{
    if (strlen(word) < GRAM_SIZE)
        return grams->beginnings[hash_of_beginning(word)] * 1024ul;
    return commonness_at(grams, word + rarest(grams, word));
}

uint16_t grams_mark(const struct grams *grams, const char *word)
{
    return (uint16_t)mark_of(hash_at(word + rarest(grams, word)));
}

size_t grams_count(const struct grams *grams)
{
    return grams->count;
}

/* Without a branch that depends on the text: what the processor cannot foretell costs
 * it more than the work. */
static size_t filter(const struct grams *grams, const char *text, size_t from, size_t to,
                     uint32_t *places, struct gram_marks *marks)
{
    const unsigned char number = marks->text;
    size_t count = 0, at;

#pragma GCC unroll 4
    for (at = from; at < to; at++) {
        uint32_t hash = hash_at(text + at), mark = mark_of(hash);

        marks->of[mark] = number;
        places[count] = (uint32_t)at;
        count += grams->filter[mark] >> hash % REST & 1;
    }
    return count;
}

static size_t scan_block(const struct grams *grams, const char *text, size_t from, size_t to,
                         struct gram_hit *hits, struct gram_marks *marks)
{
    uint32_t places[BLOCK];
    size_t likely = filter(grams, text, from, to, places, marks), count = 0, i;

    for (i = 0; i < likely; i++) {
        uint32_t id = grams->id_of[hash_at(text + places[i])];
        const struct context *context = &grams->contexts[id];
        uint64_t bytes = eight_load(text + (ptrdiff_t)places[i] - BEFORE) | FOLD;

        hits[count] = (struct gram_hit){id, places[i]};
        count += !((bytes ^ context->key) & context->mask);
    }
    return count;
}

size_t grams_scan(const struct grams *grams, const char *text, size_t length, struct gram_hit *hits,
                  struct gram_marks *marks)
{
    size_t count = 0, from, to;

    if (!++marks->text) {
        memset(marks, 0, sizeof(*marks));
        marks->text = 1;
    }
    marks->of[GRAM_MARK_ANY] = marks->text;
    for (from = 0; from < length; from = to) {
        to = length - from > BLOCK ? from + BLOCK : length;
        count += scan_block(grams, text, from, to, hits + count, marks);
    }
    return count;
}
