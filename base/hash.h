/* FNV-1a, 64 bits: tells texts apart where a collision costs no more than a
 * comparison or a second look. Not for secrets. Pure.
 */
#ifndef SUPPRESSD_BASE_HASH_H
#define SUPPRESSD_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_OF_NOTHING UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

/* Carries a hash on over more bytes; begin with HASH_OF_NOTHING. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++)
        hash = hash_byte(hash, at[i]);
    return hash;
}

#endif
