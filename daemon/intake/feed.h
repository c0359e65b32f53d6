/* Where log lines come from: a file (logfile.h) or the systemd journal
 * (journal.h), told apart by the name: "journal:..." is the latter.
 *
 * Both keep a position that can be saved and taken up again, count what was
 * missing then, and never fail: what cannot be read now is tried again at the
 * next call. One owner, no loop, no clock.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_FEED_H
#define SUPPRESSD_DAEMON_INTAKE_FEED_H

#include "base/error.h"
#include "daemon/ledger/record.h"
#include "daemon/report/span.h"

struct feed;

/* 0, or -1 when nothing can ever be read by this name. */
int feed_check(const char *name, struct error *error) must_check;

/* Goes on at from. NULL: the first time; begins with what comes next. */
struct feed *feed_open(const char *name, const struct log_position *from);
void feed_close(struct feed **feed);

/* The next line, valid until the next call: 1, or 0 when there is none now. */
int feed_next(struct feed *feed, struct span *line_r);
/* Behind the last line that feed_next gave: 1, or 0 when there is nothing to go on from. */
int feed_position(const struct feed *feed, struct log_position *position_r);

unsigned feed_gaps(const struct feed *feed); /* times that something was missing */
const char *feed_gap(const struct feed *feed); /* what that means, in words */
/* Why nothing can be read now; NULL when it can. */
const char *feed_problem(const struct feed *feed);
/* Readable when it is time to look again; -1: look now and then. Changes with feed_open. */
int feed_fd(const struct feed *feed);

#endif
