/* The parts of `suppressctl rules`; argv[0] is the part's name. See command.h. */
#ifndef SUPPRESSD_CTL_RULES_H
#define SUPPRESSD_CTL_RULES_H

struct ctl;

int rules_lint(struct ctl *ctl, int argc, char **argv); /* "lint [--alone] [FILE|FOLDER...]" */
int rules_test(struct ctl *ctl, int argc, char **argv); /* "test [--mta HOST] [--status S] REPLY" */
int rules_list(struct ctl *ctl, int argc, char **argv); /* "list [--reason R] [--provider P]" */
int rules_show(struct ctl *ctl, int argc, char **argv); /* "show ID" */
int rules_diff(struct ctl *ctl, int argc, char **argv); /* "diff OLD NEW < REPLIES" */

#endif
