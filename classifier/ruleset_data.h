/* ruleset_data: what a loaded rule set is made of.
 *
 * Shared by ruleset.c (builds it), classify.c (matches with it) and prove.c
 * (tries it on its own examples); nobody else includes it.
 */
#ifndef SUPPRESSD_CLASSIFIER_RULESET_DATA_H
#define SUPPRESSD_CLASSIFIER_RULESET_DATA_H

#include "classifier/classify.h"
#include "classifier/matcher.h"
#include "classifier/provider.h"
#include "classifier/rule.h"

#include <stdatomic.h>
#include <stddef.h>

struct ruleset {
    atomic_int count;
    char version[17];
    struct rulebook book;   /* rules in the order in which they win */
    size_t local_count;     /* the first so many are local ones */
    unsigned hint_count;    /* the first so many patterns are hints at providers, ... */
    int *owner;             /* ... whose numbers these are; behind them: rules, in order */
    struct matcher *matcher;
    struct provider_index *hosts, *domains;
};

/* A set of these rules, not yet proved. Takes what the book holds, also on failure. */
struct ruleset *ruleset_build(struct rulebook *book_take, struct error *error) must_check;

/* How an example is judged; normal use is {PROVIDER_UNKNOWN, 0}. */
struct scope {
    int provider;      /* take this one as known; PROVIDER_UNKNOWN: look for it */
    size_t first_rule; /* rules before this one do not exist */
};

/* classify(), and the rule that won, or NULL. */
const struct rule *classify_in(struct classifier *classifier, const struct classify_input *input,
                               const struct scope *scope, struct verdict *verdict_r);

/* Runs every rule against its examples and counter-examples; report gets one
 * "file:line: why" a finding. Returns the number of findings, or -1 and error. */
int ruleset_prove(struct ruleset *ruleset, void (*report)(void *context, const char *finding),
                  void *context, struct error *error) must_check;

#endif
