/* What the commands share when they ask and change the records: the settings,
 * the database read-only, a change by way of the daemon or without it.
 */
#ifndef SUPPRESSD_CTL_ASK_H
#define SUPPRESSD_CTL_ASK_H

#include "base/error.h"
#include "ctl/command.h"
#include "daemon/console/change.h"

#include <jansson.h>
#include <stdint.h>

struct lookup;
struct record;
struct ruleset;
struct settings;

/* Those of -c FILE, of the standard file, or the defaults where that is absent.
 * Loaded once, kept for the process. NULL and error. */
struct settings *ask_settings(struct ctl *ctl, struct error *error) must_check;

/* The caller closes it. NULL and error. */
struct lookup *ask_lookup(struct ctl *ctl, struct error *error) must_check;

/* One request to the running daemon, one answer. 1 and *answer_r (the caller
 * decrefs; its "ok" may be false); 0: no daemon runs; -1: it runs and could
 * not be asked. */
int ask_daemon(struct ctl *ctl, json_t *request, json_t **answer_r, struct error *error) must_check;

/* A connection to the running daemon's control socket, which the caller closes.
 * As ask_daemon. */
int ask_connect(struct ctl *ctl, int *fd_r, struct error *error) must_check;

/* What the daemon answered to a change: whether something changed, or -1 and error. */
int ask_changed(json_t *answer_take, struct error *error) must_check;

/* Records it here, where no daemon runs; the store's lock keeps one that starts
 * meanwhile away. ruleset NULL: for what needs none. As ask_changed. */
int ask_directly(struct ctl *ctl, struct ruleset *ruleset, struct record *record_take,
                 struct error *error) must_check;

/* A change (change_make): by the daemon, or directly when none runs. 1: done;
 * 0: there was nothing to take away; -1 and error. */
int ask_change(struct ctl *ctl, const char *command, const struct change *change,
               struct error *error) must_check;

/* A request of edit_request.h: by the daemon, or directly when none runs. */
struct edited {
    int64_t set; /* the number of the change set; with more of an erasure: where it goes on */
    int changed; /* 0: there was nothing to change */
    int more;    /* ask again */
};
int ask_edit(struct ctl *ctl, json_t *request_take, struct edited *edited_r, struct error *error) must_check;

/* "2027-01-31" as Unix seconds; -1 when it is none. */
int64_t ask_date(const char *text);

/* "2026-11-23 21:15:07 UTC"; "" for 0. */
const char *ask_time(int64_t time, char text_r[32]);

/* Text from outside as it may stand on a terminal: control characters become "?". */
void ask_print(const char *text);

/* A JSON string of any bytes: what is no UTF-8 is replaced. */
json_t *ask_json(const char *text);

/* Prints the object on one line and lets go of it. */
void ask_print_json(json_t *object);

#endif
