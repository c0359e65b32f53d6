/* See follow.h. */
#include "config.h"

#include "daemon/intake/follow.h"

#include "base/mem.h"
#include "daemon/intake/feed.h"
#include "daemon/ledger/writer.h"
#include "daemon/log.h"
#include "daemon/report/maillog.h"

#include <ctype.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VISIT_MS 1000
#define LINES_MAX 5000   /* a visit */
#define PIECE_MAX 50000  /* lines a record: a log that lies behind is caught up in few commits */
#define ENTRIES_MAX 1000 /* failures a record */
#define RESULTS_MAX (4 << 20) /* bytes a record: a line may have thousands of recipients */
#define SAVE_EVERY 10    /* seconds: of a position without deliveries */

/* What the writer says of the piece that it was given. */
enum outcome { OUTCOME_NONE, OUTCOME_RECORDED, OUTCOME_FAILED, OUTCOME_REFUSED };

struct follow {
    struct follow_options options;
    char *path, *host;
    struct feed *feed;
    struct event *visit, *answered;
    struct log_position saved; /* on disk, or where it began */
    int is_on_disk;
    struct record *piece;      /* in the making, over several visits; NULL: none */
    int piece_lines;
    int on_its_way;            /* a piece is with the writer */
    int refused;               /* times that a piece was refused for its content: see take_delivery */
    int trouble;               /* the feed could not be read at the last visit */
    unsigned gaps;
    int64_t saved_at;
    struct maillog_clock clock;
    pthread_mutex_t lock;      /* guards outcome and answer, which the writer's thread sets */
    enum outcome outcome;
    struct log_position answer;
};

/* The writer's thread. */
static void on_recorded(struct record *record, int result, const struct error *error)
{
    struct follow *follow = record->waiter;

    pthread_mutex_lock(&follow->lock);
    follow->answer = record->position;
    follow->outcome = !result ? OUTCOME_RECORDED
                      : error->code == ERROR_INPUT ? OUTCOME_REFUSED : OUTCOME_FAILED;
    pthread_mutex_unlock(&follow->lock);
    record_free(&record);
    event_active(follow->answered, EV_TIMEOUT, 0);
}

static void on_visit(evutil_socket_t fd, short what, void *context);

/* Or as soon as the feed has something new. */
static void visit_in(struct follow *follow, int ms)
{
    const struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    int fd = feed_fd(follow->feed);

    (void)event_assign(follow->visit, follow->options.base, fd, fd < 0 ? 0 : EV_READ, on_visit, follow);
    event_add(follow->visit, &delay);
}

/* Reads again from what is on disk. */
static void go_back(struct follow *follow)
{
    feed_close(&follow->feed);
    follow->feed = feed_open(follow->path, &follow->saved);
    follow->gaps = 0;
}

static void on_answered(evutil_socket_t fd, short what, void *context)
{
    struct follow *follow = context;
    enum outcome outcome;

    (void)fd, (void)what;
    pthread_mutex_lock(&follow->lock);
    outcome = follow->outcome;
    follow->outcome = OUTCOME_NONE;
    if (outcome == OUTCOME_RECORDED) {
        follow->saved = follow->answer;
        follow->is_on_disk = 1;
    }
    pthread_mutex_unlock(&follow->lock);
    follow->on_its_way = 0;
    follow->refused = outcome == OUTCOME_REFUSED ? follow->refused + 1 : 0;
    if (outcome != OUTCOME_RECORDED)
        go_back(follow);
    visit_in(follow, outcome == OUTCOME_RECORDED ? 0 : follow->options.visit_ms);
}

/* As DSNs name it, in lower case. */
static char *host_of(const struct follow *follow, const struct maillog_line *line)
{
    char *host = *follow->host ? xstrdup(follow->host) : maillog_text(line->host);

    for (char *at = host; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return host;
}

static void add_entry(struct follow *follow, struct record *record, const struct maillog_line *line,
                      const char *recipient)
{
    struct log_entry *entry;

    record->entries = xrealloc(record->entries, (record->entry_count + 1) * sizeof(*entry));
    entry = &record->entries[record->entry_count++];
    *entry = (struct log_entry){.evidence = line->doubtful ? EVIDENCE_UNPROVEN : EVIDENCE_LOCAL};
    entry->report = (struct report){
        .kind = REPORT_BOUNCE,
        .deliveries = xcalloc(1, sizeof(struct delivery)),
        .count = 1,
        .reporting_mta = host_of(follow, line),
        .queue_id = maillog_text(line->queue_id),
        .time = line->time,
    };
    maillog_delivery(line, recipient, &entry->report.deliveries[0]);
}

static void add_result(struct record *record, const struct maillog_line *line, const char *recipient)
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

    results_add(&record->results, &result);
}

/* Of a probe only the failure is of interest. What the database has refused for
 * its content would be refused again: the entries are left out, then all. */
static void take_delivery(struct follow *follow, struct record *record, const struct maillog_line *line,
                          const char *recipient)
{
    int counted = line->action != ACTION_FAILED && !line->probe;

    if (counted && follow->refused < 2)
        add_result(record, line, recipient);
    if ((line->action == ACTION_FAILED || (counted && follow->options.keep_delivered)) && !follow->refused) {
        add_entry(follow, record, line, recipient);
        record->entries[record->entry_count - 1].uncounted = counted || line->probe;
    }
}

static void take_line(struct follow *follow, struct record *record, struct span text)
{
    char recipient[MAILLOG_RECIPIENT_SIZE];
    struct maillog_line line;
    enum maillog_kind kind = maillog_read(text.start, text.length, &follow->clock, &line);
    struct span rest = line.recipients;

    counters_add(follow->options.counters, COUNTER_LOG_LINES, 1);
    if (kind == MAILLOG_AMBIGUOUS)
        counters_add(follow->options.counters, COUNTER_LOG_AMBIGUOUS, 1);
    if (kind == MAILLOG_DELIVERY)
        while (maillog_recipient(&line, &rest, recipient))
            take_delivery(follow, record, &line, recipient);
}

/* Said when it begins and when it is over. */
static void note_trouble(struct follow *follow)
{
    const char *problem = feed_problem(follow->feed);
    unsigned gaps = feed_gaps(follow->feed);

    if (problem && !follow->trouble)
        log_line(LOG_WARN, "%s cannot be read: %s", follow->path, problem);
    else if (!problem && follow->trouble)
        log_line(LOG_NOTE, "%s can be read again", follow->path);
    follow->trouble = problem != NULL;
    if (gaps != follow->gaps)
        log_line(LOG_WARN, "%s: %s", follow->path, feed_gap(follow->feed));
    follow->gaps = gaps;
}

static int is_worth_saving(const struct follow *follow, const struct record *record)
{
    const struct log_position *now = &record->position, *saved = &follow->saved;

    if (record->entry_count || record->results.count || follow->refused || !follow->is_on_disk)
        return 1;
    return (now->inode != saved->inode || now->offset != saved->offset || strcmp(now->cursor, saved->cursor)) &&
           record->time >= follow->saved_at + SAVE_EVERY;
}

static void submit(struct follow *follow, struct record *record_take)
{
    struct error error;

    record_take->log = xstrdup(follow->path);
    record_take->done = on_recorded;
    record_take->waiter = follow;
    follow->saved_at = record_take->time;
    follow->on_its_way = 1;
    if (!writer_submit(follow->options.writer, record_take, &error))
        return;
    record_free(&record_take); /* full: the piece is read again */
    follow->on_its_way = 0;
    go_back(follow);
    visit_in(follow, follow->options.visit_ms);
}

static int is_full(const struct follow *follow)
{
    const struct record *piece = follow->piece;

    return follow->piece_lines >= PIECE_MAX || piece->entry_count >= ENTRIES_MAX ||
           piece->results.text_length >= RESULTS_MAX;
}

/* Adds to the piece: 1 when there may be more, 0 at the end of the log. */
static int read_lines(struct follow *follow)
{
    struct span text;

    for (int i = 0; i < LINES_MAX && !is_full(follow); i++) {
        if (!feed_next(follow->feed, &text))
            return 0;
        take_line(follow, follow->piece, text);
        follow->piece_lines++;
    }
    return 1;
}

static void finish_piece(struct follow *follow, int more)
{
    struct record *piece = follow->piece;

    follow->piece = NULL;
    follow->piece_lines = 0;
    if (feed_position(follow->feed, &piece->position) && is_worth_saving(follow, piece)) {
        submit(follow, piece);
        return;
    }
    record_free(&piece);
    visit_in(follow, more ? 0 : follow->options.visit_ms);
}

static void on_visit(evutil_socket_t fd, short what, void *context)
{
    struct follow *follow = context;
    int more;

    (void)fd, (void)what;
    if (!follow->piece)
        follow->piece = record_new(RECORD_LOG, (int64_t)time(NULL));
    follow->clock.now = follow->piece->time;
    more = read_lines(follow);
    note_trouble(follow);
    if (more && !is_full(follow))
        visit_in(follow, 0);
    else
        finish_piece(follow, more);
}

struct follow *follow_open(const struct follow_options *options, struct error *error)
{
    struct follow *follow = xcalloc(1, sizeof(*follow));

    follow->options = *options;
    follow->options.visit_ms = options->visit_ms ? options->visit_ms : VISIT_MS;
    follow->path = xstrdup(options->path);
    follow->host = xstrdup(options->host);
    follow->clock.local = 1;
    pthread_mutex_init(&follow->lock, NULL);
    follow->is_on_disk = options->from != NULL;
    follow->feed = feed_open(options->path, options->from);
    if (options->from)
        follow->saved = *options->from;
    else
        (void)feed_position(follow->feed, &follow->saved);
    follow->visit = event_new(options->base, -1, 0, on_visit, follow);
    follow->answered = event_new(options->base, -1, 0, on_answered, follow);
    if (!follow->visit || !follow->answered) {
        (void)error_set(error, ERROR_ENVIRONMENT, "%s: no events", options->path);
        follow_close(&follow);
        return NULL;
    }
    visit_in(follow, 0);
    return follow;
}

void follow_close(struct follow **follow)
{
    struct follow *old = *follow;

    *follow = NULL;
    if (!old)
        return;
    if (old->visit)
        event_free(old->visit);
    if (old->answered)
        event_free(old->answered);
    feed_close(&old->feed);
    record_free(&old->piece);
    pthread_mutex_destroy(&old->lock);
    free(old->path);
    free(old->host);
    free(old);
}
