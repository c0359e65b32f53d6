/* prefilter: which words must a text hold for a pattern to match?
 *
 * A pattern is taken apart into clauses, each a set of literals of which at
 * least one stands in every text that matches; all clauses must be met. Words
 * are cheap to find (one pass for all patterns), so the pattern itself is tried
 * only where its words are. The clauses are necessary, never sufficient, but for
 * patterns that are nothing but words. Where a pattern begins with words, these
 * are its lead: a match can only begin where one of them stands.
 */
#ifndef SUPPRESSD_CLASSIFIER_PREFILTER_H
#define SUPPRESSD_CLASSIFIER_PREFILTER_H

#include "classifier/rule.h"

#include <stddef.h>

#define CLAUSE_MAX 2 /* more of them cost more than they spare */

struct prefilter {
    struct strings clauses[CLAUSE_MAX]; /* lower case, sorted, none within another */
    size_t count;                       /* 0: the pattern must be tried on every text */
    struct strings lead;                /* every match begins with one of these; may be empty */
    int sufficient;                     /* the one clause (or lead) says all */
};

/* Syntax that is not understood gives fewer clauses, never wrong ones. */
void prefilter_create(const char *pattern, struct prefilter *prefilter_r);
/* How rare a clause's words are likely to be: larger is rarer. */
long prefilter_worth(const struct strings *clause);
void prefilter_free(struct prefilter *prefilter);

#endif
