/* See ingest_log.h.
 *
 * The files are read in the order of their first lines, whatever the order in
 * which they are named, so that a later result comes later. Each block of lines
 * is recorded together with the part of the file that it is of; so an import that
 * was interrupted goes on where it was, and one that is run again finds nothing.
 */
#include "config.h"

#include "ctl/ingest_log.h"

#include "base/mem.h"
#include "ctl/ask.h"
#include "ctl/log_part.h"
#include "ctl/log_reader.h"
#include "ctl/log_sink.h"
#include "ctl/progress.h"
#include "daemon/report/maillog.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_LINES 1000    /* among which a time is looked for */
#define SPARSE_LINES 200000 /* without a delivery, after which the position is saved */

struct counts {
    uint64_t lines, read_before, ambiguous, of[ACTION_COUNT], events;
};

struct log_file {
    const char *name;
    int64_t first, modified; /* INT64_MAX: not known */
    int place;               /* among the arguments */
    uint64_t size;
};

struct import {
    struct ctl *ctl;
    const char *command, *host;
    struct log_sink *sink;
    const struct settings *settings;
    struct progress progress;
    uint64_t bytes; /* of the files before this one */
    struct counts sum;
};

/* One file on its way. */
struct reading {
    struct import *import;
    struct log_reader *reader;
    struct log_parts parts;
    struct log_part part; /* of the next block; since is where it begins */
    struct maillog_clock clock;
    uint64_t since, sparse;
    struct counts counts;
};

/* ------------------------------------------------------------------- order */

/* A file that cannot be read is told of when its turn comes. */
static void look_at(struct log_file *file)
{
    struct error ignored;
    struct log_reader *reader;
    struct stat status;
    struct span line;

    file->first = file->modified = INT64_MAX;
    /* A pipe can be read once only. */
    if (stat(file->name, &status) || !S_ISREG(status.st_mode) || !(reader = log_reader_open(file->name, &ignored)))
        return;
    file->modified = (int64_t)log_reader_file(reader)->st_mtim.tv_sec;
    file->size = (uint64_t)log_reader_file(reader)->st_size;
    for (int i = 0; i < FIRST_LINES && file->first == INT64_MAX && log_reader_next(reader, &line, &ignored) > 0; i++) {
        struct maillog_clock clock = {.now = file->modified, .local = 1};
        struct maillog_line parsed;

        (void)maillog_read(line.start, line.length, &clock, &parsed);
        if (parsed.time)
            file->first = parsed.time;
    }
    log_reader_close(&reader);
}

static int by_time(const void *left, const void *right)
{
    const struct log_file *a = left, *b = right;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    if (a->modified != b->modified)
        return a->modified < b->modified ? -1 : 1;
    return a->place - b->place;
}

/* -------------------------------------------------------------------- lines */

/* Hands in what has been read since the part began. */
static int give(struct reading *reading, struct error *error)
{
    struct log_part *part = &reading->part;
    int events;

    reading->sparse = 0;
    log_reader_position(reading->reader, reading->since, &part->position);
    if (part->position.offset == reading->since)
        return 0;
    if ((events = log_sink_give(reading->import->sink, part, error)) < 0)
        return -1;
    reading->counts.events += (uint64_t)events;
    return 0;
}

static void count_line(struct reading *reading, enum maillog_kind kind, const struct maillog_line *line)
{
    char recipient[MAILLOG_RECIPIENT_SIZE];
    struct span rest = line->recipients;

    reading->counts.ambiguous += kind == MAILLOG_AMBIGUOUS;
    while (kind == MAILLOG_DELIVERY && !line->probe && maillog_recipient(line, &rest, recipient))
        reading->counts.of[line->action]++;
}

static int take_line(struct reading *reading, struct span text, struct error *error)
{
    struct maillog_line line;
    enum maillog_kind kind = maillog_read(text.start, text.length, &reading->clock, &line);

    reading->counts.lines++;
    count_line(reading, kind, &line);
    if (kind == MAILLOG_OTHER)
        return ++reading->sparse < SPARSE_LINES ? 0 : give(reading, error);
    return log_sink_line(reading->import->sink, text) ? give(reading, error) : 0;
}

/* From one line that has been read before, or the start, to the next. */
static int take_all(struct reading *reading, struct error *error)
{
    struct import *import = reading->import;
    struct span line;
    uint64_t offset = 0;
    int found = 0;

    while (!log_parts_ahead(&reading->parts, offset) && (found = log_reader_next(reading->reader, &line, error)) > 0) {
        int known = log_parts_have(&reading->parts, offset);

        offset = log_reader_offset(reading->reader);
        if (known) {
            reading->counts.read_before++;
            reading->since = offset;
        } else if (take_line(reading, line, error) ||
                   (log_parts_have(&reading->parts, offset) && give(reading, error))) {
            return -1;
        }
        progress_at(&import->progress, import->bytes + log_reader_taken(reading->reader),
                    import->sum.lines + reading->counts.lines);
    }
    return found < 0 ? -1 : 0;
}

/* -------------------------------------------------------------------- files */

static void add_counts(struct counts *sum, const struct counts *counts)
{
    sum->lines += counts->lines;
    sum->read_before += counts->read_before;
    sum->ambiguous += counts->ambiguous;
    sum->events += counts->events;
    for (int i = 0; i < ACTION_COUNT; i++)
        sum->of[i] += counts->of[i];
}

/* name NULL: of all files. left: its rest is the daemon's. */
static void print_counts(struct ctl *ctl, const char *name, const struct counts *counts, int left)
{
    unsigned long long delivered = counts->of[ACTION_DELIVERED], deferred = counts->of[ACTION_DELAYED];
    unsigned long long failed = counts->of[ACTION_FAILED], relayed = counts->of[ACTION_RELAYED];

    if (ctl->json) {
        ask_print_json(json_pack("{s:o*, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "file",
                                 name ? ask_json(name) : NULL, "total", !name, "lines", (json_int_t)counts->lines,
                                 "read_before", (json_int_t)counts->read_before, "delivered", (json_int_t)delivered,
                                 "deferred", (json_int_t)deferred, "failed", (json_int_t)failed, "relayed",
                                 (json_int_t)relayed, "ambiguous", (json_int_t)counts->ambiguous, "events",
                                 (json_int_t)counts->events, "left", left));
        return;
    }
    ask_print(name ? name : "total");
    printf(": %llu lines, %llu delivered, %llu deferred, %llu failed, %llu relayed; %llu new events",
           (unsigned long long)counts->lines, delivered, deferred, failed, relayed, (unsigned long long)counts->events);
    if (counts->ambiguous)
        printf("; %llu read in two ways, passed over", (unsigned long long)counts->ambiguous);
    if (counts->read_before)
        printf("; %llu lines more were read before", (unsigned long long)counts->read_before);
    puts(left ? "; the rest is left to suppressd, which follows it" : "");
}

static void begin(struct reading *reading, struct import *import)
{
    const struct stat *status = log_reader_file(reading->reader);
    const struct settings *settings = import->settings;

    reading->import = import;
    reading->clock.local = 1;
    reading->clock.now = S_ISREG(status->st_mode) ? (int64_t)status->st_mtim.tv_sec : (int64_t)time(NULL);
    reading->part.now = reading->clock.now;
    reading->part.host = import->host ? import->host : settings->mail_log_host;
    reading->part.log = reading->parts.follow && log_sink_is_direct(import->sink) ? settings->mail_log : NULL;
}

/* What stands before a damaged place counts. 1: this file could not be read to its end. */
static int ingest_file(struct import *import, const struct log_file *file, struct error *error)
{
    struct reading reading = {.reader = log_reader_open(file->name, error)};
    struct error other;
    int failed;

    if (!reading.reader)
        return 1;
    if ((failed = log_parts_find(import->ctl, file->name, reading.reader, &reading.parts, error)) == 0) {
        begin(&reading, import);
        failed = take_all(&reading, error);
        if (give(&reading, failed ? &other : error))
            failed = -1;
        print_counts(import->ctl, file->name, &reading.counts, reading.parts.ahead);
        add_counts(&import->sum, &reading.counts);
    }
    import->bytes += log_reader_taken(reading.reader);
    log_reader_close(&reading.reader);
    free(reading.parts.rows);
    return failed != 0;
}

/* One file that cannot be read keeps nobody from the others. */
static int ingest_all(struct import *import, const struct log_file *files, int count)
{
    struct error error;
    uint64_t size = 0;
    int code = EXIT_YES;

    for (int i = 0; i < count; i++)
        size += files[i].size;
    progress_begin(&import->progress, "lines", size);
    for (int i = 0; i < count; i++)
        if (ingest_file(import, &files[i], &error))
            code = ctl_fail(import->command, EXIT_FAILED, "%s", error.text);
    (void)progress_end(&import->progress);
    if (count > 1)
        print_counts(import->ctl, NULL, &import->sum, 0);
    return code;
}

int ingest_logs(struct ctl *ctl, const char *command, const char *host, char **names, int count)
{
    struct import import = {.ctl = ctl, .command = command, .host = host};
    struct log_file *files;
    struct error error;
    int code;

    if (!(import.settings = ask_settings(ctl, &error)) || !(import.sink = log_sink_open(ctl, &error)))
        return ctl_fail(command, EXIT_FAILED, "%s", error.text);
    files = xcalloc((size_t)count, sizeof(*files));
    for (int i = 0; i < count; i++) {
        files[i] = (struct log_file){.name = names[i], .place = i};
        look_at(&files[i]);
    }
    qsort(files, (size_t)count, sizeof(*files), by_time);
    code = ingest_all(&import, files, count);
    log_sink_close(&import.sink);
    free(files);
    return code;
}
