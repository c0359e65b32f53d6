/* chain: a pattern that is nothing but words and the gaps between them.
 *
 * "(user|alias) \S{1,20} \bunknown" is two links: one of two words, then, behind a
 * gap of at most 20 bytes of some class, a third one that begins where a word begins.
 * Nine of ten patterns are such chains. Where the words stand in a text says all
 * about them, so that none of these has to be tried.
 *
 * Built link by link while a pattern is read; lost once it holds what no chain can
 * say. Marks stand in the words for "\b", "^" and "$" until the link is closed.
 */
#ifndef SUPPRESSD_CLASSIFIER_CHAIN_H
#define SUPPRESSD_CLASSIFIER_CHAIN_H

#include "classifier/rule.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_LINKS 8
#define CHAIN_WORD_MAX 250 /* bytes of a word */
#define CHAIN_ENDLESS UINT_MAX /* a gap of any length */

#define MARK_BOUNDARY '\1' /* \b */
#define MARK_START '\2'    /* ^ */
#define MARK_END '\3'      /* $ */

/* What a word asks of its surroundings. */
enum chain_edge {
    EDGE_LEFT = 1,  /* the byte before and the first one: one of \w, the other not */
    EDGE_RIGHT = 2, /* likewise the last one and the byte behind */
    EDGE_START = 4, /* it begins where the text does */
    EDGE_END = 8,   /* it ends where the text does */
};

struct chain_word {
    char *text; /* lower case, CHAIN_WORD_MAX bytes at most; may be empty */
    unsigned edges;
};

/* Some of the 256 bytes. */
struct chain_class {
    uint64_t bits[4];
};

/* So many bytes, all of the class. */
struct chain_gap {
    unsigned min, max; /* max may be CHAIN_ENDLESS */
    struct chain_class class;
};

/* One of these words, behind a gap and the word of the link before. */
struct chain_link {
    struct chain_gap gap;
    struct chain_word *words;
    size_t count;
    size_t shortest; /* bytes of its shortest word */
};

struct chain {
    int lost;
    size_t count;
    struct chain_link links[CHAIN_LINKS];
    struct chain_gap gap; /* in front of the next link */
    int has_gap;
};

void chain_add_gap(struct chain *chain, const struct chain_gap *gap);
/* One of these strings, with marks. */
void chain_add_link(struct chain *chain, const struct strings *set);
/* No more links. A chain that has none with all words of GRAM_WORD_MIN bytes is none. */
void chain_end(struct chain *chain);
void chain_free(struct chain *chain);

static inline int chain_has(const struct chain_class *class, char c)
{
    return class->bits[(unsigned char)c / 64] >> (unsigned char)c % 64 & 1;
}

/* A copy without marks. */
char *chain_unmarked(const char *marked);

/* \w of PCRE2 without UTF: letters, digits, underscore. */
static inline int chain_is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

#endif
