/* The policy lines as the settings write them:
 *
 *     policy "mailbox-full" { stream = "news" failures = 3 days = 14 for = 60d }
 *
 * One table of fields: parser, bounds, `--dump` and manual come from it. Main
 * thread only, like settings_load.
 */
#ifndef SUPPRESSD_DAEMON_POLICY_SECTION_H
#define SUPPRESSD_DAEMON_POLICY_SECTION_H

#include "base/error.h"
#include "daemon/ledger/policy.h"

#include <stdio.h>

#define POLICY_FIELDS_MAX 16

/* The names of the fields, ended by NULL. */
const char *policy_section_field(size_t which);

void policy_section_begin(struct policy_line *line_r); /* all open */
int policy_section_set(struct policy_line *line, const char *name, const char *text, struct error *error) must_check;

void policy_section_dump(const struct policy *policy, FILE *out);
void policy_section_sample(FILE *out);
void policy_section_manual(FILE *out); /* man(7) */

#endif
