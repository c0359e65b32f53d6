/* See writer.h. */
#include "config.h"

#include "daemon/ledger/writer.h"

#include "base/mem.h"
#include "daemon/ledger/ledger.h"
#include "daemon/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PRUNE_EVERY 3600 /* seconds */
#define TICK_EVERY 30    /* seconds between looks at the incidents */
#define LEAP 3600        /* seconds by which a clock is set, not adjusted */
#define BELIEVED 86400   /* seconds after which a clock that leapt ahead is believed */

struct writer {
    pthread_t thread;
    pthread_mutex_t lock;     /* guards what stands between here ... */
    pthread_cond_t work;
    struct record *head, **tail;
    size_t queued;
    size_t bytes; /* of what is queued or being written */
    int stopping;
    struct writer_limits limits; /* ... and here */
    struct writer_options options;
    struct ledger *ledger; /* the thread's */
    int64_t prune_at;      /* the thread's, of uptime */
    int64_t tick_at;       /* the thread's, of uptime */
    int64_t ahead;         /* the thread's: of the clock against uptime */
    int trouble;           /* the thread's: the last batch failed */
    struct error damage;   /* the thread's: why nothing more is written; ERROR_NONE */
};

/* One caller that waits for one record; lives until both have let go. */
struct ticket {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int holders;
    int finished;
    int result;
    struct error error;
};

static int64_t seconds_now(void)
{
    return (int64_t)time(NULL);
}

/* Seconds since some moment: the clock that nobody sets. */
static int64_t uptime(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec;
}

static void cond_init_monotonic(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct timespec deadline_in(int seconds)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds;
    return deadline;
}

static void finish(struct writer *writer, struct record *record, int result, const struct error *error)
{
    pthread_mutex_lock(&writer->lock);
    writer->bytes -= record->weight;
    pthread_mutex_unlock(&writer->lock);
    if (result && record->kind == RECORD_SENT)
        counters_add(writer->options.counters, COUNTER_SENT_DROPPED, 1);
    if (record->done)
        record->done(record, result, error);
    else
        record_free(&record);
}

static void finish_all(struct writer *writer, struct record *batch, int result, const struct error *error)
{
    while (batch) {
        struct record *next = batch->next;

        finish(writer, batch, result, error);
        batch = next;
    }
}

/* Into a file that is damaged nothing more is written: pages that are still good
 * might be taken for free ones. */
static int begin(struct writer *writer, struct error *error)
{
    if (!writer->damage.code)
        return ledger_begin(writer->ledger, error);
    *error = writer->damage;
    return -1;
}

/* Everything or nothing. */
static int record_batch(struct writer *writer, struct record *batch, struct error *error)
{
    if (begin(writer, error))
        return -1;
    for (struct record *record = batch; record; record = record->next)
        if (ledger_record(writer->ledger, record, error)) {
            ledger_rollback(writer->ledger);
            return -1;
        }
    if (!ledger_commit(writer->ledger, error))
        return 0;
    ledger_rollback(writer->ledger);
    return -1;
}

/* One bad record must not fail its neighbours: each in a transaction of its own. */
static void record_one_by_one(struct writer *writer, struct record *batch)
{
    while (batch) {
        struct record *next = batch->next;
        struct error error = {0};
        int result;

        batch->next = NULL;
        if ((result = record_batch(writer, batch, &error)))
            log_line(LOG_ERROR, "cannot record: %s", error.text);
        finish(writer, batch, result, &error);
        batch = next;
    }
}

/* Said when it begins and when it is over, not for every batch between. */
static void note_trouble(struct writer *writer, int failed, const struct error *error)
{
    if (failed && !writer->trouble)
        log_line(LOG_ERROR, "the database cannot be written, bounces are put off: %s", error->text);
    else if (!failed && writer->trouble)
        log_line(LOG_NOTE, "the database can be written again");
    writer->trouble = failed;
    if (failed && error->code == ERROR_DAMAGED)
        writer->damage = *error;
}

static void process(struct writer *writer, struct record *batch)
{
    struct error error = {0};
    int failed = record_batch(writer, batch, &error);

    if (failed && error.code == ERROR_INPUT) {
        record_one_by_one(writer, batch);
        return;
    }
    note_trouble(writer, failed, &error);
    finish_all(writer, batch, failed, &error);
}

static void use_rules(struct writer *writer, struct record *record)
{
    struct error error = {0};
    int result = ledger_use_rules(writer->ledger, record->ruleset, &error);

    if (record->policy)
        ledger_use_policy(writer->ledger, record->policy);
    if (result)
        log_line(LOG_ERROR, "the new rules cannot be used, the old ones stay: %s", error.text);
    finish(writer, record, result, &error);
}

/* Takes what one transaction may hold, oldest first; a change of rules is
 * taken alone. The lock is held. */
static struct record *take_batch(struct writer *writer)
{
    struct record *batch = writer->head, **end = &batch;
    size_t count = 0;

    while (*end && count < writer->options.batch_max && ((*end)->kind != RECORD_RULES || !count)) {
        int alone = (*end)->kind == RECORD_RULES;

        end = &(*end)->next;
        count++;
        if (alone)
            break;
    }
    writer->head = *end;
    *end = NULL;
    if (!writer->head)
        writer->tail = &writer->head;
    writer->queued -= count;
    return batch;
}

/* Forgets a bounded piece of what is old; comes again at once while there is more. */
static void prune(struct writer *writer, const struct writer_limits *limits)
{
    int64_t now = seconds_now();
    const struct ledger_ages before = {
        .sent = now - limits->sent_keep,
        .rollup = now - limits->rollup_keep,
        .events = now - limits->events_keep,
        .unproven = now - limits->unproven_keep,
    };
    struct error error = {0};
    int more = -1;

    writer->prune_at = uptime() + PRUNE_EVERY;
    if (begin(writer, &error)) {
        note_trouble(writer, 1, &error);
        return;
    }
    more = ledger_prune(writer->ledger, &before, now, &error);
    if (more < 0 || ledger_commit(writer->ledger, &error)) {
        ledger_rollback(writer->ledger);
        note_trouble(writer, 1, &error);
    } else if (more) {
        writer->prune_at = uptime();
    }
}

/* What is old by a clock that leaps ahead may not be old: nobody could bring it back. */
static void watch_clock(struct writer *writer)
{
    int64_t ahead = seconds_now() - uptime(), leap = ahead - writer->ahead;

    writer->ahead = ahead;
    if (leap > LEAP)
        writer->prune_at = uptime() + BELIEVED;
    if (leap > LEAP || leap < -LEAP)
        log_line(LOG_WARN, "the clock was set %s by %lld seconds%s", leap > 0 ? "ahead" : "back",
                 (long long)(leap > 0 ? leap : -leap), leap > 0 ? ": for a day nothing is forgotten as too old" : "");
}

/* Closes incidents that are over. */
static void tick(struct writer *writer)
{
    int64_t now = seconds_now();
    struct error error = {0};

    writer->tick_at = uptime() + TICK_EVERY;
    if (!ledger_due(writer->ledger, now))
        return;
    if (begin(writer, &error)) {
        note_trouble(writer, 1, &error);
    } else if (ledger_tick(writer->ledger, now, &error) || ledger_commit(writer->ledger, &error)) {
        ledger_rollback(writer->ledger);
        note_trouble(writer, 1, &error);
    }
}

/* Waits for work, for the next pruning or for the end. 0 when all is done. The
 * lock is held. */
static int wait_for_work(struct writer *writer)
{
    int64_t next = writer->prune_at < writer->tick_at ? writer->prune_at : writer->tick_at;
    int64_t left = next - uptime();
    struct timespec deadline = deadline_in(left > 0 && left < PRUNE_EVERY ? (int)left : PRUNE_EVERY);

    while (!writer->head && !writer->stopping && left > 0)
        if (pthread_cond_timedwait(&writer->work, &writer->lock, &deadline))
            break;
    return writer->head || !writer->stopping;
}

static void *writer_main(void *argument)
{
    struct writer *writer = argument;

    pthread_setname_np(pthread_self(), "writer");
    pthread_mutex_lock(&writer->lock);
    while (wait_for_work(writer)) {
        struct record *batch = take_batch(writer);
        struct writer_limits limits = writer->limits;

        pthread_mutex_unlock(&writer->lock);
        watch_clock(writer);
        ledger_limit_aside(writer->ledger, limits.aside_bytes_max, &limits.reading);
        if (batch && batch->kind == RECORD_RULES)
            use_rules(writer, batch);
        else if (batch)
            process(writer, batch);
        else if (uptime() >= writer->prune_at)
            prune(writer, &limits);
        if (uptime() >= writer->tick_at)
            tick(writer);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

static int start_thread(struct writer *writer, struct error *error)
{
    sigset_t all, old;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&writer->thread, NULL, writer_main, writer);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failed ? error_set(error, ERROR_ENVIRONMENT, "writer thread: %s", strerror(failed)) : 0;
}

struct writer *writer_start(struct ledger *ledger_take, const struct writer_options *options,
                            const struct writer_limits *limits, struct error *error)
{
    struct writer *writer = xcalloc(1, sizeof(*writer));

    writer->ledger = ledger_take;
    writer->options = *options;
    writer->limits = *limits;
    writer->tail = &writer->head;
    writer->prune_at = uptime() + 60;
    writer->tick_at = uptime() + TICK_EVERY;
    writer->ahead = seconds_now() - uptime();
    pthread_mutex_init(&writer->lock, NULL);
    cond_init_monotonic(&writer->work);
    if (start_thread(writer, error)) {
        ledger_close(&writer->ledger);
        free(writer);
        return NULL;
    }
    return writer;
}

void writer_stop(struct writer **writer)
{
    struct writer *old = *writer;

    *writer = NULL;
    if (!old)
        return;
    pthread_mutex_lock(&old->lock);
    old->stopping = 1;
    pthread_cond_signal(&old->work);
    pthread_mutex_unlock(&old->lock);
    pthread_join(old->thread, NULL);
    ledger_close(&old->ledger);
    pthread_cond_destroy(&old->work);
    pthread_mutex_destroy(&old->lock);
    free(old);
}

void writer_set_limits(struct writer *writer, const struct writer_limits *limits)
{
    pthread_mutex_lock(&writer->lock);
    writer->limits = *limits;
    pthread_mutex_unlock(&writer->lock);
}

/* The lock is held. */
static int is_full(const struct writer *writer, size_t weight)
{
    const struct writer_options *options = &writer->options;

    return writer->queued >= options->queue_max ||
           (options->queue_bytes_max && writer->bytes && writer->bytes + weight > options->queue_bytes_max);
}

int writer_submit(struct writer *writer, struct record *record, struct error *error)
{
    size_t weight = record_weight(record);
    int refused;

    record->next = NULL;
    record->weight = weight;
    pthread_mutex_lock(&writer->lock);
    refused = writer->stopping || is_full(writer, weight);
    if (!refused) {
        writer->bytes += weight;
        *writer->tail = record;
        writer->tail = &record->next;
        writer->queued++;
        pthread_cond_signal(&writer->work);
    }
    pthread_mutex_unlock(&writer->lock);
    if (!refused)
        return 0;
    counters_add(writer->options.counters, COUNTER_QUEUE_FULL, 1);
    return error_set(error, ERROR_ENVIRONMENT, "the queue to the database is full");
}

static void ticket_release(struct ticket *ticket)
{
    int left;

    pthread_mutex_lock(&ticket->lock);
    left = --ticket->holders;
    pthread_mutex_unlock(&ticket->lock);
    if (left)
        return;
    pthread_cond_destroy(&ticket->done);
    pthread_mutex_destroy(&ticket->lock);
    free(ticket);
}

static void ticket_done(struct record *record, int result, const struct error *error)
{
    struct ticket *ticket = record->waiter;

    pthread_mutex_lock(&ticket->lock);
    ticket->finished = 1;
    ticket->result = result;
    ticket->error = *error;
    pthread_cond_signal(&ticket->done);
    pthread_mutex_unlock(&ticket->lock);
    record_free(&record);
    ticket_release(ticket);
}

static int ticket_wait(struct ticket *ticket, int timeout, struct error *error)
{
    struct timespec deadline = deadline_in(timeout);
    int result = -1;

    pthread_mutex_lock(&ticket->lock);
    while (!ticket->finished)
        if (pthread_cond_timedwait(&ticket->done, &ticket->lock, &deadline))
            break;
    if (ticket->finished) {
        result = ticket->result;
        *error = ticket->error;
    } else {
        (void)error_set(error, ERROR_ENVIRONMENT, "not on disk within %d seconds", timeout);
    }
    pthread_mutex_unlock(&ticket->lock);
    return result;
}

int writer_record(struct writer *writer, struct record *record_take, int timeout, struct error *error)
{
    struct ticket *ticket = xcalloc(1, sizeof(*ticket));
    int result;

    pthread_mutex_init(&ticket->lock, NULL);
    cond_init_monotonic(&ticket->done);
    ticket->holders = 2;
    record_take->waiter = ticket;
    record_take->done = ticket_done;
    if (writer_submit(writer, record_take, error)) {
        record_free(&record_take);
        ticket_release(ticket);
        result = -1;
    } else {
        result = ticket_wait(ticket, timeout, error);
    }
    ticket_release(ticket);
    return result;
}

size_t writer_queued(struct writer *writer)
{
    size_t queued;

    pthread_mutex_lock(&writer->lock);
    queued = writer->queued;
    pthread_mutex_unlock(&writer->lock);
    return queued;
}
