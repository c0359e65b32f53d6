/* eight: eight bytes of text at a time, as one number; sixteen, as a vector.
 *
 * Texts are nearly all letters and single spaces: what is not can be looked for in
 * steps of eight bytes. A mask has bit 7 of each byte set for which something is
 * true, and nothing else (H. S. Warren, Hacker's Delight, section 6-1).
 */
#ifndef SUPPRESSD_CLASSIFIER_EIGHT_H
#define SUPPRESSD_CLASSIFIER_EIGHT_H

#include <stdint.h>
#include <string.h>

#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))
#define EIGHT_HIGH EIGHT(0x80)

/* The first byte in memory is the lowest one, whatever the machine. */
static inline uint64_t eight_load(const void *at)
{
    uint64_t bytes;

    memcpy(&bytes, at, sizeof(bytes));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

/* Which bytes are this one? */
static inline uint64_t eight_equal(uint64_t bytes, unsigned char byte)
{
    uint64_t other = bytes ^ EIGHT(byte);

    return ~(((other & ~EIGHT_HIGH) + ~EIGHT_HIGH) | other) & EIGHT_HIGH;
}

/* Which bytes are below limit (at most 0x80)? */
static inline uint64_t eight_below(uint64_t bytes, unsigned char limit)
{
    return ~(((bytes & ~EIGHT_HIGH) + EIGHT(0x80 - limit)) | bytes) & EIGHT_HIGH;
}

/* Sixteen bytes, compared byte by byte: 0xff where they are equal. */
typedef unsigned char sixteen __attribute__((vector_size(16)));

static inline sixteen sixteen_load(const void *at)
{
    sixteen bytes;

    memcpy(&bytes, at, sizeof(bytes));
    return bytes;
}

static inline int sixteen_any(sixteen mask)
{
    uint64_t halves[2];

    memcpy(halves, &mask, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

/* How many bytes stand before the first one of a mask that is not 0? */
static inline unsigned eight_first(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask) / 8;
}

#endif
