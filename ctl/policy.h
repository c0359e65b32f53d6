/* What the subcommands of suppressctl policy share. */
#ifndef SUPPRESSD_CTL_POLICY_H
#define SUPPRESSD_CTL_POLICY_H

#include "ctl/command.h"
#include "daemon/ledger/policy.h"

#define POLICY_WORDS 200

/* "count: 5 failures over 7 days, then for 30d; one stream". */
void policy_words(const struct policy_rule *rule, char words_r[POLICY_WORDS]);

int policy_test(struct ctl *ctl, int argc, char **argv);

#endif
