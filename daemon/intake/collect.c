/* See collect.h. */
#include "config.h"

#include "daemon/intake/collect.h"

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/budget.h"
#include "daemon/intake/own.h"
#include "daemon/ledger/aside.h"
#include "daemon/log.h"
#include "daemon/report/address.h"
#include "daemon/report/field.h"
#include "daemon/report/scan.h"
#include "daemon/settings.h"
#include "daemon/tag.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX 250 /* a longer Message-ID would be cut where it is compared */

struct collect {
    struct collect_limits limits;
    struct counters *counters;
    char *bytes;
    size_t length, size;
    int full;
    int crowded; /* there was no room for it */
};

struct collect_limits collect_limits_of(const struct settings *settings, struct budget *memory)
{
    return (struct collect_limits){
        .memory = memory,
        .size = (size_t)settings->report_size_max,
        .reading.header = (size_t)settings->header_size_max,
        .reading.parts = (size_t)settings->mime_parts_max,
        .reading.depth = (size_t)settings->mime_depth_max,
        .reading.recipients = (size_t)settings->report_recipients_max,
    };
}

struct collect *collect_new(const struct collect_limits *limits, struct counters *counters)
{
    struct collect *collect = xcalloc(1, sizeof(*collect));

    collect->limits = *limits;
    collect->counters = counters;
    return collect;
}

/* What a buffer of that size takes of the budget. */
static size_t room_for(size_t size)
{
    return size > COLLECT_SHARE ? 2 * (size - COLLECT_SHARE) : 0;
}

/* 1; 0: there is no room. */
static int resize(struct collect *collect, size_t size)
{
    struct budget *memory = collect->limits.memory;
    size_t now = room_for(collect->size), then = room_for(size);

    if (memory && then > now && !budget_take(memory, then - now))
        return 0;
    if (memory && then < now)
        budget_give(memory, now - then);
    if (size) {
        collect->bytes = xrealloc(collect->bytes, size);
    } else {
        free(collect->bytes);
        collect->bytes = NULL;
    }
    collect->size = size;
    return 1;
}

void collect_free(struct collect **collect)
{
    struct collect *old = *collect;

    *collect = NULL;
    if (!old)
        return;
    resize(old, 0);
    free(old);
}

/* Its share stays, so that it can be told whether it is a report. */
static void crowd_out(struct collect *collect)
{
    counters_add(collect->counters, COUNTER_MESSAGES_CROWDED, 1);
    collect->crowded = 1;
    if (collect->length > COLLECT_SHARE)
        collect->length = COLLECT_SHARE;
    resize(collect, COLLECT_SHARE);
}

static size_t size_for(const struct collect *collect, size_t needed)
{
    size_t size = needed < COLLECT_SHARE && 2 * needed > COLLECT_SHARE ? COLLECT_SHARE : 2 * needed;

    return size < collect->limits.size ? size : collect->limits.size;
}

void collect_append(struct collect *collect, const char *bytes, size_t length)
{
    size_t room = collect->limits.size - collect->length, needed;

    if (collect->crowded)
        return;
    if (length > room) {
        length = room;
        if (!collect->full)
            counters_add(collect->counters, COUNTER_REPORTS_CUT, 1);
        collect->full = 1;
    }
    if (!length)
        return;
    needed = collect->length + length;
    if (needed > collect->size && !resize(collect, size_for(collect, needed))) {
        crowd_out(collect);
        return;
    }
    memcpy(collect->bytes + collect->length, bytes, length);
    collect->length = needed;
}

int collect_is_full(const struct collect *collect)
{
    return collect->full || collect->crowded;
}

struct span collect_bytes(const struct collect *collect)
{
    return (struct span){collect->length ? collect->bytes : "", collect->length};
}

/* A message that is brought again after an answer was lost, or that is imported
 * twice, must be known again though it names no queue id. */
static char *identity(struct span bytes, const struct header *header)
{
    char *id = field_plain(header_get(header, "Message-ID"), ID_MAX);

    return id ? id : xasprintf("%016llx", (unsigned long long)hash_bytes(HASH_OF_NOTHING, bytes.start, bytes.length));
}

/* NULL when the message does not say: then nobody knows whether it was null. */
static char *return_path(const struct header *header)
{
    struct span value = header_get(header, "Return-Path"), text = span_trim(value);

    if (text.length < 2 || text.start[0] != '<' || text.start[text.length - 1] != '>')
        return NULL;
    text = (struct span){text.start + 1, text.length - 2};
    return xstrndup(text.start, text.length < ADDRESS_SIZE ? text.length : ADDRESS_SIZE);
}

static char *tagged_in(struct span address)
{
    char *text = address.length && address.length < ADDRESS_SIZE ? span_dup(address) : NULL;
    struct tag tag;

    if (text && !tag_parse(text, &tag)) {
        free(text);
        text = NULL;
    }
    return text;
}

/* The signed address that the report answers: it came to it, or it returns it.
 * Which of these does not matter, for a tag proves by being known. The sender
 * goes on record without its tag. */
static char *find_tagged(const struct header *header, const char *to, struct report *report)
{
    static const char *const fields[] = {"To", "X-Original-To", "Delivered-To"};
    char *tagged = to ? xstrdup(to) : NULL;
    struct span address;
    struct tag tag;

    if (report->original_sender && tag_parse(report->original_sender, &tag)) {
        if (!tagged)
            tagged = xstrdup(report->original_sender);
        free(report->original_sender);
        report->original_sender = xstrdup(tag.original);
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !tagged; i++)
        if (scan_only(header_get(header, fields[i]), &address))
            tagged = tagged_in(address);
    return tagged;
}

static void describe(struct collect *collect, const struct collect_origin *origin, struct record *record)
{
    struct header *header = xmalloc(sizeof(*header));
    struct span bytes = collect_bytes(collect), rest = bytes;

    header_read(&rest, collect->limits.reading.header, header);
    record->source = origin->source;
    record->queue_id = origin->queue_id ? xstrdup(origin->queue_id) : identity(bytes, header);
    record->sender = origin->sender ? xstrdup(origin->sender) : return_path(header);
    if (origin->own_host && own_dsn(&record->report, record->sender, origin->own_host) &&
        (origin->internal || own_way(header, origin->own_host)))
        record->evidence = EVIDENCE_LOCAL;
    record->tagged = find_tagged(header, origin->tagged, &record->report);
    free(header);
}

/* A complaint need not name who complains: the journal may know. */
static int says_something(const struct report *report)
{
    return report->kind == REPORT_BROKEN || report->count || report->complaint;
}

static void log_record(const struct collect *collect, const struct record *record)
{
    const struct report *report = &record->report;

    if (record->kind == RECORD_ASIDE)
        log_line(LOG_WARN, "report %s: kept aside: %s", record->queue_id,
                 report->problem ? report->problem : "not understood");
    else if (collect->full && report->problem)
        log_line(LOG_WARN, "report %s: larger than report_size_max: %s", record->queue_id, report->problem);
    else if (record->bytes)
        log_line(LOG_WARN, "report %s: kept aside besides: %s", record->queue_id, report->problem);
    else
        log_line(LOG_DETAIL, "report %s: %s of %s on %s: %zu recipient(s), %s", record->queue_id,
                 report_kind_name(report->kind), report->reporting_mta ? report->reporting_mta : "?",
                 report->queue_id ? report->queue_id : "?", report->count, evidence_name(record->evidence));
}

static void count_cuts(const struct collect *collect, unsigned cut)
{
    static const struct {
        enum report_cut cut;
        enum counter counter;
    } cuts[] = {
        {REPORT_CUT_HEADER, COUNTER_HEADERS_CUT},
        {REPORT_CUT_PARTS, COUNTER_PARTS_CUT},
        {REPORT_CUT_DEPTH, COUNTER_DEPTH_CUT},
        {REPORT_CUT_RECIPIENTS, COUNTER_RECIPIENTS_CUT},
    };

    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
        counters_add(collect->counters, cuts[i].counter, (cut & cuts[i].cut) != 0);
}

/* Their room is given back when they are packed, and few. */
static void give_bytes(struct collect *collect, struct record *record)
{
    record->bytes = collect->bytes;
    record->size = collect->length;
    collect->bytes = NULL;
    aside_pack(record);
}

static void make_record(struct collect *collect, const struct collect_origin *origin, struct record *record)
{
    count_cuts(collect, record->report.cut);
    describe(collect, origin, record);
    if (aside_wants(&record->report))
        record->kind = RECORD_ASIDE;
    if (record->kind == RECORD_ASIDE || record->report.cut & REPORT_CUT_RECIPIENTS)
        give_bytes(collect, record);
    log_record(collect, record);
}

enum collected collect_record(struct collect *collect, const struct collect_origin *origin, int64_t now,
                              struct record **record_r)
{
    struct record *record = record_new(RECORD_REPORT, now);
    enum collected collected = collect->crowded ? COLLECTED_CROWDED : COLLECTED_REPORT;

    message_parse(collect->bytes, collect->length, &collect->limits.reading, &record->report);
    if (!says_something(&record->report)) {
        count_cuts(collect, record->report.cut);
        counters_add(collect->counters, COUNTER_ORDINARY, 1);
        collected = COLLECTED_ORDINARY;
    }
    if (collected == COLLECTED_REPORT)
        make_record(collect, origin, record);
    else
        record_free(&record);
    *record_r = record;
    collect->length = 0;
    resize(collect, 0);
    return collected;
}
