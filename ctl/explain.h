/* Verdicts in words for people: shared by explain and its page of questions. */
#ifndef SUPPRESSD_CTL_EXPLAIN_H
#define SUPPRESSD_CTL_EXPLAIN_H

#include "classifier/classify.h"

struct ruleset;

const char *explain_fault(const struct reason_info *info); /* "the sending IP address" */

/* What hygiene does by default: "the address is suppressed at once". */
const char *explain_consequence(const struct reason_info *info, const struct verdict *verdict);

/* Where the rule that decided says the reply is documented; or NULL. */
const char *explain_note(const struct ruleset *ruleset, const struct verdict *verdict);

/* The page of questions, in Markdown, on standard output: see questions.h. */
void questions_print(const struct ruleset *ruleset, struct classifier *classifier);

#endif
