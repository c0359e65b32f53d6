/* What the writer says of records, brought from its thread to the loop's.
 *
 * A room on the loop submits a record and goes on; on_ack is called by the loop
 * when the record is on disk, or cannot be put there, in the order in which the
 * writer finished. waiter is the room's own and must stay until then: who
 * leaves earlier is marked and let go in on_ack. Belongs to the loop's thread.
 */
#ifndef SUPPRESSD_DAEMON_ACKS_H
#define SUPPRESSD_DAEMON_ACKS_H

#include "base/error.h"
#include "daemon/ledger/record.h"

struct acks;
struct event_base;
struct writer;

struct ack {
    void *waiter;
    uint64_t id;           /* as given to acks_submit */
    enum record_kind kind;
    int result, changed;   /* see struct record: done, changed_r */
    int64_t set;           /* set_r */
    struct error error;
};

/* All borrowed. NULL and error. */
struct acks *acks_new(struct event_base *base, struct writer *writer,
                      void (*on_ack)(const struct ack *ack, void *context), void *context,
                      struct error *error) must_check;

/* As writer_submit; when refused the record is freed and on_ack not called. */
int acks_submit(struct acks *acks, struct record *record_take, void *waiter, uint64_t id,
                struct error *error) must_check;

/* After writer_stop, when the loop has ended: gives what has come since. */
void acks_flush(struct acks *acks);

/* After writer_stop. */
void acks_free(struct acks **acks);

#endif
