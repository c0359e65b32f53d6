/* Where the lines of ingested logs go: to the running daemon, or into the
 * ledger when none runs, a block at a time, each with the part of the file that
 * it is of.
 */
#ifndef SUPPRESSD_CTL_LOG_SINK_H
#define SUPPRESSD_CTL_LOG_SINK_H

#include "base/error.h"
#include "ctl/command.h"
#include "daemon/ledger/record.h"
#include "daemon/report/span.h"

struct log_sink;

/* NULL and error. */
struct log_sink *log_sink_open(struct ctl *ctl, struct error *error) must_check;
void log_sink_close(struct log_sink **sink);

int log_sink_is_direct(const struct log_sink *sink); /* no daemon runs */

/* Keeps a line for the next block. 1: it is time to give that. */
int log_sink_line(struct log_sink *sink, struct span line);

/* What a block is of; log: as struct record has it, NULL for none. */
struct log_part {
    const char *host;
    const char *log;
    int64_t now;
    struct log_position position;
};

/* Gives the block and waits until it is on disk: the number of new events, or -1. */
int log_sink_give(struct log_sink *sink, const struct log_part *part, struct error *error) must_check;

#endif
