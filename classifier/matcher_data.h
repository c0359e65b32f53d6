/* matcher_data: what a matcher is made of.
 *
 * Shared by matcher_build.c (makes it) and matcher.c (looks with it); nobody else
 * includes it.
 */
#ifndef SUPPRESSD_CLASSIFIER_MATCHER_DATA_H
#define SUPPRESSD_CLASSIFIER_MATCHER_DATA_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "classifier/chain.h"

#include <pcre2.h>
#include <stddef.h>
#include <stdint.h>

#define NEEDS_MAX CHAIN_LINKS /* clauses of a pattern */

struct grams;

/* Lists of numbers, one array for all: list i is items[first[i]] .. items[first[i + 1]]. */
struct lists {
    unsigned *first, *items;
};

/* A word of a caller, by one of its grams. */
struct stem {
    uint16_t word; /* of the link */
    uint16_t gram, offset; /* offset: of the gram in the word */
};

struct link_word {
    uint64_t key;  /* its first eight bytes, with bit 5 of each set */
    uint64_t mask; /* as many of them as it has */
    char *text;    /* all of it, then NULs to a multiple of eight; NULL: the key says all */
    uint16_t length, edges;
    uint32_t is_exact; /* bit 5 does not make it like any other text */
};

/* Small, as are the structs around it: what is touched for a text shall fit the
 * processor's caches. */
struct link {
    uint32_t first;    /* of its words, in link_words */
    uint16_t count;
    uint16_t class;    /* of the bytes of the gap in front of it, in classes */
    uint32_t gap_min, gap_max;
    int is_empty;      /* one of its words is none */
    uint64_t begins, ends; /* a bit for each byte with which a word begins or ends: link_bit */
};

/* The number of a byte's bit: the same in either case. */
static inline unsigned link_bit(char c)
{
    return (c & 0x1f) | (c & 0x40) >> 1;
}

/* One way in which a pattern may match (expand.h). */
struct variant {
    uint32_t also;      /* clauses that it needs besides the caller, in marks ... */
    uint16_t also_count; /* ... so many: each a number, as many marks, GRAM_MARK_ANY */
    uint8_t is_last;    /* of its pattern */
    uint8_t caller;     /* of a chain: the link whose words call it */
    uint8_t link_count; /* 0: no chain; the pattern itself is to be tried */
    uint32_t link;
    uint32_t stem;      /* of its caller's words */
    uint16_t stem_count;
};

/* The pattern as PCRE2 has it. */
struct compiled {
    pcre2_code *code;
    int fast; /* compiled to machine code */
};

struct matcher {
    size_t pattern_count, gram_count;
    struct grams *grams;
    struct lists called;  /* gram -> patterns that it calls, in order */
    unsigned *ways;         /* by pattern: its first variant */
    struct compiled *codes; /* by pattern */
    struct variant *variants;
    struct link *links;
    struct chain_class *classes; /* [0]: all bytes */
    size_t class_count;
    struct link_word *link_words;
    size_t link_word_count;
    struct stem *stems;
    uint16_t *marks;
    uint64_t *always;     /* a bit a pattern: candidates of every text, having no clause */
};

/* Numbers of 64 bits that hold a bit each. */
static inline size_t matcher_chunks(size_t bits)
{
    return bits / 64 + 1;
}

#endif
