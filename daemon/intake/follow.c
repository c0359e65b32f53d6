/* See follow.h. */
#include "config.h"

#include "daemon/intake/follow.h"

#include "base/mem.h"
#include "daemon/intake/feed.h"
#include "daemon/intake/piece.h"
#include "daemon/ledger/writer.h"
#include "daemon/log.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VISIT_MS 1000
#define LINES_MAX 5000   /* a visit */
#define PIECE_MAX 50000  /* lines a record: a log that lies behind is caught up in few commits */
#define SAVE_EVERY 10    /* seconds: of a position without deliveries */

/* What the writer says of the piece that it was given. */
enum outcome { OUTCOME_NONE, OUTCOME_RECORDED, OUTCOME_FAILED, OUTCOME_REFUSED };

struct follow {
    struct follow_options options;
    char *path, *host;
    struct piece *piece;
    struct feed *feed;
    struct event *visit, *answered;
    struct log_position saved; /* on disk, or where it began */
    int is_on_disk;
    struct record *record;     /* in the making, over several visits; NULL: none */
    int lines;                 /* taken into it */
    int on_its_way;            /* a piece is with the writer */
    int refused;               /* times that a piece was refused for its content: see piece.h */
    int trouble;               /* the feed could not be read at the last visit */
    unsigned gaps;
    int64_t saved_at;
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
    return follow->lines >= PIECE_MAX || piece_is_full(follow->record);
}

/* Adds to the record: 1 when there may be more, 0 at the end of the log. */
static int read_lines(struct follow *follow)
{
    struct span text;

    piece_begin(follow->piece, follow->host, follow->record->time, follow->refused);
    for (int i = 0; i < LINES_MAX && !is_full(follow); i++) {
        if (!feed_next(follow->feed, &text))
            return 0;
        piece_take(follow->piece, follow->record, text);
        follow->lines++;
    }
    return 1;
}

static void finish_record(struct follow *follow, int more)
{
    struct record *record = follow->record;

    follow->record = NULL;
    follow->lines = 0;
    if (feed_position(follow->feed, &record->position) && is_worth_saving(follow, record)) {
        submit(follow, record);
        return;
    }
    record_free(&record);
    visit_in(follow, more ? 0 : follow->options.visit_ms);
}

static void on_visit(evutil_socket_t fd, short what, void *context)
{
    struct follow *follow = context;
    int more;

    (void)fd, (void)what;
    if (!follow->record)
        follow->record = record_new(RECORD_LOG, (int64_t)time(NULL));
    more = read_lines(follow);
    note_trouble(follow);
    if (more && !is_full(follow))
        visit_in(follow, 0);
    else
        finish_record(follow, more);
}

struct follow *follow_open(const struct follow_options *options, struct error *error)
{
    struct follow *follow = xcalloc(1, sizeof(*follow));

    follow->options = *options;
    follow->options.visit_ms = options->visit_ms ? options->visit_ms : VISIT_MS;
    follow->path = xstrdup(options->path);
    follow->host = xstrdup(options->host);
    follow->piece = piece_new(options->counters, options->keep_delivered, options->line_max);
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
    record_free(&old->record);
    pthread_mutex_destroy(&old->lock);
    free(old->path);
    piece_free(&old->piece);
    free(old->host);
    free(old);
}
