/* See lookup.h. */
#include "config.h"

#include "daemon/ledger/lookup.h"

#include "base/mem.h"
#include "daemon/ledger/hashed.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/pack.h"
#include "daemon/ledger/past.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/secret.h"
#include "daemon/ledger/statement.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUSY_TIMEOUT_MS 1000 /* readers meet a lock only while a WAL is being recovered */
#define PROGRESS_STEPS 10000 /* of SQLite's machine between two looks at the clock; a lookup takes some fifty */
#define IDLE_MAX 32          /* connections that a pool keeps open */
#define MAP_BYTES "2147418112" /* the most that SQLite takes */
#define CACHE_KIB "-1024"    /* page cache of one connection; the kernel's serves all */

enum { SUPPRESSED, LIST, EVENTS, CHANGES, TOTALS, ASIDE, ASIDE_MESSAGE, UNCLASSIFIED, POSITION, LOG_READ, ALLOWED,
       WOULD_BE, INCIDENTS, HELD, HELD_KEY, STATEMENTS };

#define SUPPRESSION_COLUMNS "key, stream, reason, origin, note, since, coalesce(until, 0), coalesce(event, 0)"
/* For good, until then, or expired with all messages of the trial under way. */
#define IN_FORCE(now) "state = 'enforced' AND (until IS NULL OR until > " now " OR sends >= trial)"
#define NOT_ALLOWED \
    " AND NOT EXISTS (SELECT 1 FROM allow WHERE key = ?1) AND NOT EXISTS (SELECT 1 FROM allow WHERE key = ?2)" \
    " AND NOT EXISTS (SELECT 1 FROM allow WHERE key = ?5)"

#define HELD_COLUMNS "incident, since, changed, failures, last_failure, got_through, key, stream, reason, state"

static const char *const sql[STATEMENTS] = {
    [SUPPRESSED] =
        /* IN (...), or an OR that the index serves (the plus keeps it away), would
         * build a table in memory for every recipient. */
        "SELECT " SUPPRESSION_COLUMNS " FROM suppression"
        " WHERE key = ?1 AND (+stream = '' OR +stream = ?3) AND " IN_FORCE("?4") NOT_ALLOWED
        " UNION ALL "
        "SELECT " SUPPRESSION_COLUMNS " FROM suppression"
        " WHERE key = ?2 AND (+stream = '' OR +stream = ?3) AND " IN_FORCE("?4") NOT_ALLOWED
        " UNION ALL "
        "SELECT " SUPPRESSION_COLUMNS " FROM suppression"
        " WHERE key = ?5 AND (+stream = '' OR +stream = ?3) AND " IN_FORCE("?4") NOT_ALLOWED " LIMIT 1",
    [LIST] =
        "SELECT " SUPPRESSION_COLUMNS " FROM suppression"
        " WHERE (?1 IS NULL OR reason = ?1) AND " IN_FORCE("?2") " ORDER BY key, stream",
    [EVENTS] =
        "SELECT e.id, e.time, e.recorded, e.code, e.trusted, e.witnesses, e.action, e.reason,"
        " e.persistence, e.rule, v.version, e.provider, e.status, p.text, e.reporting_mta, e.remote_mta,"
        " e.queue_id, e.message_id, e.sender, e.stream, e.original_recipient, e.source, e.evidence,"
        " e.decision, e.sentence, e.told_by"
        " FROM event e JOIN address a ON a.id = e.address LEFT JOIN ruleset v ON v.id = e.ruleset"
        " LEFT JOIN reply p ON p.id = e.reply WHERE a.key = ?1 ORDER BY e.time, e.id",
    [CHANGES] =
        "SELECT time, coalesce(until, 0), coalesce(event, 0), who, what, stream, reason, origin, note"
        " FROM change WHERE key = ?1 ORDER BY id",
    [TOTALS] =
        "SELECT (SELECT count(*) FROM suppression WHERE " IN_FORCE("?1") "),"
        " (SELECT count(*) FROM event), (SELECT count(*) FROM address), (SELECT count(*) FROM sent),"
        " (SELECT count(*) FROM aside), (SELECT coalesce(sum(length(bytes)), 0) FROM aside),"
        " (SELECT coalesce(max(time), 0) FROM event), (SELECT count(*) FROM incident WHERE closed IS NULL)",
    [UNCLASSIFIED] =
        "SELECT p.text, coalesce(e.status, ''), coalesce(e.remote_mta, ''), a.domain, e.address, count(*),"
        " min(e.time), max(e.time) FROM event e JOIN reply p ON p.id = e.reply JOIN address a ON a.id = e.address"
        " WHERE e.reason = 'unclassified' AND e.action IN ('failed', 'delayed') AND e.time >= ?1"
        " GROUP BY e.reply, e.status, e.remote_mta, e.address",
    [ASIDE] =
        "SELECT id, time, last, count, size, length(bytes), source, evidence, problem, sender FROM aside"
        " WHERE (?1 = 0 OR id = ?1) AND (?2 = 0 OR last < ?2) ORDER BY id DESC LIMIT ?3",
    [ASIDE_MESSAGE] = "SELECT size, bytes FROM aside WHERE id = ?1",
    [ALLOWED] = "SELECT key, since, who, note FROM allow ORDER BY key",
    [WOULD_BE] =
        "SELECT state, policy, reason, count(*), coalesce(sum(sends), 0) FROM suppression"
        " WHERE state <> 'enforced' AND (until IS NULL OR until > ?1) GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2, 3",
    [INCIDENTS] =
        "SELECT incident, begun, opened, coalesce(closed, 0), failures, got_through, held, waiting, confirmed, dropped,"
        " usual, kind, scope, name, closed_by FROM v_incidents WHERE ?1 = 0 OR incident = ?1 ORDER BY incident DESC",
    [HELD] = "SELECT " HELD_COLUMNS " FROM held WHERE incident = ?1 ORDER BY key, stream",
    [HELD_KEY] = "SELECT " HELD_COLUMNS " FROM held WHERE key = ?1 ORDER BY incident, stream",
    [LOG_READ] = "SELECT head_hash, head_length, since, upto FROM log_read",
    [POSITION] = "SELECT device, inode, offset, head_length, head_hash, since, time, cursor FROM follow WHERE path = ?1",
};

struct lookup {
    sqlite3 *db;
    struct veil *veil;
    struct statements statements;
    struct statements past_statements; /* of past.c */
    int limit;           /* milliseconds of one lookup_suppressed; 0: none */
    int64_t deadline;    /* of the one that runs, in milliseconds of the monotonic clock */
    char *key_path;      /* of the key of hashes, which the first erasure makes */
    unsigned char secret[HMAC_KEY_SIZE];
    int has_secret;
    int pending;         /* the row of SUPPRESSED is still being held for the caller */
    struct lookup *next; /* the pool's */
};

struct lookup_pool {
    pthread_mutex_t lock;
    struct lookup *idle;
    int count;
    char *path;
};

static const char *text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *value = sqlite3_column_text(stmt, column);

    return value ? (const char *)value : "";
}

static int check_version(struct lookup *lookup, struct error *error)
{
    long application, version;

    if (sqlite_integer(lookup->db, "PRAGMA application_id", &application, error) ||
        sqlite_integer(lookup->db, "PRAGMA user_version", &version, error))
        return -1;
    if (application != MIGRATE_APPLICATION_ID)
        return error_set(error, ERROR_INPUT, "this is not a suppressd database");
    if (version != migrate_newest())
        return error_set(error, ERROR_INPUT, "the schema is version %ld, this program reads %d",
                         version, migrate_newest());
    return 0;
}

struct lookup *lookup_open(const char *path, struct error *error)
{
    struct lookup *lookup = xcalloc(1, sizeof(*lookup));
    int failed;

    lookup->key_path = xasprintf("%s.key", path);
    failed = sqlite3_open_v2(path, &lookup->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK;
    if (failed) {
        (void)sqlite_error(lookup->db, "open", error);
    } else {
        lookup->veil = veil_new();
        statements_init(&lookup->statements, lookup->db, lookup->veil, sql, STATEMENTS);
        past_prepare(&lookup->past_statements, lookup->db, lookup->veil);
        sqlite3_busy_timeout(lookup->db, BUSY_TIMEOUT_MS);
        sqlite3_exec(lookup->db, "PRAGMA cache_size = " CACHE_KIB, NULL, NULL, NULL);
        failed = check_version(lookup, error) || hashed_open_reader(lookup->db, path, lookup->veil, error);
    }
    if (failed) {
        (void)error_prefix(error, "database %s", path);
        lookup_close(&lookup);
    }
    return lookup;
}

void lookup_close(struct lookup **lookup)
{
    struct lookup *old = *lookup;

    *lookup = NULL;
    if (!old)
        return;
    statements_clear(&old->statements);
    statements_clear(&old->past_statements);
    veil_free(&old->veil);
    sqlite3_close(old->db);
    free(old->key_path);
    free(old);
}

int lookup_is_hashed(const struct lookup *lookup)
{
    return veil_is_closed(lookup->veil);
}

struct sqlite3 *lookup_connection(struct lookup *lookup)
{
    return lookup->db;
}

struct veil *lookup_veil(struct lookup *lookup)
{
    return lookup->veil;
}

static void read_suppressed(sqlite3_stmt *stmt, struct suppressed *suppressed_r)
{
    *suppressed_r = (struct suppressed){
        .recipient = text(stmt, 0),
        .stream = text(stmt, 1),
        .reason = text(stmt, 2),
        .origin = text(stmt, 3),
        .note = text(stmt, 4),
        .since = sqlite3_column_int64(stmt, 5),
        .until = sqlite3_column_int64(stmt, 6),
        .event = sqlite3_column_int64(stmt, 7),
    };
}

/* A held row is a read transaction: let go as soon as the caller comes back. */
static void release_row(struct lookup *lookup)
{
    if (lookup->pending)
        statement_reset(&lookup->statements, SUPPRESSED);
    lookup->pending = 0;
}

static int64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Non-zero breaks the statement off. */
static int is_late(void *argument)
{
    const struct lookup *lookup = argument;

    return lookup->deadline && milliseconds() > lookup->deadline;
}

void lookup_limit(struct lookup *lookup, int limit)
{
    if (limit != lookup->limit) {
        sqlite3_busy_timeout(lookup->db, limit);
        sqlite3_progress_handler(lookup->db, PROGRESS_STEPS, is_late, lookup);
    }
    lookup->limit = limit;
}

/* The key under which an erased recipient is found: 1, 0 when nobody has been erased, -1. */
static int hash_of(struct lookup *lookup, const char *key, char hash_r[SECRET_HASH_SIZE], struct error *error)
{
    if (!lookup->has_secret && (lookup->has_secret = secret_load(lookup->key_path, 0, lookup->secret, error)) < 0) {
        lookup->has_secret = 0;
        return -1;
    }
    if (lookup->has_secret)
        secret_hash(lookup->secret, key, hash_r);
    return lookup->has_secret;
}

int lookup_suppressed(struct lookup *lookup, const char *key, const char *domain, const char *stream,
                      int64_t now, struct suppressed *suppressed_r, struct error *error)
{
    char domain_key[300], hash[SECRET_HASH_SIZE];
    struct error unknown;
    sqlite3_stmt *stmt;
    int row, hashed;

    release_row(lookup);
    hashed = hash_of(lookup, key, hash, &unknown);
    snprintf(domain_key, sizeof(domain_key), "@%s", domain);
    lookup->deadline = lookup->limit ? milliseconds() + lookup->limit : 0;
    if (!(stmt = statement_bind(&lookup->statements, SUPPRESSED, error, "tttit", key, domain_key, stream, now,
                                hashed > 0 ? hash : NULL)))
        return -1;
    if ((row = statement_step(&lookup->statements, SUPPRESSED, error)) > 0) {
        read_suppressed(stmt, suppressed_r);
        lookup->pending = 1;
    }
    lookup->deadline = 0;
    if (!row && hashed < 0) {
        *error = unknown;
        return error_prefix(error, "cannot tell whether this recipient was erased");
    }
    return row;
}

void lookup_map(struct lookup *lookup)
{
    sqlite3_exec(lookup->db, "PRAGMA mmap_size = " MAP_BYTES, NULL, NULL, NULL);
}

int lookup_begin(struct lookup *lookup, struct error *error)
{
    return sqlite3_exec(lookup->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_error(lookup->db, "BEGIN", error);
}

void lookup_end(struct lookup *lookup)
{
    release_row(lookup);
    sqlite3_exec(lookup->db, "COMMIT", NULL, NULL, NULL); /* of reads: it only lets go */
}

int lookup_list(struct lookup *lookup, const char *reason, int64_t now,
                int (*row)(const struct suppressed *suppressed, void *context), void *context,
                struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, LIST, error, "ti", reason, now);
    struct suppressed suppressed;
    int step;

    if (!stmt)
        return -1;
    while ((step = statement_step(&lookup->statements, LIST, error)) > 0) {
        read_suppressed(stmt, &suppressed);
        if (row(&suppressed, context)) {
            statement_reset(&lookup->statements, LIST);
            return 0;
        }
    }
    return step;
}

int lookup_past(struct lookup *lookup, const struct past_question *question, struct hygiene_history *history_r,
                struct error *error)
{
    return past_read(&lookup->past_statements, question, history_r, error);
}

int lookup_allowed(struct lookup *lookup, void (*row)(const struct allowed *allowed, void *context), void *context,
                   struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, ALLOWED, error, "");
    int step = -1;

    while (stmt && (step = statement_step(&lookup->statements, ALLOWED, error)) > 0) {
        const struct allowed allowed = {text(stmt, 0), text(stmt, 2), text(stmt, 3), sqlite3_column_int64(stmt, 1)};

        row(&allowed, context);
    }
    return step;
}

int lookup_would_be(struct lookup *lookup, int64_t now, void (*row)(const struct would_be *line, void *context),
                    void *context, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, WOULD_BE, error, "i", now);
    int step = -1;

    while (stmt && (step = statement_step(&lookup->statements, WOULD_BE, error)) > 0) {
        const struct would_be line = {text(stmt, 0), text(stmt, 1), text(stmt, 2), sqlite3_column_int64(stmt, 3),
                                      sqlite3_column_int64(stmt, 4)};

        row(&line, context);
    }
    return step;
}

static void read_event(sqlite3_stmt *stmt, struct past_event *event_r)
{
    *event_r = (struct past_event){
        .id = sqlite3_column_int64(stmt, 0),
        .time = sqlite3_column_int64(stmt, 1),
        .recorded = sqlite3_column_int64(stmt, 2),
        .code = sqlite3_column_int(stmt, 3),
        .trusted = sqlite3_column_int(stmt, 4),
        .witnesses = sqlite3_column_int(stmt, 5),
        .action = text(stmt, 6),
        .reason = text(stmt, 7),
        .persistence = text(stmt, 8),
        .rule = text(stmt, 9),
        .ruleset = text(stmt, 10),
        .provider = text(stmt, 11),
        .status = text(stmt, 12),
        .reply = text(stmt, 13),
        .reporting_mta = text(stmt, 14),
        .remote_mta = text(stmt, 15),
        .queue_id = text(stmt, 16),
        .message_id = text(stmt, 17),
        .sender = text(stmt, 18),
        .stream = text(stmt, 19),
        .original_recipient = text(stmt, 20),
        .source = text(stmt, 21),
        .evidence = text(stmt, 22),
        .decision = text(stmt, 23),
        .sentence = text(stmt, 24),
        .told_by = text(stmt, 25),
    };
}

int lookup_events(struct lookup *lookup, const char *key,
                  void (*row)(const struct past_event *event, void *context), void *context,
                  struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, EVENTS, error, "t", key);
    struct past_event event;
    int step;

    if (!stmt)
        return -1;
    while ((step = statement_step(&lookup->statements, EVENTS, error)) > 0) {
        read_event(stmt, &event);
        row(&event, context);
    }
    return step;
}

int lookup_changes(struct lookup *lookup, const char *key,
                   void (*row)(const struct past_change *change, void *context), void *context,
                   struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, CHANGES, error, "t", key);
    int step;

    if (!stmt)
        return -1;
    while ((step = statement_step(&lookup->statements, CHANGES, error)) > 0) {
        struct past_change change = {
            .time = sqlite3_column_int64(stmt, 0),
            .until = sqlite3_column_int64(stmt, 1),
            .event = sqlite3_column_int64(stmt, 2),
            .who = text(stmt, 3),
            .what = text(stmt, 4),
            .stream = text(stmt, 5),
            .reason = text(stmt, 6),
            .origin = text(stmt, 7),
            .note = text(stmt, 8),
        };

        row(&change, context);
    }
    return step;
}

int lookup_incidents(struct lookup *lookup, int64_t id, void (*row)(const struct past_incident *incident, void *context),
                     void *context, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, INCIDENTS, error, "i", id);
    int step = -1;

    while (stmt && (step = statement_step(&lookup->statements, INCIDENTS, error)) > 0) {
        const struct past_incident incident = {
            .id = sqlite3_column_int64(stmt, 0),
            .begun = sqlite3_column_int64(stmt, 1),
            .opened = sqlite3_column_int64(stmt, 2),
            .closed = sqlite3_column_int64(stmt, 3),
            .failures = sqlite3_column_int64(stmt, 4),
            .got_through = sqlite3_column_int64(stmt, 5),
            .held = sqlite3_column_int64(stmt, 6),
            .waiting = sqlite3_column_int64(stmt, 7),
            .confirmed = sqlite3_column_int64(stmt, 8),
            .dropped = sqlite3_column_int64(stmt, 9),
            .usual = sqlite3_column_double(stmt, 10),
            .kind = text(stmt, 11),
            .scope = text(stmt, 12),
            .name = text(stmt, 13),
            .closed_by = text(stmt, 14),
        };

        row(&incident, context);
    }
    return step;
}

int lookup_held(struct lookup *lookup, int64_t incident, const char *key,
                void (*row)(const struct past_held *held, void *context), void *context, struct error *error)
{
    size_t which = key ? HELD_KEY : HELD;
    sqlite3_stmt *stmt = key ? statement_bind(&lookup->statements, which, error, "t", key)
                             : statement_bind(&lookup->statements, which, error, "i", incident);
    int step = -1;

    while (stmt && (step = statement_step(&lookup->statements, which, error)) > 0) {
        const struct past_held held = {
            .incident = sqlite3_column_int64(stmt, 0),
            .since = sqlite3_column_int64(stmt, 1),
            .changed = sqlite3_column_int64(stmt, 2),
            .failures = sqlite3_column_int64(stmt, 3),
            .last_failure = sqlite3_column_int64(stmt, 4),
            .got_through = sqlite3_column_int(stmt, 5),
            .recipient = text(stmt, 6),
            .stream = text(stmt, 7),
            .reason = text(stmt, 8),
            .state = text(stmt, 9),
        };

        row(&held, context);
    }
    return step;
}

int lookup_position(struct lookup *lookup, const char *path, struct log_position *position_r,
                    struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, POSITION, error, "t", path);
    int row = stmt ? statement_step(&lookup->statements, POSITION, error) : -1;

    if (row <= 0)
        return row;
    *position_r = (struct log_position){
        .device = (uint64_t)sqlite3_column_int64(stmt, 0),
        .inode = (uint64_t)sqlite3_column_int64(stmt, 1),
        .offset = (uint64_t)sqlite3_column_int64(stmt, 2),
        .head_length = (uint64_t)sqlite3_column_int64(stmt, 3),
        .head_hash = (uint64_t)sqlite3_column_int64(stmt, 4),
        .since = (uint64_t)sqlite3_column_int64(stmt, 5),
        .time = sqlite3_column_int64(stmt, 6),
    };
    snprintf(position_r->cursor, sizeof(position_r->cursor), "%s", (const char *)sqlite3_column_text(stmt, 7));
    statement_reset(&lookup->statements, POSITION);
    return 1;
}

int lookup_log_read(struct lookup *lookup, struct log_position **rows_r, size_t *count_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, LOG_READ, error, "");
    struct log_position *rows = NULL;
    size_t count = 0;
    int row = -1;

    while (stmt && (row = statement_step(&lookup->statements, LOG_READ, error)) > 0) {
        rows = xrealloc(rows, (count + 1) * sizeof(*rows));
        rows[count++] = (struct log_position){
            .head_hash = (uint64_t)sqlite3_column_int64(stmt, 0),
            .head_length = (uint64_t)sqlite3_column_int64(stmt, 1),
            .since = (uint64_t)sqlite3_column_int64(stmt, 2),
            .offset = (uint64_t)sqlite3_column_int64(stmt, 3),
        };
    }
    if (row < 0) {
        free(rows);
        return -1;
    }
    *rows_r = rows;
    *count_r = count;
    return 0;
}

int lookup_totals(struct lookup *lookup, int64_t now, struct lookup_totals *totals_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, TOTALS, error, "i", now);

    if (!stmt || statement_step(&lookup->statements, TOTALS, error) <= 0)
        return -1;
    *totals_r = (struct lookup_totals){
        .suppressions = sqlite3_column_int64(stmt, 0),
        .events = sqlite3_column_int64(stmt, 1),
        .recipients = sqlite3_column_int64(stmt, 2),
        .sent = sqlite3_column_int64(stmt, 3),
        .aside = sqlite3_column_int64(stmt, 4),
        .aside_bytes = sqlite3_column_int64(stmt, 5),
        .last_event = sqlite3_column_int64(stmt, 6),
        .incidents_open = sqlite3_column_int64(stmt, 7),
        .schema = migrate_newest(),
    };
    statement_reset(&lookup->statements, TOTALS);
    return 0;
}

int lookup_aside(struct lookup *lookup, const struct aside_choice *choice,
                 void (*row)(const struct past_aside *aside, void *context), void *context,
                 struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, ASIDE, error, "iii", choice->id,
                                        choice->before, choice->max ? (int64_t)choice->max : INT64_MAX);
    int step;

    if (!stmt)
        return -1;
    while ((step = statement_step(&lookup->statements, ASIDE, error)) > 0) {
        struct past_aside aside = {
            .id = sqlite3_column_int64(stmt, 0),
            .time = sqlite3_column_int64(stmt, 1),
            .last = sqlite3_column_int64(stmt, 2),
            .count = sqlite3_column_int64(stmt, 3),
            .size = sqlite3_column_int64(stmt, 4),
            .stored = sqlite3_column_int64(stmt, 5),
            .source = text(stmt, 6),
            .evidence = text(stmt, 7),
            .problem = text(stmt, 8),
            .sender = text(stmt, 9),
        };

        row(&aside, context);
    }
    return step;
}

int lookup_aside_message(struct lookup *lookup, int64_t id, char **bytes_r, size_t *size_r,
                         struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, ASIDE_MESSAGE, error, "i", id);
    int row = stmt ? statement_step(&lookup->statements, ASIDE_MESSAGE, error) : -1;

    if (row <= 0)
        return row;
    *size_r = (size_t)sqlite3_column_int64(stmt, 0);
    *bytes_r = NULL;
    if (!sqlite3_column_bytes(stmt, 1) && veil_is_closed(lookup->veil))
        (void)error_set(error, ERROR_INPUT, "no message is kept where addresses are hashed, only why it was not understood");
    else
        *bytes_r = pack_restore(sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1),
                                sqlite3_column_int64(stmt, 0), error);
    statement_reset(&lookup->statements, ASIDE_MESSAGE);
    return *bytes_r ? 1 : -1;
}

int lookup_unclassified(struct lookup *lookup, int64_t since,
                        void (*row)(const struct past_unclassified *reply, void *context), void *context,
                        struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&lookup->statements, UNCLASSIFIED, error, "i", since);
    int step;

    if (!stmt)
        return -1;
    while ((step = statement_step(&lookup->statements, UNCLASSIFIED, error)) > 0) {
        struct past_unclassified reply = {
            .reply = text(stmt, 0),
            .status = text(stmt, 1),
            .remote_mta = text(stmt, 2),
            .domain = text(stmt, 3),
            .recipient = sqlite3_column_int64(stmt, 4),
            .count = sqlite3_column_int64(stmt, 5),
            .first = sqlite3_column_int64(stmt, 6),
            .last = sqlite3_column_int64(stmt, 7),
        };

        row(&reply, context);
    }
    return step;
}

struct lookup_pool *lookup_pool_new(const char *path)
{
    struct lookup_pool *pool = xcalloc(1, sizeof(*pool));

    pthread_mutex_init(&pool->lock, NULL);
    pool->path = xstrdup(path);
    return pool;
}

void lookup_pool_free(struct lookup_pool **pool)
{
    struct lookup_pool *old = *pool;

    *pool = NULL;
    if (!old)
        return;
    while (old->idle) {
        struct lookup *lookup = old->idle;

        old->idle = lookup->next;
        lookup_close(&lookup);
    }
    pthread_mutex_destroy(&old->lock);
    free(old->path);
    free(old);
}

struct lookup *lookup_pool_take(struct lookup_pool *pool, struct error *error)
{
    struct lookup *lookup;

    pthread_mutex_lock(&pool->lock);
    if ((lookup = pool->idle)) {
        pool->idle = lookup->next;
        pool->count--;
    }
    pthread_mutex_unlock(&pool->lock);
    return lookup ? lookup : lookup_open(pool->path, error);
}

void lookup_pool_give(struct lookup_pool *pool, struct lookup *lookup, int broken)
{
    int keep;

    release_row(lookup);
    pthread_mutex_lock(&pool->lock);
    if ((keep = !broken && pool->count < IDLE_MAX)) {
        lookup->next = pool->idle;
        pool->idle = lookup;
        pool->count++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep)
        lookup_close(&lookup);
}
