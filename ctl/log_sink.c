/* See log_sink.h. */
#include "config.h"

#include "ctl/log_sink.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "daemon/console/log_block.h"
#include "daemon/counters.h"
#include "daemon/intake/piece.h"
#include "daemon/ledger/ledger.h"
#include "daemon/report/maillog.h"
#include "daemon/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCK_FULL (256u << 10) /* bytes; a line may come on top */

struct log_sink {
    char *bytes;
    size_t length;

    int fd;               /* the daemon's */
    FILE *answers;        /* NULL: none runs, it goes into ... */
    struct ledger *ledger;
    struct piece *piece;
    struct counters counters;
};

static struct ledger *open_ledger(struct log_sink *sink, struct ctl *ctl, struct error *error)
{
    const struct settings *settings = ask_settings(ctl, error);
    struct ledger_options options = {.counters = &sink->counters};
    struct ledger *ledger;

    if (!settings || !(options.ruleset = ctl_ruleset(ctl, error)))
        return NULL;
    sink->piece = piece_new(&sink->counters, (int)settings->keep_delivered, settings->log_line_max);
    options.database = settings->database;
    options.strict_local_part = (int)settings->strict_local_part;
    options.hashed = (int)settings->addresses_hashed;
    options.policy = settings->policy;
    ledger = ledger_open(&options, error);
    ruleset_unref(&options.ruleset);
    return ledger;
}

struct log_sink *log_sink_open(struct ctl *ctl, struct error *error)
{
    struct log_sink *sink = xcalloc(1, sizeof(*sink));
    int connected = ask_connect(ctl, &sink->fd, error);

    sink->bytes = xmalloc(BLOCK_FULL + MAILLOG_LINE_MAX + 2);
    if (connected > 0)
        sink->answers = fdopen(sink->fd, "r");
    if (connected < 0 || (!connected && !(sink->ledger = open_ledger(sink, ctl, error))))
        log_sink_close(&sink);
    return sink;
}

void log_sink_close(struct log_sink **sink)
{
    struct log_sink *old = *sink;

    *sink = NULL;
    if (!old)
        return;
    if (old->answers)
        fclose(old->answers);
    ledger_close(&old->ledger);
    piece_free(&old->piece);
    free(old->bytes);
    free(old);
}

int log_sink_is_direct(const struct log_sink *sink)
{
    return sink->ledger != NULL;
}

int log_sink_line(struct log_sink *sink, struct span line)
{
    memcpy(sink->bytes + sink->length, line.start, line.length);
    sink->length += line.length;
    sink->bytes[sink->length++] = '\n';
    return sink->length >= BLOCK_FULL;
}

static json_t *request_of(const struct log_sink *sink, const struct log_part *part)
{
    const struct log_position *at = &part->position;

    return json_pack("{s:s, s:I, s:o, s:s*, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "command", "ingest-log", "size",
                     (json_int_t)sink->length, "host", ask_json(part->host), "log", part->log, "now",
                     (json_int_t)part->now, "since", (json_int_t)at->since, "offset", (json_int_t)at->offset,
                     "head_length", (json_int_t)at->head_length, "head_hash", (json_int_t)at->head_hash,
                     "device", (json_int_t)at->device, "inode", (json_int_t)at->inode);
}

static int send_all(int fd, const char *bytes, size_t length, struct error *error)
{
    size_t sent = 0;

    while (sent < length) {
        ssize_t n = send(fd, bytes + sent, length - sent, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return error_set(error, ERROR_ENVIRONMENT, "daemon: %s", strerror(errno));
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int read_events(FILE *answers, struct error *error)
{
    char *line = NULL;
    size_t size = 0;
    json_t *answer = getline(&line, &size, answers) > 0 ? json_loads(line, 0, NULL) : NULL;
    const char *problem = json_string_value(json_object_get(answer, "error"));
    int events = -1;

    if (json_is_true(json_object_get(answer, "ok")))
        events = (int)json_integer_value(json_object_get(answer, "events"));
    else
        (void)error_set(error, ERROR_ENVIRONMENT, "daemon: %s", problem ? problem : "no answer");
    json_decref(answer);
    free(line);
    return events;
}

static int give_daemon(struct log_sink *sink, json_t *request, struct error *error)
{
    char *text = json_dumps(request, JSON_COMPACT), *line = xasprintf("%s\n", text);
    int failed = send_all(sink->fd, line, strlen(line), error) || send_all(sink->fd, sink->bytes, sink->length, error);

    free(line);
    free(text);
    return failed ? -1 : read_events(sink->answers, error);
}

static int give_ledger(struct log_sink *sink, const json_t *request, struct error *error)
{
    struct log_block *block = log_block_new(request, error);
    struct record *record;
    int events = -1;

    if (!block)
        return -1;
    log_block_add(block, sink->bytes, sink->length);
    record = log_block_record(block, sink->piece);
    if (!ledger_begin(sink->ledger, error)) {
        if (ledger_record(sink->ledger, record, error) || ledger_commit(sink->ledger, error))
            ledger_rollback(sink->ledger);
        else
            events = record->changed_r;
    }
    record_free(&record);
    log_block_free(&block);
    return events;
}

int log_sink_give(struct log_sink *sink, const struct log_part *part, struct error *error)
{
    json_t *request = request_of(sink, part);
    int events = sink->answers ? give_daemon(sink, request, error) : give_ledger(sink, request, error);

    json_decref(request);
    sink->length = 0;
    return events;
}
