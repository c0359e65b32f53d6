/* See piece.h. */
#include "config.h"

#include "daemon/intake/piece.h"

#include "base/mem.h"
#include "daemon/intake/deferrals.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 1000      /* failures a record */
#define RESULTS_MAX (4 << 20) /* bytes a record: a line may have thousands of recipients */

struct piece {
    const char *host;
    struct counters *counters;
    struct maillog_clock clock;
    struct deferrals *deferrals;
    int keep_delivered, refused;
    size_t line_max;
};

struct piece *piece_new(struct counters *counters, int keep_delivered, long line_max)
{
    struct piece *piece = xcalloc(1, sizeof(*piece));

    piece->host = "";
    piece->keep_delivered = keep_delivered;
    piece->line_max = (size_t)line_max;
    piece->counters = counters;
    piece->clock.local = 1;
    piece->deferrals = deferrals_new();
    return piece;
}

void piece_free(struct piece **piece)
{
    struct piece *old = *piece;

    *piece = NULL;
    if (!old)
        return;
    deferrals_free(&old->deferrals);
    free(old);
}

void piece_begin(struct piece *piece, const char *host, int64_t now, int refused)
{
    piece->host = host;
    piece->clock.now = now;
    piece->refused = refused;
}

int piece_is_full(const struct record *record)
{
    return record->entry_count >= ENTRIES_MAX || record->results.text_length >= RESULTS_MAX;
}

/* As DSNs name it, in lower case. */
static char *host_of(const struct piece *piece, const struct maillog_line *line)
{
    char *host = *piece->host ? xstrdup(piece->host) : maillog_text(line->host);

    for (char *at = host; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return host;
}

static struct log_entry make_entry(const struct piece *piece, const struct maillog_line *line, const char *recipient)
{
    struct log_entry entry = {.evidence = line->doubtful ? EVIDENCE_UNPROVEN : EVIDENCE_LOCAL};

    entry.report = (struct report){
        .kind = REPORT_BOUNCE,
        .deliveries = xcalloc(1, sizeof(struct delivery)),
        .count = 1,
        .reporting_mta = host_of(piece, line),
        .queue_id = maillog_text(line->queue_id),
        .time = line->time,
    };
    maillog_delivery(line, recipient, &entry.report.deliveries[0]);
    return entry;
}

static void add_entry(const struct piece *piece, struct record *record, struct log_entry *entry_take)
{
    if (piece->refused) {
        report_clear(&entry_take->report);
        return;
    }
    record->entries = xrealloc(record->entries, (record->entry_count + 1) * sizeof(*record->entries));
    record->entries[record->entry_count++] = *entry_take;
}

static void add_result(const struct piece *piece, struct record *record, const struct maillog_line *line,
                       const char *recipient)
{
    const struct result result = {
        .time = line->time,
        .action = line->action,
        .evidence = line->doubtful ? EVIDENCE_UNPROVEN : EVIDENCE_LOCAL,
        .recipient = span_of(recipient),
        .queue_id = line->queue_id,
        .remote_mta = line->remote_mta,
        .status = line->status,
        .reply = line->action == ACTION_DELAYED ? line->reply : SPAN_NONE,
    };

    if (piece->refused < 2)
        results_add(&record->results, &result);
}

/* Keeps in mind who waits for what. */
static void note_result(struct piece *piece, const struct maillog_line *line, const char *recipient)
{
    char *host, *queue_id;
    struct log_entry entry;

    if (line->action == ACTION_DELAYED) {
        entry = make_entry(piece, line, recipient);
        deferrals_note(piece->deferrals, &entry);
        return;
    }
    if (!deferrals_may_have(piece->deferrals, line->queue_id))
        return;
    host = host_of(piece, line);
    queue_id = maillog_text(line->queue_id);
    deferrals_forget(piece->deferrals, host, queue_id, recipient);
    free(host);
    free(queue_id);
}

static void take_delivery(struct piece *piece, struct record *record, const struct maillog_line *line,
                          const char *recipient)
{
    int counted = line->action != ACTION_FAILED && !line->probe;
    struct log_entry entry;

    if (!line->probe)
        note_result(piece, line, recipient);
    if (counted)
        add_result(piece, record, line, recipient);
    if (line->action != ACTION_FAILED && !(counted && piece->keep_delivered))
        return;
    entry = make_entry(piece, line, recipient);
    entry.uncounted = counted || line->probe;
    add_entry(piece, record, &entry);
}

static void take_expired(struct piece *piece, struct record *record, const struct maillog_line *line)
{
    char *host = host_of(piece, line), *queue_id = maillog_text(line->queue_id);
    struct log_entry entry;

    while (deferrals_take(piece->deferrals, host, queue_id, &entry)) {
        entry.report.time = entry.report.deliveries->time = line->time;
        entry.report.deliveries->action = ACTION_FAILED;
        if (line->doubtful)
            entry.evidence = EVIDENCE_UNPROVEN;
        add_entry(piece, record, &entry);
    }
    free(host);
    free(queue_id);
}

void piece_take(struct piece *piece, struct record *record, struct span text)
{
    char recipient[MAILLOG_RECIPIENT_SIZE];
    struct maillog_line line;
    int cut = text.length > piece->line_max;
    enum maillog_kind kind = maillog_read(text.start, cut ? piece->line_max : text.length, &piece->clock, &line);
    struct span rest = line.recipients;

    line.doubtful |= cut;
    counters_add(piece->counters, COUNTER_LOG_LINES, 1);
    counters_add(piece->counters, COUNTER_LOG_LINES_CUT, (uint64_t)cut);
    if (kind == MAILLOG_AMBIGUOUS)
        counters_add(piece->counters, COUNTER_LOG_AMBIGUOUS, 1);
    else if (kind == MAILLOG_EXPIRED)
        take_expired(piece, record, &line);
    else if (kind == MAILLOG_DELIVERY)
        while (maillog_recipient(&line, &rest, recipient))
            take_delivery(piece, record, &line, recipient);
}
