/* inspect: why this verdict? Every rule whose words a reply holds, in the order
 * in which rules win, and what kept each from deciding.
 *
 * For people who write rules; classify() is the quick way to the verdict alone.
 * Pure, any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_INSPECT_H
#define SUPPRESSD_CLASSIFIER_INSPECT_H

#include "base/error.h"
#include "classifier/classify.h"
#include "classifier/reply.h"
#include "classifier/rule.h"

#include <stddef.h>

struct ruleset;

/* The rules in the order in which they win; i below ruleset_size(). Valid as
 * long as the set. */
const struct rule *ruleset_rule(const struct ruleset *ruleset, size_t i);

enum match_fate {
    MATCH_WINS,
    MATCH_LATE,     /* its conditions hold, and an earlier rule decided */
    MATCH_PROVIDER, /* for another provider's replies */
    MATCH_CODE,     /* for other reply codes */
    MATCH_STATUS,   /* for other enhanced status codes */
    MATCH_STAGE,    /* for other places of the dialogue */
};

struct match {
    const struct rule *rule;
    const char *pattern; /* the first of the rule's that matches */
    size_t start, end;   /* bytes of the words that it matches */
    enum match_fate fate;
};

struct inspection {
    struct verdict verdict;
    struct reply reply; /* what the patterns see: reply.words */
    struct match *matches;
    size_t count;
};

/* Fills *inspection_r, which the caller clears; it borrows from the rule set. */
int inspect(struct ruleset *ruleset, const struct classify_input *input,
            struct inspection *inspection_r, struct error *error) must_check;
void inspection_clear(struct inspection *inspection);

const char *match_fate_name(enum match_fate fate); /* "wins", "late", "provider", "code", ... */

#endif
