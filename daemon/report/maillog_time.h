/* Timestamps of log lines.
 *
 * RFC 3164 (section 4.1.2) has neither year nor zone: "Nov  3 07:05:09" is the
 * latest such moment that is not later than a day from now. ISO 8601 (RFC 3339,
 * as rsyslog and journald write it) has both, or no zone.
 *
 * Where the zone is missing it is the process's own, or UTC. An hour that a
 * change of the clocks repeats is taken for the later one, unless that still
 * lies ahead. Any thread with a clock of its own; reads no clock.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_MAILLOG_TIME_H
#define SUPPRESSD_DAEMON_REPORT_MAILLOG_TIME_H

#include "daemon/report/span.h"

#include <stdint.h>

struct maillog_clock {
    int64_t now; /* Unix seconds; set by the caller whenever it likes */
    int local;   /* 1: zoneless stamps are in the process's zone (TZ); 0: UTC */

    /* The last hour that was looked up; its own. All 0 to begin with. */
    int hour_stamp;
    int64_t hour_start, hour_now;
};

/* Takes a timestamp and the space behind it off *rest_io: 1 and Unix seconds,
 * or 0 (and *rest_io as it was) when there is none that can be. */
int maillog_time(struct maillog_clock *clock, struct span *rest_io, int64_t *time_r);

#endif
