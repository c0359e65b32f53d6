/* Where the messages of an import go: to the running daemon, several at a
 * time, or into the ledger when no daemon runs.
 */
#ifndef SUPPRESSD_CTL_INGEST_H
#define SUPPRESSD_CTL_INGEST_H

#include "base/error.h"
#include "ctl/command.h"
#include "daemon/intake/ingest.h"

#include <stddef.h>
#include <stdint.h>

struct sink;

/* What has become of messages that are on disk (or ordinary). */
struct ingest_counts {
    uint64_t of[INGESTED_COUNT];
};

/* own: this host's own DSNs are believed. NULL and error. */
struct sink *sink_open(struct ctl *ctl, int own, struct error *error) must_check;

/* A new one for each message, as large as is kept of it. */
struct collect *sink_message(struct sink *sink);

/* Hands a message in. -1: this or an earlier one could not be recorded; what
 * has been counted is on disk, and an import from the start repeats nothing. */
int sink_give(struct sink *sink, struct collect *message_take, struct error *error) must_check;

/* Waits for what is under way, and closes. */
int sink_close(struct sink **sink, struct ingest_counts *counts_r, struct error *error) must_check;

#endif
