/* The replies that people ask about, with the verdict that is right.
 *
 * One table makes the page doc/questions.md (`suppressctl explain --questions`)
 * and the test that each reply gets its reason. Constant data.
 */
#ifndef SUPPRESSD_CTL_QUESTIONS_H
#define SUPPRESSD_CTL_QUESTIONS_H

#include "classifier/reason.h"

#include <stddef.h>

/* A row with a title begins a section of the page; the others are its replies. */
struct question {
    const char *title; /* NULL: a reply */
    const char *text;  /* the section's opening words, or the reply */
    const char *mta;   /* the host that replied, where it matters; or NULL */
    enum reason reason;
};

/* Ended by a row without text. */
extern const struct question questions[];

#endif
