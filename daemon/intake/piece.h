/* A piece of the MTA's log: lines in, one record for the writer out.
 *
 * Whether the lines are followed or ingested, what they say is recorded the
 * same way: failures as events, all else as results to be counted. Of a probe
 * only the failure is of interest, and it is no message. A line that is doubtful
 * (maillog.h) is recorded as unproven, one that reads in two ways only counted.
 * When a message has expired, the recipients that were deferred last have failed
 * (deferrals.h). One owner.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_PIECE_H
#define SUPPRESSD_DAEMON_INTAKE_PIECE_H

#include "daemon/counters.h"
#include "daemon/ledger/record.h"
#include "daemon/report/maillog.h"

struct piece;

/* counters is borrowed. keep_delivered: what is not failed becomes an event, too.
 * line_max: bytes of a line that are looked at; one that is longer is doubtful. */
struct piece *piece_new(struct counters *counters, int keep_delivered, long line_max);
void piece_free(struct piece **piece);

/* host: name of the MTA in place of that in the lines, "": theirs; kept by the
 * caller while lines are taken. Time stamps without a year are of the last one
 * before now. refused: times that the database has refused these lines for their
 * content; it would again: the events are left out, then the results. */
void piece_begin(struct piece *piece, const char *host, int64_t now, int refused);

/* Adds what a line says to a RECORD_LOG. */
void piece_take(struct piece *piece, struct record *record, struct span line);

/* Time to hand the record in. */
int piece_is_full(const struct record *record);

#endif
