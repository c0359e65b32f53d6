/* See hashes.h. Open addressing, at most half full. */
#include "config.h"

#include "daemon/ledger/hashes.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64 /* a power of two */

uint64_t hashes_of(const char *key)
{
    return hash_bytes(HASH_OF_NOTHING, key, strlen(key));
}

/* Its slot, or the free one where it belongs. */
static struct hashed *slot_of(const struct hashes *hashes, uint64_t hash)
{
    size_t at = (hash ^ hash >> 32) & (hashes->size - 1);

    while (hashes->slots[at].used && hashes->slots[at].hash != hash)
        at = (at + 1) & (hashes->size - 1);
    return &hashes->slots[at];
}

struct hashed *hashes_find(const struct hashes *hashes, uint64_t hash)
{
    struct hashed *slot = hashes->size ? slot_of(hashes, hash) : NULL;

    return slot && slot->used ? slot : NULL;
}

static void grow(struct hashes *hashes)
{
    struct hashes bigger = {.size = hashes->size ? hashes->size * 2 : SLOTS_MIN, .used = hashes->used};

    bigger.slots = xcalloc(bigger.size, sizeof(*bigger.slots));
    for (size_t i = 0; i < hashes->size; i++)
        if (hashes->slots[i].used)
            *slot_of(&bigger, hashes->slots[i].hash) = hashes->slots[i];
    free(hashes->slots);
    *hashes = bigger;
}

struct hashed *hashes_add(struct hashes *hashes, uint64_t hash)
{
    struct hashed *slot;

    if (hashes->used * 2 >= hashes->size)
        grow(hashes);
    slot = slot_of(hashes, hash);
    if (!slot->used) {
        *slot = (struct hashed){.hash = hash, .used = 1};
        hashes->used++;
    }
    return slot;
}

void hashes_clear(struct hashes *hashes)
{
    free(hashes->slots);
    *hashes = (struct hashes){0};
}
