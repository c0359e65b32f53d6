/* matcher: which of many patterns does a text match?
 *
 * One pass over the text finds the words that patterns need (prefilter.h,
 * automaton.h); a pattern all of whose clauses are met is a candidate, and is
 * tried itself, by PCRE2, only when its verdict could count. So the cost of a text
 * depends on its words and hardly on the number of patterns, compiling takes
 * milliseconds, and the whole needs a few megabytes. (Vectorscan was tried. All
 * patterns in one database: fifteen times slower, three seconds to compile. Only
 * the words in it: four times slower, since a reply is short and full of words.)
 *
 * A matcher is read-only once made and may be shared by threads; a scan belongs
 * to one thread. Patterns are those of PCRE2, caseless, "." is any byte; each
 * try is bounded, and one that reaches the bound counts as no match.
 */
#ifndef SUPPRESSD_CLASSIFIER_MATCHER_H
#define SUPPRESSD_CLASSIFIER_MATCHER_H

#include "base/error.h"

#include <stddef.h>

struct matcher;
struct scan;

/* The patterns are copied. On failure NULL, error, and the index of the bad
 * pattern in *bad_r (count when it is none of them). */
struct matcher *matcher_create(const char *const *patterns, size_t count, size_t *bad_r,
                               struct error *error) must_check;
void matcher_free(struct matcher **matcher);

struct scan *scan_create(const struct matcher *matcher) must_check;
void scan_free(struct scan **scan);

/* Finds the candidates: pattern indexes in no order, valid until the next call. */
size_t scan_text(struct scan *scan, const char *text, size_t length, const unsigned **list_r);

/* Does a candidate of the last scan_text() match that very text? */
int scan_confirm(struct scan *scan, unsigned pattern, const char *text, size_t length);

#endif
