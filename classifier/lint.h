/* lint: every fault of a rule set at once.
 *
 * Loading stops at the first fault, since a set with one is not used anyway;
 * whoever writes rules wants all of them. What is faulty is reported and set
 * aside, and the rest looked at as if it were the whole: syntax, unknown names,
 * ids that stand twice, patterns that do not compile, examples that are missed
 * or taken by an earlier rule, counter-examples that are taken, and patterns
 * that an earlier rule always decides.
 *
 * Main thread only, as the file parser.
 */
#ifndef SUPPRESSD_CLASSIFIER_LINT_H
#define SUPPRESSD_CLASSIFIER_LINT_H

#include "base/error.h"

#include <stddef.h>

struct lint_request {
    const char *shipped_dir;    /* NULL or empty: the rules compiled in */
    const char *local_dir;      /* NULL, empty or absent: none; not read when there are paths */
    const char *const *paths;   /* files or folders in place of local_dir */
    size_t path_count;
    int alone;                  /* the paths are the whole set: no shipped rules */
    /* Gets "file:line: why" for each fault. */
    void (*report)(void *context, const char *finding);
    void *context;
};

/* The number of faults, or -1 and error when a file cannot be read. */
int lint_rules(const struct lint_request *request, struct error *error) must_check;

#endif
