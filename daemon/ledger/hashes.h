/* Hashes of keys with a small number each, in memory: a hash table of them.
 *
 * A struct full of zeros is empty; hashes_clear frees what it holds. It knows
 * the hash alone: who cannot bear that two keys share one (64 bits) must look
 * again where it matters. Pure; one owner.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_HASHES_H
#define SUPPRESSD_DAEMON_LEDGER_HASHES_H

#include <stddef.h>
#include <stdint.h>

struct hashed {
    uint64_t hash;
    int32_t number;
    uint8_t mark; /* the owner's */
    uint8_t used;
};

struct hashes {
    struct hashed *slots;
    size_t size, used;
};

/* Of the key, a text. */
uint64_t hashes_of(const char *key);

/* NULL: it is not there. Valid until the next hashes_add. */
struct hashed *hashes_find(const struct hashes *hashes, uint64_t hash);

/* There is one from now on, at first with number and mark 0. Valid until the next hashes_add. */
struct hashed *hashes_add(struct hashes *hashes, uint64_t hash);

void hashes_clear(struct hashes *hashes);

#endif
