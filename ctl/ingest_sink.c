/* See ingest.h. */
#include "config.h"

#include "ctl/ingest.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "daemon/console/control.h"
#include "daemon/intake/own.h"
#include "daemon/keyring.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/writer.h"
#include "daemon/settings.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT_MAX 500 /* of our own writer; of the daemon CONTROL_IN_FLIGHT_MAX */

struct sink {
    const struct settings *settings;
    struct counters counters;
    int own;
    size_t in_flight;

    /* the daemon's */
    int fd; /* -1: there is none */
    FILE *answers;
    json_int_t next_id;

    /* our own writer's */
    struct writer *writer;
    struct keyring *keyring; /* the writer's */
    char own_name[256];
    pthread_mutex_t lock; /* guards all that stands below, and in_flight */
    pthread_cond_t less;  /* in flight */
    struct ingest_counts counts;
    struct error error;   /* the first */
};

/* -------------------------------------------------------------- the daemon */

static int read_answer(struct sink *sink, struct error *error)
{
    char *line = NULL;
    size_t size = 0;
    json_t *answer = NULL;
    enum ingested ingested;
    int known = 0;

    if (getline(&line, &size, sink->answers) <= 0)
        (void)error_set(error, ERROR_ENVIRONMENT, "the daemon gave no answer: what was not counted is not known to be on record");
    else if (!(answer = json_loads(line, 0, NULL)))
        (void)error_set(error, ERROR_ENVIRONMENT, "the daemon's answer is not understood");
    else if (!(known = ingested_from_name(json_string_value(json_object_get(answer, "result")), &ingested)))
        (void)error_set(error, ERROR_ENVIRONMENT, "%s", json_string_value(json_object_get(answer, "error"))
                                                            ? json_string_value(json_object_get(answer, "error"))
                                                            : "refused");
    if (known) {
        sink->counts.of[ingested]++;
        sink->in_flight--;
    }
    json_decref(answer);
    free(line);
    return known ? 0 : -1;
}

static int send_all(int fd, struct span bytes, struct error *error)
{
    while (bytes.length) {
        ssize_t n = send(fd, bytes.start, bytes.length, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return error_set(error, ERROR_ENVIRONMENT, "daemon: %s", strerror(errno));
        bytes = span_from(bytes, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

static int give_daemon(struct sink *sink, struct span bytes, struct error *error)
{
    char *line;
    int failed;

    if (sink->in_flight == CONTROL_IN_FLIGHT_MAX && read_answer(sink, error))
        return -1;
    line = xasprintf("{\"command\":\"ingest\",\"id\":%lld,\"size\":%zu,\"own\":%s}\n", (long long)sink->next_id++,
                     bytes.length, sink->own ? "true" : "false");
    failed = send_all(sink->fd, span_of(line), error) || send_all(sink->fd, bytes, error);
    free(line);
    sink->in_flight += !failed;
    return failed ? -1 : 0;
}

/* ---------------------------------------------------------- our own writer */

/* The writer's thread. */
static void on_done(struct record *record, int result, const struct error *error)
{
    struct sink *sink = record->waiter;

    pthread_mutex_lock(&sink->lock);
    if (!result)
        sink->counts.of[ingest_result(record->kind, record->changed_r)]++;
    else if (!sink->error.code)
        sink->error = *error;
    sink->in_flight--;
    pthread_cond_signal(&sink->less);
    pthread_mutex_unlock(&sink->lock);
    record_free(&record);
}

static int wait_for_room(struct sink *sink, struct error *error)
{
    int failed;

    pthread_mutex_lock(&sink->lock);
    while (sink->in_flight >= IN_FLIGHT_MAX && !sink->error.code)
        pthread_cond_wait(&sink->less, &sink->lock);
    if ((failed = sink->error.code != ERROR_NONE))
        *error = sink->error;
    else
        sink->in_flight++;
    pthread_mutex_unlock(&sink->lock);
    return failed ? -1 : 0;
}

static int give_writer(struct sink *sink, struct collect *message, struct error *error)
{
    struct record *record = ingest_record(message, sink->own ? sink->own_name : NULL, (int64_t)time(NULL));

    if (!record) {
        sink->counts.of[INGESTED_ORDINARY]++; /* which the writer never counts */
        return 0;
    }
    record->done = on_done;
    record->waiter = sink;
    if (!wait_for_room(sink, error) && !writer_submit(sink->writer, record, error))
        return 0;
    record_free(&record);
    return -1;
}

static int open_writer(struct ctl *ctl, struct sink *sink, struct error *error)
{
    const struct settings *settings = sink->settings;
    const struct writer_options options = {
        .queue_max = IN_FLIGHT_MAX, .batch_max = (size_t)settings->batch_max, .counters = &sink->counters};
    const struct writer_limits limits = {
        .sent_keep = settings->sent_keep, .aside_bytes_max = settings->aside_bytes_max,
        .reading = collect_limits_of(settings, NULL).reading};
    struct ledger_options ledger_options = {
        .database = settings->database,
        .strict_local_part = (int)settings->strict_local_part,
        .hashed = (int)settings->addresses_hashed,
        .policy = settings->policy,
        .counters = &sink->counters,
    };
    struct ledger *ledger;

    ledger_options.keyring = sink->keyring = keyring_new();
    if (keyring_load(sink->keyring, settings->tag_key_file, 0, settings->proof_age, (int64_t)time(NULL), error))
        return -1;
    own_name(settings->mail_log_host, sink->own_name, sizeof(sink->own_name));
    if (!(ledger_options.ruleset = ctl_ruleset(ctl, error)))
        return -1;
    ledger = ledger_open(&ledger_options, error);
    ruleset_unref(&ledger_options.ruleset);
    if (ledger)
        sink->writer = writer_start(ledger, &options, &limits, error);
    return sink->writer ? 0 : -1;
}

/* ---------------------------------------------------------------- the sink */

static void sink_free(struct sink **sink)
{
    struct sink *old = *sink;

    *sink = NULL;
    writer_stop(&old->writer);
    keyring_free(&old->keyring);
    if (old->answers)
        fclose(old->answers);
    pthread_cond_destroy(&old->less);
    pthread_mutex_destroy(&old->lock);
    free(old);
}

struct sink *sink_open(struct ctl *ctl, int own, struct error *error)
{
    struct sink *sink = xcalloc(1, sizeof(*sink));
    int connected;

    sink->own = own;
    sink->fd = -1;
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->less, NULL);
    connected = (sink->settings = ask_settings(ctl, error)) ? ask_connect(ctl, &sink->fd, error) : -1;
    if (connected > 0)
        sink->answers = fdopen(sink->fd, "r");
    if (connected < 0 || (!connected && open_writer(ctl, sink, error)))
        sink_free(&sink);
    return sink;
}

struct collect *sink_message(struct sink *sink)
{
    const struct collect_limits limits = collect_limits_of(sink->settings, NULL);

    return collect_new(&limits, &sink->counters);
}

int sink_give(struct sink *sink, struct collect *message_take, struct error *error)
{
    struct span bytes = collect_bytes(message_take);
    int failed = 0;

    if (!bytes.length)
        sink->counts.of[INGESTED_ORDINARY]++;
    else
        failed = sink->answers ? give_daemon(sink, bytes, error) : give_writer(sink, message_take, error);
    collect_free(&message_take);
    return failed;
}

int sink_close(struct sink **sink, struct ingest_counts *counts_r, struct error *error)
{
    struct sink *old = *sink;
    int failed = 0;

    while (old->answers && old->in_flight && !failed)
        failed = read_answer(old, error);
    writer_stop(&old->writer);
    if (old->error.code) {
        *error = old->error;
        failed = -1;
    }
    *counts_r = old->counts;
    sink_free(sink);
    return failed;
}
