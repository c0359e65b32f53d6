/* The writer: the one thread that writes.
 *
 * Drains a bounded queue; a batch of records becomes one transaction, and only
 * after its commit is every record of it acknowledged (group commit): an
 * acknowledgement means on disk. When the queue is full, records are refused
 * at once (COUNTER_QUEUE_FULL) and the caller decides what that means. It is
 * bounded in records and in bytes; one that is larger than all of it is taken
 * when there is no other. A
 * record that the database refuses for its own content fails alone; when the
 * disk fails, the whole batch fails and its callers are told.
 *
 * What is due comes by the clock that nobody sets. When the other one leaps ahead,
 * nothing is forgotten for a day, for it may be set right again. When the database
 * is damaged nothing more is written to it.
 *
 * writer_submit and writer_record may be called from any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_WRITER_H
#define SUPPRESSD_DAEMON_LEDGER_WRITER_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/ledger/record.h"
#include "daemon/report/message.h"

#include <stddef.h>
#include <stdint.h>

struct ledger;
struct writer;

struct writer_options {
    size_t queue_max;       /* records */
    size_t queue_bytes_max; /* what they take, those being written too; 0: whatever */
    size_t batch_max;
    struct counters *counters; /* borrowed for the writer's life */
};

/* What may change while it runs. */
struct writer_limits {
    int64_t sent_keep;       /* seconds */
    int64_t rollup_keep;     /* seconds */
    int64_t events_keep;     /* seconds */
    int64_t unproven_keep;   /* seconds */
    int64_t aside_bytes_max;
    struct message_limits reading; /* of what was kept aside and is read again */
};

/* Takes the ledger; starts the thread, with all signals blocked. NULL and
 * error when no thread can be had (the ledger is then closed). */
struct writer *writer_start(struct ledger *ledger_take, const struct writer_options *options,
                            const struct writer_limits *limits, struct error *error) must_check;

/* Refuses new records, records and acknowledges what is queued, joins the
 * thread and closes the ledger (checkpointing the WAL). */
void writer_stop(struct writer **writer);

void writer_set_limits(struct writer *writer, const struct writer_limits *limits);

/* 0: taken; record->done is called from the writer's thread in time. -1:
 * refused (full or stopping); the record stays the caller's. Never blocks. */
int writer_submit(struct writer *writer, struct record *record, struct error *error) must_check;

/* Takes the record in any case and waits until it is on disk. 0: it is. -1: it
 * is not, or was not within timeout seconds (it may be later). */
int writer_record(struct writer *writer, struct record *record_take, int timeout,
                  struct error *error) must_check;

size_t writer_queued(struct writer *writer);

#endif
