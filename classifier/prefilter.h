/* prefilter: which words must a text hold for a pattern to match?
 *
 * A pattern is taken apart into clauses, each a set of literals of which at
 * least one stands in every text that matches; all clauses must be met. Words
 * are cheap to find (one pass for all patterns), so the pattern itself is tried
 * only where its words are. The clauses are necessary, not sufficient. A pattern that
 * is nothing but words and gaps is a chain as well, which says all of it.
 */
#ifndef SUPPRESSD_CLASSIFIER_PREFILTER_H
#define SUPPRESSD_CLASSIFIER_PREFILTER_H

#include "classifier/chain.h"
#include "classifier/rule.h"

#include <stddef.h>

#define CLAUSE_MAX 2 /* more of them cost more than they spare */

struct prefilter {
    struct strings clauses[CLAUSE_MAX]; /* lower case, sorted, none within another */
    size_t count;                       /* 0: the pattern must be tried on every text */
    struct chain chain;                 /* without links: it is none */
    int is_set;                         /* it is some words, without a gap */
};

/* Syntax that is not understood gives fewer clauses, never wrong ones. */
void prefilter_create(const char *pattern, struct prefilter *prefilter_r);
void prefilter_free(struct prefilter *prefilter);

#endif
