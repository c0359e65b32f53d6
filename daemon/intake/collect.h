/* A message as it comes in, up to a bound, and the record that it becomes.
 *
 * Shared by all ways on which whole messages arrive: milter, LMTP, ingest. What
 * lies beyond the bound is left out and counted: of a bounce that is the end of
 * the returned message, and the MTA is not told to go away with it.
 *
 * All messages that come in at the same time share a budget. The first
 * COLLECT_SHARE bytes of each need no room in it, so that no flood of large
 * messages keeps an ordinary bounce out; of what lies behind each byte takes
 * two, one for the work of reading it. Where there is no room only the share is
 * kept, and what that tells to be a report must come again. One owner; no
 * socket, no clock.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_COLLECT_H
#define SUPPRESSD_DAEMON_INTAKE_COLLECT_H

#include "daemon/counters.h"
#include "daemon/ledger/record.h"
#include "daemon/report/message.h"
#include "daemon/report/span.h"

#include <stddef.h>
#include <stdint.h>

#define COLLECT_SHARE 65536

struct budget;
struct collect;
struct settings;

struct collect_limits {
    size_t size; /* bytes that are kept */
    struct message_limits reading;
    struct budget *memory; /* borrowed; NULL: of this message alone, which needs no room */
};

struct collect_limits collect_limits_of(const struct settings *settings, struct budget *memory);

/* How a message came. */
struct collect_origin {
    enum source source;
    const char *sender;   /* of the envelope, without brackets; NULL: its Return-Path tells */
    const char *queue_id; /* NULL: its Message-ID, else a hash of it, tells it from others */
    const char *own_host; /* name of the MTA whose own DSNs are believed (own.h); NULL: none is */
    const char *tagged;   /* the signed address (daemon/tag.h) among its recipients; NULL: none is known */
    int internal;         /* it is known not to have come by SMTP: no Received field must show it */
};

/* counters borrowed. */
struct collect *collect_new(const struct collect_limits *limits, struct counters *counters);
void collect_free(struct collect **collect);

void collect_append(struct collect *collect, const char *bytes, size_t length);
int collect_is_full(const struct collect *collect); /* something was left out, and all that comes will be */

/* What was kept; valid until the next call. */
struct span collect_bytes(const struct collect *collect);

enum collected {
    COLLECTED_ORDINARY, /* says nothing of any delivery (counted) */
    COLLECTED_REPORT,
    COLLECTED_CROWDED   /* a report for which there was no room: it must come again */
};

/* Parses what was kept, and lets go of it. A report's record to submit is
 * *record_r. Its evidence is local for an own DSN, else unproven, which the
 * ledger may find proved. What is broken becomes RECORD_ASIDE with the bytes; a
 * report with too many recipients has them, too, so that it is kept aside
 * besides. Each limit that struck is counted. */
enum collected collect_record(struct collect *collect, const struct collect_origin *origin, int64_t now,
                              struct record **record_r) must_check;

#endif
