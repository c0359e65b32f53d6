/* A cleanup of pickup's own, by which a milter tells users' mail from Postfix's.
 *
 * To a milter a message from sendmail(1) looks like a bounce of Postfix: both
 * come through cleanup. Two lines of master.cf make the difference: the service
 * pickup-cleanup, a copy of cleanup that calls itself "pickup"
 * (milter_macro_daemon_name, see the setting user_daemons), and an option of
 * pickup that hands its mail there. What the postmaster has set up himself is
 * looked at and left alone. One thread.
 */
#ifndef SUPPRESSD_CTL_POSTFIX_PICKUP_H
#define SUPPRESSD_CTL_POSTFIX_PICKUP_H

#include "ctl/findings.h"
#include "ctl/postfix_conf.h"

enum { PICKUP_LINES = 2 };

struct pickup_plan {
    struct postfix_line lines[PICKUP_LINES]; /* the service first, then who names it */
    size_t count;
    char *daemon; /* what users' mail is called then; NULL: it has no name of its own */
};

/* ours: an earlier --apply has changed master.cf. */
int pickup_plan_make(const struct postfix *postfix, int ours, struct pickup_plan *plan_r,
                     struct findings *findings, struct error *error) must_check;
void pickup_plan_clear(struct pickup_plan *plan);

int pickup_apply(const struct postfix *postfix, const struct pickup_plan *plan,
                 struct error *error) must_check;

/* 0 if the service can go; -1 and error names who else hands mail to it. */
int pickup_check_unused(const struct postfix *postfix, struct error *error) must_check;

/* Takes the lines out, as far as they are there. */
int pickup_take_back(const struct postfix *postfix, struct error *error) must_check;

#endif
