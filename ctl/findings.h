/* What a set-up command has to tell: sentences with a weight, in order.
 *
 * One thread. Owned by the caller, who clears it.
 */
#ifndef SUPPRESSD_CTL_FINDINGS_H
#define SUPPRESSD_CTL_FINDINGS_H

#include <stddef.h>

enum finding_weight {
    FINDING_NOTE,    /* good to know */
    FINDING_WARNING, /* works, but not yet as wished */
    FINDING_BLOCK,   /* would not work: nothing is applied */
};

struct finding {
    enum finding_weight weight;
    char *text; /* one sentence, no newline */
};

struct findings {
    struct finding *list;
    size_t count;
};

void findings_add(struct findings *findings, enum finding_weight weight, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How many weigh exactly that. */
size_t findings_count(const struct findings *findings, enum finding_weight weight);

/* "note", "warning" or "problem". */
const char *finding_word(enum finding_weight weight);

void findings_clear(struct findings *findings);

#endif
