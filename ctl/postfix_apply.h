/* Carries a plan out, and takes it back.
 *
 * What a file was before is kept beside it, and what was added is on record
 * (postfix_record.h) before the first edit. One thread.
 */
#ifndef SUPPRESSD_CTL_POSTFIX_APPLY_H
#define SUPPRESSD_CTL_POSTFIX_APPLY_H

#include "ctl/postfix_plan.h"

/* Reads back what Postfix makes of it; on failure all is as before. */
int postfix_apply(const struct postfix_plan *plan, struct error *error) must_check;

/* Takes back what the record names, whatever else was edited since; the record goes. */
int postfix_undo(const struct postfix *postfix, const struct postfix_record *record,
                 struct error *error) must_check;

#endif
