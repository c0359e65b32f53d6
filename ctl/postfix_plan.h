/* The plan of a Postfix set-up: which parameters change, and what the
 * administrator should know. Looking only; carrying it out is setup_postfix.c.
 */
#ifndef SUPPRESSD_CTL_POSTFIX_PLAN_H
#define SUPPRESSD_CTL_POSTFIX_PLAN_H

#include "ctl/findings.h"
#include "ctl/postfix_conf.h"
#include "ctl/postfix_pickup.h"
#include "ctl/postfix_record.h"
#include "ctl/postfix_socket.h"

struct postfix_change {
    char *value; /* the new value; NULL: this parameter stays */
    char *item;  /* what is added, as list_has() finds it */
};

struct postfix_plan {
    struct postfix *postfix;
    struct milter_place place;
    struct postfix_change changes[POSTFIX_PARAMETERS];
    struct pickup_plan pickup; /* of master.cf */
    size_t change_count;       /* in both files */
    struct findings findings;
};

/* directory NULL: the default instance, refused where there are several.
 * socket: see milter_place_read(). */
int postfix_plan_make(const char *directory, const char *socket, struct postfix_plan *plan_r,
                      struct error *error) must_check;
void postfix_plan_clear(struct postfix_plan *plan);

/* 1 if the plan changes that file. */
int postfix_plan_changes(const struct postfix_plan *plan, enum postfix_file file);

#endif
