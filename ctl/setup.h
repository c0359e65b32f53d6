/* What `suppressctl setup MTA` runs; argv[0] is the MTA's name. See command.h. */
#ifndef SUPPRESSD_CTL_SETUP_H
#define SUPPRESSD_CTL_SETUP_H

struct ctl;

/* "setup postfix [--apply|--remove] [--config-dir DIR] [--socket SPEC]" */
int setup_postfix(struct ctl *ctl, int argc, char **argv);
/* "setup sendmail [--mc FILE] [--bounce-domain DOMAIN]" */
int setup_sendmail(struct ctl *ctl, int argc, char **argv);

#endif
