/* matcher: grams call patterns, patterns are tried in order. */
#include "config.h"

#include "classifier/matcher.h"

#include "base/mem.h"
#include "classifier/eight.h"
#include "classifier/grams.h"
#include "classifier/matcher_data.h"
#include "classifier/reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUDGET 20000            /* steps along chains on one text ... */
#define TRY_COST 200            /* ... and what a try of a pattern counts for */
#define GAP_COST 8              /* bytes of a gap that count for a step */
#define MATCH_LIMIT 50000       /* steps within one try */
#define NONE ((uint32_t)-1)
#define PAD 0xff                /* stands around a text: in no word, not of \\w */
#define JIT_STACK_MAX (256u << 10)

struct search {
    const struct matcher *matcher;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    size_t length, hit_count, spent; /* spent: of the budget */
    struct gram_marks marks;
    uint32_t text_number;   /* of the texts seen, in the upper bits; so that last need not be wiped */
    uint32_t *last;         /* by gram: its last hit, beneath the number of the text */
    uint64_t *candidates;   /* a bit a pattern */
    const struct variant *met; /* the first one of the last candidate that may match */
    struct gram_hit hits[REPLY_TEXT_MAX + GRAM_ROOM];
    uint32_t next[REPLY_TEXT_MAX]; /* by hit: another one of the same gram, or NONE */
    char *text;             /* in the middle of room */
    char room[GRAM_PADDING + REPLY_TEXT_MAX + GRAM_PADDING];
};

struct search *search_create(const struct matcher *matcher)
{
    struct search *search = xcalloc(1, sizeof(*search));

    search->matcher = matcher;
    search->data = pcre2_match_data_create(1, NULL);
    search->context = pcre2_match_context_create(NULL);
    search->stack = pcre2_jit_stack_create(32 << 10, JIT_STACK_MAX, NULL);
    pcre2_set_match_limit(search->context, MATCH_LIMIT);
    pcre2_jit_stack_assign(search->context, NULL, search->stack);
    search->last = xcalloc(matcher->gram_count + 1, sizeof(*search->last));
    search->candidates = xcalloc(matcher_chunks(matcher->pattern_count), sizeof(*search->candidates));
    search->text = search->room + GRAM_PADDING;
    memset(search->room, PAD, GRAM_PADDING);
    return search;
}

void search_free(struct search **search)
{
    struct search *gone = *search;

    *search = NULL;
    if (!gone)
        return;
    pcre2_match_data_free(gone->data);
    pcre2_match_context_free(gone->context);
    pcre2_jit_stack_free(gone->stack);
    free(gone->last);
    free(gone->candidates);
    free(gone);
}

static void call_patterns(struct search *search, unsigned gram)
{
    const struct lists *called = &search->matcher->called;
    const unsigned *pattern = called->items + called->first[gram];
    const unsigned *end = called->items + called->first[gram + 1];

    for (; pattern < end; pattern++)
        search->candidates[*pattern / 64] |= (uint64_t)1 << *pattern % 64;
}

/* The last hit of a gram so far, or NONE. */
static uint32_t last_hit(const struct search *search, unsigned gram)
{
    uint32_t hit = search->last[gram] - search->text_number;

    return hit < REPLY_TEXT_MAX ? hit : NONE;
}

static void take_hits(struct search *search)
{
    uint32_t i;

    for (i = 0; i < search->hit_count; i++) {
        unsigned gram = search->hits[i].id;

        search->next[i] = last_hit(search, gram);
        search->last[gram] = search->text_number + i;
        call_patterns(search, gram);
    }
}

/* Numbers of texts begin anew after half a million of them. */
static void number_text(struct search *search)
{
    search->text_number += REPLY_TEXT_MAX;
    if (search->text_number)
        return;
    memset(search->last, 0, (search->matcher->gram_count + 1) * sizeof(*search->last));
    search->text_number = REPLY_TEXT_MAX;
}

void search_text(struct search *search, const char *text, size_t length)
{
    const struct matcher *matcher = search->matcher;

    search->length = length < REPLY_TEXT_MAX ? length : REPLY_TEXT_MAX;
    memcpy(search->text, text, search->length);
    memset(search->text + search->length, PAD, GRAM_PADDING);
    search->spent = 0;
    memcpy(search->candidates, matcher->always,
           matcher_chunks(matcher->pattern_count) * sizeof(*search->candidates));
    search->hit_count = grams_scan(matcher->grams, search->text, search->length, search->hits,
                                   &search->marks);
    number_text(search);
    take_hits(search);
}

static int all_are_met(const struct search *search, const struct variant *variant)
{
    const uint16_t *mark = search->matcher->marks + variant->also, *end;
    unsigned left = variant->also_count;

    for (; left; left--) {
        end = mark + 1 + *mark;
        do
            mark++;
        while (!gram_marked(&search->marks, *mark)); /* the one at the end is */
        if (mark == end)
            return 0;
        mark = end + 1;
    }
    return 1;
}

/* The first variant of a pattern from this one on whose clauses may all be met, or NULL. */
static const struct variant *next_met(const struct search *search, const struct variant *variant)
{
    while (!all_are_met(search, variant))
        if (variant++->is_last)
            return NULL;
    return variant;
}

int search_next(struct search *search, unsigned *pattern_io)
{
    const struct matcher *matcher = search->matcher;
    size_t chunk = *pattern_io / 64, chunks = matcher_chunks(matcher->pattern_count);
    uint64_t left = chunk < chunks ? search->candidates[chunk] & ~(uint64_t)0 << *pattern_io % 64 : 0;

    for (;;) {
        while (!left) {
            if (++chunk >= chunks)
                return 0;
            left = search->candidates[chunk];
        }
        *pattern_io = (unsigned)(chunk * 64) + (unsigned)__builtin_ctzll(left);
        search->met = next_met(search, matcher->variants + matcher->ways[*pattern_io]);
        if (search->met)
            return 1;
        left &= left - 1;
    }
}

static int has_edges(const struct search *search, unsigned edges, unsigned start, unsigned end)
{
    const char *text = search->text;

    if (!edges)
        return 1;
    if (edges & EDGE_LEFT && chain_is_word(text[(int)start - 1]) == chain_is_word(text[start]))
        return 0;
    if (edges & EDGE_RIGHT && chain_is_word(text[end - 1]) == chain_is_word(text[end]))
        return 0;
    return !(edges & EDGE_START && start) && !(edges & EDGE_END && end != search->length);
}

/* May this word stand where these eight bytes do, bit 5 of each being set? */
static int is_likely(const struct link_word *word, uint64_t bytes)
{
    return !((bytes ^ word->key) & word->mask);
}

static uint64_t bytes_at(const struct search *search, unsigned at)
{
    return eight_load(search->text + at) | EIGHT(0x20);
}

/* The bytes of a word beyond its key. */
static int goes_on(const char *text, const struct link_word *word)
{
    size_t i;

    if (!word->is_exact)
        return !strncasecmp(text, word->text, word->length);
    for (i = 8; i + 8 <= word->length; i += 8)
        if ((eight_load(text + i) ^ eight_load(word->text + i)) & ~EIGHT(0x20))
            return 0;
    return i >= word->length ||
           !((eight_load(text + i) ^ eight_load(word->text + i)) & ~EIGHT(0x20) &
             ~UINT64_C(0) >> (64 - 8 * (word->length - i)));
}

/* Does a word that is likely stand here, all of it? */
static int stands(struct search *search, const struct link_word *word, unsigned start)
{
    if (start + word->length > search->length || ++search->spent > BUDGET)
        return 0;
    if (word->text && !goes_on(search->text + start, word))
        return 0;
    return has_edges(search, word->edges, start, start + word->length);
}

/* May a byte stand in the gap in front of this link? */
static int fits(const struct search *search, const struct link *link, char c)
{
    return !link->class || chain_has(&search->matcher->classes[link->class], c);
}

static int lead_up(struct search *search, const struct link *link, unsigned left, unsigned start);

static int lead_up_from(struct search *search, const struct link *link, unsigned left, unsigned end)
{
    const struct link_word *word = search->matcher->link_words + link->first;
    const struct link_word *last = word + link->count;

    for (; word < last; word++)
        if (word->length <= end && is_likely(word, bytes_at(search, end - word->length)) &&
            stands(search, word, end - word->length) &&
            lead_up(search, link, left - 1, end - word->length))
            return 1;
    return 0;
}

/* Do so many links before this one stand in front of start, one before the other? */
static int lead_up(struct search *search, const struct link *link, unsigned left, unsigned start)
{
    unsigned most, gap;

    if (!left)
        return 1;
    most = link->gap_max < start ? link->gap_max : start;
    for (gap = 0;; gap++) {
        char before = search->text[(int)(start - gap) - 1];

        if (link[-1].ends >> link_bit(before) & 1 && gap >= link->gap_min) {
            if (lead_up_from(search, link - 1, left, start - gap))
                return 1;
            if (search->spent > BUDGET)
                break;
        }
        if (gap == most || !fits(search, link, before))
            break;
    }
    search->spent += gap / GAP_COST;
    return 0;
}

static int follow(struct search *search, const struct link *link, unsigned left, unsigned end);

static int follow_from(struct search *search, const struct link *link, unsigned left, unsigned start)
{
    const struct link_word *word = search->matcher->link_words + link->first;
    const struct link_word *last = word + link->count;
    uint64_t bytes = bytes_at(search, start);

    for (; word < last; word++)
        if (is_likely(word, bytes) && stands(search, word, start) &&
            follow(search, link + 1, left - 1, start + word->length))
            return 1;
    return 0;
}

/* Do so many links from this one on stand behind end, one behind the other? */
static int follow(struct search *search, const struct link *link, unsigned left, unsigned end)
{
    unsigned most = (unsigned)search->length - end, gap;

    if (!left)
        return 1;
    most = link->gap_max < most ? link->gap_max : most;
    for (gap = 0;; gap++) {
        char at = search->text[end + gap];

        if (link->begins >> link_bit(at) & 1 && gap >= link->gap_min) {
            if (follow_from(search, link, left, end + gap))
                return 1;
            if (search->spent > BUDGET)
                break;
        }
        if (gap == most || !fits(search, link, at))
            break;
    }
    search->spent += gap / GAP_COST;
    return 0;
}

/* The caller's words have been seen: are the other links around one of them? */
static int is_chained(struct search *search, const struct variant *variant)
{
    const struct matcher *matcher = search->matcher;
    const struct link *caller = matcher->links + variant->link + variant->caller;
    const struct stem *stem = matcher->stems + variant->stem;
    const struct stem *end = stem + variant->stem_count;
    uint32_t hit;

    for (; stem < end; stem++) {
        const struct link_word *word = &matcher->link_words[caller->first + stem->word];

        for (hit = last_hit(search, stem->gram); hit != NONE;
             hit = search->next[hit]) {
            unsigned start = search->hits[hit].at - stem->offset;

            if (start < search->length && is_likely(word, bytes_at(search, start)) &&
                stands(search, word, start) &&
                follow(search, caller + 1, variant->link_count - variant->caller - 1u,
                       start + word->length) &&
                lead_up(search, caller, variant->caller, start))
                return 1;
        }
    }
    return 0;
}

static int is_matched(struct search *search, const struct compiled *pattern)
{
    if ((search->spent += TRY_COST) > BUDGET)
        return 0;
    return (pattern->fast ? pcre2_jit_match : pcre2_match)(pattern->code, (PCRE2_SPTR)search->text,
                                                           search->length, 0, 0, search->data,
                                                           search->context) >= 0;
}

int search_confirm(struct search *search, unsigned pattern)
{
    const struct variant *variant = search->met;

    while (variant) {
        if (variant->link_count ? is_chained(search, variant)
                                : is_matched(search, &search->matcher->codes[pattern]))
            return 1;
        variant = variant->is_last ? NULL : next_met(search, variant + 1);
    }
    return 0;
}

int search_is_exhausted(const struct search *search)
{
    return search->spent > BUDGET;
}
