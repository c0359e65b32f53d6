/* See store.h. */
#include "config.h"

#include "daemon/ledger/store_private.h"

#include "base/hash.h"
#include "base/mem.h"
#include "classifier/reason.h"
#include "daemon/ledger/aside.h"
#include "daemon/ledger/database_file.h"
#include "daemon/ledger/hashed.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/past.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/taken.h"
#include "daemon/ledger/undecided.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
#define CACHE_KIB "-8192"
#define CHECKPOINT_PAGES "4000" /* of the WAL: fewer, larger checkpoints */
#define LOG_READ_KEEP (400 * 86400) /* seconds longer than submitted messages: old logs are kept for a year */
#define SENT_SAME_MAX 100 /* messages with one Message-ID, or one tag, to a single recipient */
#define PRUNE_ROWS 2000 /* submitted messages forgotten in one call */

enum {
    ADDRESS_FIND, ADDRESS_ADD, REPLY_FIND, REPLY_ADD, RULESET_FIND, RULESET_ADD,
    SUPPRESSED, SUPPRESS, RELEASE, CHANGE_ADD, CHANGE_RELEASE,
    SENT_ADD, SENT_RECIPIENT_ADD, SENT_BY_QUEUE_ID, SENT_BY_MESSAGE_ID, SENT_NEWEST,
    SENT_ONLY_ID, SENT_ONLY_TAG, SENT_PRUNE, REASON_PUT, POSITION_PUT, LOG_READ_PUT, LOG_READ_PRUNE, STATEMENTS
};

/* At most max + 1 rows are looked at; when there are so many nobody is told from the others. */
#define SENT_ONLY(which, max, limit)                                                                    \
    "SELECT min(key), max(time) FROM (SELECT r.key, s.time, s.several FROM sent s JOIN sent_recipient r" \
    " ON r.sent = s.id WHERE " which " LIMIT " limit ")"                                                \
    " HAVING count(*) BETWEEN 1 AND " max " AND min(key) = max(key) AND max(several) = 0"

static const char *const sql[STATEMENTS] = {
    [ADDRESS_FIND] = "SELECT id FROM address WHERE key = ?1",
    [ADDRESS_ADD] =
        "INSERT INTO address (key, given, domain) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING",
    [REPLY_FIND] = "SELECT id FROM reply WHERE hash = ?1 AND text = ?2",
    [REPLY_ADD] = "INSERT INTO reply (hash, text) VALUES (?1, ?2)",
    [RULESET_FIND] = "SELECT id FROM ruleset WHERE version = ?1",
    [RULESET_ADD] = "INSERT INTO ruleset (version, first_used) VALUES (?1, ?2)",
    [SUPPRESSED] =
        "SELECT 1 FROM suppression WHERE key = ?1 AND (+stream = '' OR +stream = ?2)"
        " AND state = 'enforced' AND (until IS NULL OR until > ?3) AND coalesce(event, -1) <> ?4",
    [SUPPRESS] =
        "INSERT OR REPLACE INTO suppression (key, stream, reason, since, until, origin, event, note, state,"
        " level, trial, policy) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [RELEASE] = "DELETE FROM suppression WHERE key = ?1 AND stream = ?2",
    [CHANGE_ADD] =
        "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
        " CASE ?10 WHEN 'held' THEN 'hold' WHEN 'shadow' THEN 'shadow' ELSE 'suppress' END)",
    [CHANGE_RELEASE] =
        "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)"
        " SELECT key, stream, reason, ?3, until, 'manual', event, ?4, ?5, 'release'"
        " FROM suppression WHERE key = ?1 AND stream = ?2",
    [SENT_ADD] =
        "INSERT INTO sent (time, queue_id, message_id, stream, hash, tag, several)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SENT_RECIPIENT_ADD] = "INSERT OR IGNORE INTO sent_recipient (sent, key) VALUES (?1, ?2)",
    [SENT_BY_QUEUE_ID] =
        "SELECT s.stream FROM sent s JOIN sent_recipient r ON r.sent = s.id AND r.key = ?2"
        " WHERE s.queue_id = ?1 ORDER BY s.id DESC LIMIT 1",
    [SENT_BY_MESSAGE_ID] =
        "SELECT s.stream FROM sent s JOIN sent_recipient r ON r.sent = s.id AND r.key = ?2"
        " WHERE s.hash = ?3 AND s.message_id = ?1 ORDER BY s.id DESC LIMIT 1",
    [SENT_NEWEST] = "SELECT stream, message_id FROM sent WHERE queue_id = ?1 ORDER BY id DESC LIMIT 1",
    [SENT_ONLY_ID] = SENT_ONLY("s.hash = ?1 AND s.message_id = ?2", "?3", "?4"),
    [SENT_ONLY_TAG] = SENT_ONLY("s.tag = ?1", "?2", "?3"),
    [SENT_PRUNE] =
        "DELETE FROM sent WHERE id IN (SELECT id FROM sent WHERE time < ?1 ORDER BY time LIMIT ?2)",
    [REASON_PUT] =
        "INSERT OR REPLACE INTO reason (name, family, subject, persistence, hygiene, means, todo)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [POSITION_PUT] =
        "INSERT OR REPLACE INTO follow (path, device, inode, since, offset, head_length, head_hash, cursor, time)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [LOG_READ_PUT] =
        "INSERT INTO log_read (head_hash, head_length, since, upto, time) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO UPDATE SET upto = max(upto, excluded.upto), time = excluded.time",
    [LOG_READ_PRUNE] = "DELETE FROM log_read WHERE time < ?1",
};

static int execute(struct store *store, const char *what, struct error *error)
{
    return sqlite3_exec(store->db, what, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                       : sqlite_error(store->db, what, error);
}

/* Runs an insert: 1 and the new row's id, 0 when its conflict clause had the
 * last word, -1. (RETURNING would tell as well, but builds a table in memory
 * for every row.) */
#define add_row(store, which, id_r, error, ...)                                                    \
    (sqlite3_set_last_insert_rowid((store)->db, 0),                                                \
     statement_run(&(store)->statements, which, error, __VA_ARGS__)                                \
         ? -1                                                                                      \
         : (*(id_r) = sqlite3_last_insert_rowid((store)->db)) != 0)

/* Reads the first column of the row a bound statement gives: 1, 0 when none, -1. */
static int read_id(struct store *store, size_t which, int64_t *id_r, struct error *error)
{
    int row = statement_step(&store->statements, which, error);

    if (row > 0) {
        *id_r = sqlite3_column_int64(store->statements.prepared[which], 0);
        statement_reset(&store->statements, which);
    }
    return row;
}

int store_begin(struct store *store, struct error *error)
{
    assert(!store->open_transaction);
    if (execute(store, "BEGIN IMMEDIATE", error))
        return -1;
    store->open_transaction = 1;
    return 0;
}

int store_commit(struct store *store, struct error *error)
{
    assert(store->open_transaction);
    if (taken_save(store->taken, error) || execute(store, "COMMIT", error))
        return -1;
    store->open_transaction = 0;
    if (store->erased)
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    store->erased = 0;
    return 0;
}

void store_rollback(struct store *store)
{
    assert(store->open_transaction);
    store->open_transaction = store->erased = 0;
    /* A full disk may have ended the transaction already. */
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    if (store->aside)
        aside_rolled_back(store->aside);
    taken_rolled_back(store->taken);
}

int store_address(struct store *store, const char *key, const char *given, const char *domain,
                  int64_t *id_r, struct error *error)
{
    int added;

    /* Most that bounce do so for the first time: added before looked for. */
    if ((added = add_row(store, ADDRESS_ADD, id_r, error, "ttt", key, given, domain)))
        return added < 0 ? -1 : 0;
    if (!statement_bind(&store->statements, ADDRESS_FIND, error, "t", key))
        return -1;
    return read_id(store, ADDRESS_FIND, id_r, error) > 0 ? 0 : -1;
}

int store_reply(struct store *store, const char *text, int64_t *id_r, struct error *error)
{
    int64_t hash = (int64_t)veil_number(store->veil, hash_bytes(HASH_OF_NOTHING, text, strlen(text)));
    int found;

    if (!statement_bind(&store->statements, REPLY_FIND, error, "it", hash, text))
        return -1;
    if ((found = read_id(store, REPLY_FIND, id_r, error)))
        return found < 0 ? -1 : 0;
    return add_row(store, REPLY_ADD, id_r, error, "it", hash, text) < 0 ? -1 : 0;
}

int store_ruleset(struct store *store, const char *version, int64_t now, int64_t *id_r,
                  struct error *error)
{
    int found;

    if (!statement_bind(&store->statements, RULESET_FIND, error, "t", version))
        return -1;
    if ((found = read_id(store, RULESET_FIND, id_r, error)))
        return found < 0 ? -1 : 0;
    return add_row(store, RULESET_ADD, id_r, error, "ti", version, now) < 0 ? -1 : 0;
}

int store_suppressed(struct store *store, const char *key, const char *stream, int64_t now,
                     int64_t event, struct error *error)
{
    int64_t ignored;

    if (!statement_bind(&store->statements, SUPPRESSED, error, "ttii", key, stream, now, event))
        return -1;
    return read_id(store, SUPPRESSED, &ignored, error);
}

int store_past(struct store *store, const struct past_question *question, struct hygiene_history *history_r,
               struct error *error)
{
    return past_read(&store->past_statements, question, history_r, error);
}

int store_suppress(struct store *store, const struct store_suppression *s, struct error *error)
{
    const char *state = s->state ? s->state : "enforced";

    if (statement_run(&store->statements, SUPPRESS, error, "tttintnttint", s->key, s->stream, s->reason, s->since,
                      s->until, s->origin, s->event, s->note, state, (int64_t)s->level, s->until ? s->trial : 0,
                      s->policy ? s->policy : ""))
        return -1;
    return statement_run(&store->statements, CHANGE_ADD, error, "tttintnttt", s->key, s->stream, s->reason, s->since,
                         s->until, s->origin, s->event, s->why ? s->why : s->note, s->who, state);
}

int store_release(struct store *store, const char *key, const char *stream, const char *who,
                  const char *note, int64_t now, struct error *error)
{
    if (statement_run(&store->statements, CHANGE_RELEASE, error, "ttitt", key, stream, now, note, who))
        return -1;
    if (statement_run(&store->statements, RELEASE, error, "tt", key, stream))
        return -1;
    return sqlite3_changes(store->db) > 0;
}

/* 48 bits are six octets of a row and of the index; the text has the last word. */
#define HASH_BITS UINT64_C(0xffffffffffff)
static int64_t message_hash(const struct store *store, const char *message_id)
{
    if (!message_id || !*message_id)
        return 0;
    return (int64_t)(veil_number(store->veil, hash_bytes(HASH_OF_NOTHING, message_id, strlen(message_id)) & HASH_BITS) &
                     HASH_BITS);
}

int store_add_sent(struct store *store, const struct store_sent *sent, struct error *error)
{
    int64_t id;

    if (statement_run(&store->statements, SENT_ADD, error, "itztnni", sent->time, sent->queue_id, sent->message_id,
                      sent->stream, message_hash(store, sent->message_id), sent->tag, (int64_t)sent->several))
        return -1;
    id = sqlite3_last_insert_rowid(store->db);
    for (size_t i = 0; i < sent->count; i++)
        if (statement_run(&store->statements, SENT_RECIPIENT_ADD, error, "it", id, sent->keys[i]))
            return -1;
    return 0;
}

/* Reads what a bound SENT_ONLY statement finds. */
static int sent_only(struct store *store, size_t which, sqlite3_stmt *stmt, char **key_r, int64_t *time_r,
                     struct error *error)
{
    int row = stmt ? statement_step(&store->statements, which, error) : -1;

    if (row > 0) {
        *key_r = xstrdup((const char *)sqlite3_column_text(stmt, 0));
        *time_r = sqlite3_column_int64(stmt, 1);
        statement_reset(&store->statements, which);
    }
    return row;
}

int store_sent_only(struct store *store, const char *message_id, int64_t tag, char **key_r, int64_t *time_r,
                    struct error *error)
{
    struct statements *statements = &store->statements;
    int found = 0;

    if (message_id && *message_id)
        found = sent_only(store, SENT_ONLY_ID,
                          statement_bind(statements, SENT_ONLY_ID, error, "itii", message_hash(store, message_id), message_id,
                                         (int64_t)SENT_SAME_MAX, (int64_t)SENT_SAME_MAX + 1),
                          key_r, time_r, error);
    if (!found && tag)
        found = sent_only(store, SENT_ONLY_TAG,
                          statement_bind(statements, SENT_ONLY_TAG, error, "iii", tag, (int64_t)SENT_SAME_MAX,
                                         (int64_t)SENT_SAME_MAX + 1),
                          key_r, time_r, error);
    return found;
}

static int sent_stream_by(struct store *store, size_t which, const char *id, const char *key,
                          char **stream_r, struct error *error)
{
    int row;

    if (!id || !*id)
        return 0;
    if (!statement_bind(&store->statements, which, error, which == SENT_BY_MESSAGE_ID ? "tti" : "tt", id, key,
                        message_hash(store, id)))
        return -1;
    if ((row = statement_step(&store->statements, which, error)) > 0) {
        *stream_r = xstrdup((const char *)sqlite3_column_text(store->statements.prepared[which], 0));
        statement_reset(&store->statements, which);
    }
    return row;
}

int store_sent_stream(struct store *store, const char *queue_id, const char *message_id,
                      const char *key, char **stream_r, struct error *error)
{
    int found = sent_stream_by(store, SENT_BY_QUEUE_ID, queue_id, key, stream_r, error);

    return found ? found : sent_stream_by(store, SENT_BY_MESSAGE_ID, message_id, key, stream_r, error);
}

int store_sent_by_queue_id(struct store *store, const char *queue_id, char **stream_r, char **message_id_r,
                           struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->statements, SENT_NEWEST, error, "t", queue_id);
    int row = stmt ? statement_step(&store->statements, SENT_NEWEST, error) : -1;

    if (row > 0) {
        *stream_r = xstrdup((const char *)sqlite3_column_text(stmt, 0));
        *message_id_r = xstrdup((const char *)sqlite3_column_text(stmt, 1));
        statement_reset(&store->statements, SENT_NEWEST);
    }
    return row;
}

struct aside *store_aside(struct store *store)
{
    return store->aside;
}

struct taken *store_taken(struct store *store)
{
    return store->taken;
}

int store_put_position(struct store *store, const char *path, const struct log_position *position,
                       int64_t now, struct error *error)
{
    if (path &&
        statement_run(&store->statements, POSITION_PUT, error, "tiiiiiiti", path, (int64_t)position->device,
                      (int64_t)position->inode, (int64_t)position->since, (int64_t)position->offset,
                      (int64_t)position->head_length, (int64_t)position->head_hash, position->cursor,
                      position->time ? position->time : now))
        return -1;
    if (!position->head_length || position->offset <= position->since)
        return 0;
    return statement_run(&store->statements, LOG_READ_PUT, error, "iiiii", (int64_t)position->head_hash,
                         (int64_t)position->head_length, (int64_t)position->since, (int64_t)position->offset, now);
}

int store_prune(struct store *store, int64_t sent_before, int64_t aside_bytes, struct error *error)
{
    int more, aside;

    if (statement_run(&store->statements, SENT_PRUNE, error, "ii", sent_before, (int64_t)PRUNE_ROWS))
        return -1;
    more = sqlite3_changes(store->db) == PRUNE_ROWS;
    if (statement_run(&store->statements, LOG_READ_PRUNE, error, "i", sent_before - LOG_READ_KEEP))
        return -1;
    aside = aside_trim(store->aside, aside_bytes, error);
    return aside < 0 ? -1 : more || aside;
}

/* The taxonomy, so that views can join it. */
static int put_reasons(struct store *store, struct error *error)
{
    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);

        if (statement_run(&store->statements, REASON_PUT, error, "ttttttt", info->name, info->family,
                          info->subject, persistence_name(info->persistence),
                          hygiene_name(info->hygiene), info->means, info->todo))
            return -1;
    }
    return 0;
}

/* The form of addresses is fixed when the database is made. */
static int check_form(struct store *store, int strict, struct error *error)
{
    long is_strict;

    if (execute(store, strict ? "INSERT OR IGNORE INTO fact VALUES ('address_form', 'strict')"
                              : "INSERT OR IGNORE INTO fact VALUES ('address_form', 'folded')", error) ||
        sqlite_integer(store->db, "SELECT value = 'strict' FROM fact WHERE name = 'address_form'",
                       &is_strict, error))
        return -1;
    if (is_strict != !!strict)
        return error_set(error, ERROR_INPUT, "made with strict_local_part = %s, which cannot be changed later",
                         is_strict ? "yes" : "no");
    return 0;
}

static int prepare_content(struct store *store, int strict, struct error *error)
{
    if (store_begin(store, error))
        return -1;
    if (check_form(store, strict, error) || put_reasons(store, error)) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

static int open_database(struct store *store, const char *path, int strict, struct error *error)
{
    int keep = 1;

    if (database_file_ready(path, error))
        return -1;
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return sqlite_error(store->db, "open", error);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    /* Readers without write access to the folder need the WAL files to stay. */
    sqlite3_file_control(store->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    store->veil = veil_new();
    statements_init(&store->statements, store->db, store->veil, sql, STATEMENTS);
    store_event_prepare(store);
    store_retain_prepare(store);
    store_erase_prepare(store);
    store->old = store->old_unproven = STORE_PLACE_FIRST;
    store->taken_at = INT64_MIN;
    store->key_path = xasprintf("%s.key", path);
    store->aside = aside_open(store->db, store->veil);
    store->taken = taken_open(store->db, store->veil);
    store_hygiene_prepare(store);
    past_prepare(&store->past_statements, store->db, store->veil);
    store_incident_prepare(store);
    if (execute(store, "PRAGMA journal_mode = WAL", error) ||
        execute(store, "PRAGMA synchronous = FULL", error) ||
        execute(store, "PRAGMA cache_size = " CACHE_KIB, error) ||
        execute(store, "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES, error) ||
        execute(store, "PRAGMA secure_delete = ON", error) || /* what is erased, pruned or rewritten is gone */
        execute(store, "PRAGMA foreign_keys = ON", error) || migrate(store->db, error) ||
        hashed_open(store->db, path, store->veil, error) || store_set_prepare(store, error) ||
        !(store->undecided = undecided_open(store->db, store->veil, error)))
        return -1;
    return prepare_content(store, strict, error);
}

struct store *store_open(const char *path, int strict, struct error *error)
{
    struct store *store = xcalloc(1, sizeof(*store));

    if ((store->lock_fd = database_file_lock(path, error)) < 0) {
        (void)error_prefix(error, "database");
        store_close(&store);
    } else if (open_database(store, path, strict, error)) {
        if (store->db) /* closing would write the WAL into a file that may be damaged */
            sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        store->failed = 1;
        (void)error_prefix(error, "database %s", path);
        store_close(&store);
    }
    return store;
}

int store_is_hidden(const struct store *store)
{
    return veil_is_closed(store->veil);
}

int store_is_empty(struct store *store, struct error *error)
{
    return hashed_is_empty(store->db, error);
}

int store_hide(struct store *store, const char *path, int strict, struct error *error)
{
    return hashed_convert(store->db, path, strict, store->veil, error)
               ? error_prefix(error, "database %s", path) : 0;
}

int store_hidden(struct store *store, const char *text, const char *key, char **hidden_r, struct error *error)
{
    int hidden;

    *hidden_r = NULL;
    hidden = key ? veil_told(store->veil, text, key, hidden_r, error)
                 : text ? veil_text(store->veil, text, hidden_r, error) : 0;
    if (!hidden)
        *hidden_r = xstrdup(text);
    return hidden < 0 ? -1 : 0;
}

void store_close(struct store **store)
{
    struct store *old = *store;

    *store = NULL;
    if (!old)
        return;
    statements_clear(&old->statements);
    statements_clear(&old->event_statements);
    statements_clear(&old->set_statements);
    statements_clear(&old->undo_statements);
    statements_clear(&old->retain_statements);
    statements_clear(&old->erase_statements);
    free(old->key_path);
    aside_close(&old->aside);
    taken_close(&old->taken);
    statements_clear(&old->hygiene_statements);
    statements_clear(&old->past_statements);
    statements_clear(&old->incident_statements);
    undecided_close(&old->undecided);
    veil_free(&old->veil);
    if (old->db && !old->failed)
        sqlite3_wal_checkpoint_v2(old->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_close(old->db);
    if (old->lock_fd >= 0)
        close(old->lock_fd);
    free(old);
}
