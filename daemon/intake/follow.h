/* Follows the MTA's log: failed deliveries become events, all others counts.
 *
 * Looks at its feed once a second, or when that says so, and reads a bounded
 * number of lines a visit, so that a busy log starves nobody. A piece goes to
 * the writer as one record: what it tells of deliveries and the position behind
 * it are committed together or not at all, so that each line counts once,
 * whatever is killed when. While a piece is on its way nothing more is read;
 * when the disk fails it is read again from the last position that is on disk.
 * A position without deliveries before it is written now and then only: reading
 * such lines twice does no harm. An address that was only tried (a probe) is no
 * message and not counted.
 *
 * A line that is doubtful (maillog.h) is recorded as unproven, one that reads
 * in two ways only counted. Belongs to the loop's thread.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_FOLLOW_H
#define SUPPRESSD_DAEMON_INTAKE_FOLLOW_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/ledger/record.h"

struct event_base;
struct follow;
struct writer;

/* All borrowed; what is behind a pointer must outlive the follower. */
struct follow_options {
    struct event_base *base;
    struct writer *writer;
    struct counters *counters;
    const char *path;                /* of the log file, or "journal:..." (feed.h) */
    const char *host;                /* name of the MTA in place of that in the lines; "": theirs */
    const struct log_position *from; /* NULL: this log was never followed before */
    int keep_delivered;              /* what is not failed becomes an event too */
    long line_max;                   /* bytes of a line that are looked at */
    int visit_ms;                    /* between visits; 0: a second */
};

struct follow *follow_open(const struct follow_options *options, struct error *error) must_check;

/* Only when the writer has stopped: what is on its way comes back to us. */
void follow_close(struct follow **follow);

#endif
