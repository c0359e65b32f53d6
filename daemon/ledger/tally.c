/* See tally.h. A hash table with open addressing. */
#include "config.h"

#include "daemon/ledger/tally.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define HOUR 3600
#define SLOTS_MIN 256 /* a power of two */
#define TEXTS 5

/* The texts of its bucket stand one behind the other in a piece of memory of their own. */
struct slot {
    uint64_t hash;
    struct bucket bucket; /* provider NULL: free */
};

struct tally {
    struct slot *slots;
    size_t size, used;
};

static void texts_of(const struct bucket *bucket, const char *texts_r[TEXTS])
{
    texts_r[0] = bucket->provider;
    texts_r[1] = bucket->domain;
    texts_r[2] = bucket->stream;
    texts_r[3] = bucket->action;
    texts_r[4] = bucket->reason;
}

static uint64_t hash_of(const struct bucket *bucket)
{
    const char *texts[TEXTS];
    uint64_t hash = hash_byte(HASH_OF_NOTHING, (unsigned char)bucket->trusted);

    texts_of(bucket, texts);
    hash = hash_bytes(hash, &bucket->time, sizeof(bucket->time));
    for (int i = 0; i < TEXTS; i++)
        hash = hash_bytes(hash, texts[i], strlen(texts[i]) + 1);
    return hash;
}

/* In the order of the table's primary key: neighbours in the database are written together. */
static int compare(const struct bucket *a, const struct bucket *b)
{
    const char *a_texts[TEXTS], *b_texts[TEXTS];
    int order = (a->time > b->time) - (a->time < b->time);

    texts_of(a, a_texts);
    texts_of(b, b_texts);
    for (int i = 0; i < TEXTS && !order; i++)
        order = strcmp(a_texts[i], b_texts[i]);
    return order ? order : a->trusted - b->trusted;
}

static struct slot *find(const struct tally *tally, const struct bucket *bucket, uint64_t hash)
{
    size_t at = hash & (tally->size - 1);

    while (tally->slots[at].bucket.provider &&
           (tally->slots[at].hash != hash || compare(&tally->slots[at].bucket, bucket)))
        at = (at + 1) & (tally->size - 1);
    return &tally->slots[at];
}

static void grow(struct tally *tally)
{
    struct tally bigger = {.size = tally->size * 2, .used = tally->used};

    bigger.slots = xcalloc(bigger.size, sizeof(*bigger.slots));
    for (size_t i = 0; i < tally->size; i++)
        if (tally->slots[i].bucket.provider)
            *find(&bigger, &tally->slots[i].bucket, tally->slots[i].hash) = tally->slots[i];
    free(tally->slots);
    *tally = bigger;
}

/* The texts of *bucket_io become copies. */
static void own_texts(struct bucket *bucket_io)
{
    const char *texts[TEXTS];
    size_t length[TEXTS], total = 0;
    char *copy;

    texts_of(bucket_io, texts);
    for (int i = 0; i < TEXTS; i++)
        total += length[i] = strlen(texts[i]) + 1;
    copy = xmalloc(total);
    for (int i = 0; i < TEXTS; i++) {
        memcpy(copy, texts[i], length[i]);
        texts[i] = copy;
        copy += length[i];
    }
    bucket_io->provider = texts[0];
    bucket_io->domain = texts[1];
    bucket_io->stream = texts[2];
    bucket_io->action = texts[3];
    bucket_io->reason = texts[4];
}

void tally_add(struct tally *tally, const struct bucket *bucket)
{
    struct bucket key = *bucket;
    struct slot *slot;
    uint64_t hash;

    key.time = bucket->time / HOUR * HOUR;
    hash = hash_of(&key);
    slot = find(tally, &key, hash);
    if (slot->bucket.provider) {
        slot->bucket.attempts += bucket->attempts;
        slot->bucket.reports += bucket->reports;
        return;
    }
    own_texts(&key);
    *slot = (struct slot){hash, key};
    if (++tally->used * 2 > tally->size)
        grow(tally);
}

static int compare_pointers(const void *a, const void *b)
{
    return compare(*(const struct bucket *const *)a, *(const struct bucket *const *)b);
}

int tally_each(struct tally *tally, int (*row)(const struct bucket *bucket, void *context), void *context)
{
    const struct bucket **sorted = xmalloc((tally->used + 1) * sizeof(struct bucket *));
    size_t count = 0;
    int stop = 0;

    for (size_t i = 0; i < tally->size; i++)
        if (tally->slots[i].bucket.provider)
            sorted[count++] = &tally->slots[i].bucket;
    qsort(sorted, count, sizeof(struct bucket *), compare_pointers);
    for (size_t i = 0; i < count && !stop; i++)
        stop = row(sorted[i], context);
    free(sorted);
    return stop;
}

struct tally *tally_new(void)
{
    struct tally *tally = xcalloc(1, sizeof(*tally));

    tally->size = SLOTS_MIN;
    tally->slots = xcalloc(tally->size, sizeof(*tally->slots));
    return tally;
}

static void drop_buckets(struct tally *tally)
{
    for (size_t i = 0; i < tally->size; i++)
        free((char *)(uintptr_t)tally->slots[i].bucket.provider);
    free(tally->slots);
}

void tally_clear(struct tally *tally)
{
    if (!tally->used)
        return;
    drop_buckets(tally);
    *tally = (struct tally){.slots = xcalloc(SLOTS_MIN, sizeof(struct slot)), .size = SLOTS_MIN};
}

void tally_free(struct tally **tally)
{
    struct tally *old = *tally;

    *tally = NULL;
    if (!old)
        return;
    drop_buckets(old);
    free(old);
}
