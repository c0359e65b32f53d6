/* matcher: which of many patterns does a text match?
 *
 * A pattern is taken apart into clauses, sets of words of which one must be there
 * (prefilter.h). The rarest of them calls it: one pass over the text finds the words of
 * all callers (grams.h). What is called asks whether its other clauses may be met, and
 * only then, in its turn, whether it matches. Nearly all patterns are chains of words
 * and gaps (chain.h), or can be taken apart into some (expand.h): for these the places
 * of the words tell. The others are tried by PCRE2. So the cost of a text depends on
 * its words and hardly on the number of patterns, compiling takes milliseconds, and the
 * whole needs a few megabytes.
 *
 * (Vectorscan was tried. All patterns in one database: many times slower, and three
 * seconds to compile. Only the words in it: a reply is short and full of words.)
 *
 * A matcher is read-only once made and may be shared by threads; a search belongs
 * to one thread. Patterns are those of PCRE2, caseless, "." is any byte. What one text
 * may cost is bounded; beyond that nothing matches any more.
 */
#ifndef SUPPRESSD_CLASSIFIER_MATCHER_H
#define SUPPRESSD_CLASSIFIER_MATCHER_H

#include "base/error.h"

#include <stddef.h>

struct matcher;
struct search;

struct matcher_input {
    const char *const *patterns;
    size_t count;
    const char *const *samples; /* texts that show which words are rare; may be none */
    size_t sample_count;
};

/* Everything is copied. On failure NULL, error, and the index of the bad pattern
 * in *bad_r (count when it is none of them). */
struct matcher *matcher_create(const struct matcher_input *input, size_t *bad_r,
                               struct error *error) must_check;
void matcher_free(struct matcher **matcher);

struct search *search_create(const struct matcher *matcher) must_check;
void search_free(struct search **search);

/* Looks for words in this text (copied). No text is longer than REPLY_TEXT_MAX; what
 * is beyond that is not looked at. */
void search_text(struct search *search, const char *text, size_t length);

/* The first candidate from *pattern_io on: 1 and its index, or 0. */
int search_next(struct search *search, unsigned *pattern_io);

/* Does the candidate that search_next gave last match the text? */
int search_confirm(struct search *search, unsigned pattern);

/* Did the text cost more than it may? Then that nothing matches says nothing. */
int search_is_exhausted(const struct search *search);

#endif
