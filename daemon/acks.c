/* See acks.h. */
#include "config.h"

#include "daemon/acks.h"

#include "base/mem.h"
#include "daemon/ledger/writer.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>

/* From acks_submit until on_ack; meanwhile the record's waiter. */
struct pending {
    struct acks *acks;
    struct ack ack;
    struct pending *next;
};

struct acks {
    struct writer *writer;
    struct event *arrived;
    pthread_mutex_t lock; /* guards first and last */
    struct pending *first, **last;
    void (*on_ack)(const struct ack *ack, void *context);
    void *context;
};

/* The writer's thread. */
static void on_done(struct record *record, int result, const struct error *error)
{
    struct pending *pending = record->waiter;
    struct acks *acks = pending->acks;

    pending->ack.result = result;
    pending->ack.changed = record->changed_r;
    pending->ack.set = record->set_r;
    pending->ack.error = *error;
    record_free(&record);
    pthread_mutex_lock(&acks->lock);
    *acks->last = pending;
    acks->last = &pending->next;
    pthread_mutex_unlock(&acks->lock);
    event_active(acks->arrived, EV_TIMEOUT, 0);
}

static struct pending *take_all(struct acks *acks)
{
    struct pending *first;

    pthread_mutex_lock(&acks->lock);
    first = acks->first;
    acks->first = NULL;
    acks->last = &acks->first;
    pthread_mutex_unlock(&acks->lock);
    return first;
}

void acks_flush(struct acks *acks)
{
    struct pending *pending = take_all(acks);

    while (pending) {
        struct pending *next = pending->next;

        acks->on_ack(&pending->ack, acks->context);
        free(pending);
        pending = next;
    }
}

static void on_arrived(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    acks_flush(argument);
}

int acks_submit(struct acks *acks, struct record *record_take, void *waiter, uint64_t id, struct error *error)
{
    struct pending *pending = xcalloc(1, sizeof(*pending));

    pending->acks = acks;
    pending->ack = (struct ack){.waiter = waiter, .id = id, .kind = record_take->kind};
    record_take->done = on_done;
    record_take->waiter = pending;
    if (!writer_submit(acks->writer, record_take, error))
        return 0;
    record_free(&record_take);
    free(pending);
    return -1;
}

struct acks *acks_new(struct event_base *base, struct writer *writer,
                      void (*on_ack)(const struct ack *ack, void *context), void *context, struct error *error)
{
    struct acks *acks = xcalloc(1, sizeof(*acks));

    acks->writer = writer;
    acks->on_ack = on_ack;
    acks->context = context;
    acks->last = &acks->first;
    pthread_mutex_init(&acks->lock, NULL);
    if (!(acks->arrived = event_new(base, -1, EV_PERSIST, on_arrived, acks))) {
        (void)error_set(error, ERROR_ENVIRONMENT, "no event");
        acks_free(&acks);
    }
    return acks;
}

void acks_free(struct acks **acks)
{
    struct acks *old = *acks;
    struct pending *pending;

    *acks = NULL;
    if (!old)
        return;
    for (pending = take_all(old); pending;) {
        struct pending *next = pending->next;

        free(pending);
        pending = next;
    }
    if (old->arrived)
        event_free(old->arrived);
    pthread_mutex_destroy(&old->lock);
    free(old);
}
