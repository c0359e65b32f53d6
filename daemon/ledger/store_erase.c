/* See store.h: a person is forgotten, in the open transaction. */
#include "config.h"

#include "daemon/ledger/store_private.h"

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/ledger/aside.h"
#include "daemon/ledger/pack.h"
#include "daemon/ledger/secret.h"

#include <stdlib.h>
#include <string.h>

/* Ids that are swept in one call: of submitted messages and results, and of
 * messages kept aside, which must be unpacked and read. */
#define ROWS 20000
#define ASIDE_ROWS 200

enum {
    KNOWN, MOVE, MOVE_ALLOWED, LEAVE_WORD, ERASING, ERASED, CHANGES, FORMER, STAGED, HELD, TAKEN, BOUNCE, EVENTS,
    FREE_SUPPRESSION, FREE_CHANGE, FREE_HELD, ADDRESS, SENT, SENT_SEVERAL, SENT_RECIPIENT, ORIGINAL, SENDER, ASIDE,
    ASIDE_DROP, NEXT, STATEMENTS
};

/* As a report may write it. */
#define NAMES(column) \
    "lower(" column ") IN (lower(?3), 'rfc822;' || lower(?3), 'rfc822; ' || lower(?3), '<' || lower(?3) || '>')"

static const char *const sql[STATEMENTS] = {
    [KNOWN] =
        "SELECT EXISTS (SELECT 1 FROM address WHERE key = ?1) OR EXISTS (SELECT 1 FROM change WHERE key = ?1)"
        " OR EXISTS (SELECT 1 FROM suppression WHERE key = ?1) OR EXISTS (SELECT 1 FROM held WHERE key = ?1)"
        " OR EXISTS (SELECT 1 FROM allow WHERE key = ?1) OR EXISTS (SELECT 1 FROM taken WHERE hash = ?2)",
    [MOVE] = "UPDATE OR REPLACE suppression SET key = ?2, event = NULL, note = '' WHERE key = ?1",
    [MOVE_ALLOWED] = "UPDATE OR REPLACE allow SET key = ?2, note = '' WHERE key = ?1",
    /* The newest number is taken before others fall free: none is given twice. */
    [LEAVE_WORD] =
        "INSERT INTO change (time, who, what, key, stream, reason, origin, note)"
        " VALUES (?1, ?2, 'erase', ?3, '', '', 'manual', '')",
    [ERASING] = "INSERT INTO fact (name, value) VALUES ('erasing', '')",
    [ERASED] = "DELETE FROM fact WHERE name = 'erasing'",
    [CHANGES] = "DELETE FROM change WHERE key = ?1",
    [FORMER] = "DELETE FROM former WHERE key = ?1",
    [STAGED] = "DELETE FROM staged WHERE key = ?1",
    [HELD] = "DELETE FROM held WHERE key = ?1",
    [TAKEN] = "DELETE FROM taken WHERE hash = ?1",
    [BOUNCE] = "DELETE FROM bounce WHERE address = (SELECT id FROM address WHERE key = ?1)",
    [EVENTS] =
        "SELECT e.id, e.address, coalesce(e.reply, 0) FROM event e JOIN address a ON a.id = e.address WHERE a.key = ?1",
    /* A domain's suppression may rest on a result of this person. */
    [FREE_SUPPRESSION] = "UPDATE suppression SET event = NULL WHERE event = ?1",
    [FREE_CHANGE] = "UPDATE change SET event = NULL WHERE event = ?1",
    [FREE_HELD] = "UPDATE held SET event = NULL WHERE event = ?1",
    [ADDRESS] = "DELETE FROM address WHERE key = ?1",
    /* A message to nobody else goes; of another the person is one of several who are not named. */
    [SENT] =
        "DELETE FROM sent WHERE id >= ?1 AND id < ?2 AND EXISTS (SELECT 1 FROM sent_recipient WHERE sent = id AND key = ?3)"
        " AND NOT EXISTS (SELECT 1 FROM sent_recipient WHERE sent = id AND key <> ?3)",
    [SENT_SEVERAL] =
        "UPDATE sent SET several = 1 WHERE id >= ?1 AND id < ?2"
        " AND EXISTS (SELECT 1 FROM sent_recipient WHERE sent = id AND key = ?3)",
    [SENT_RECIPIENT] = "DELETE FROM sent_recipient WHERE sent >= ?1 AND sent < ?2 AND key = ?3",
    /* Others' results that name the person: as whom they were first meant for, or as their sender. */
    [ORIGINAL] = "UPDATE event SET original_recipient = NULL WHERE id >= ?1 AND id < ?2 AND " NAMES("original_recipient"),
    [SENDER] = "UPDATE event SET sender = NULL WHERE id >= ?1 AND id < ?2 AND " NAMES("sender"),
    [ASIDE] =
        "SELECT id, size, bytes, sender || ' ' || problem FROM aside WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT 1",
    [NEXT] =
        "SELECT min(piece) FROM (SELECT min(id) / ?2 AS piece FROM sent WHERE id >= ?1 * ?2"
        " UNION ALL SELECT min(id) / ?2 FROM event WHERE id >= ?1 * ?2"
        " UNION ALL SELECT min(id) / ?3 FROM aside WHERE id >= ?1 * ?3)",
    [ASIDE_DROP] = "DELETE FROM aside WHERE id = ?1",
};

struct past {
    int64_t id, address, reply;
};

void store_erase_prepare(struct store *store)
{
    statements_init(&store->erase_statements, store->db, store->veil, sql, STATEMENTS);
}

int store_hash(struct store *store, const char *key, int make, char hash_r[SECRET_HASH_SIZE], struct error *error)
{
    unsigned char secret[HMAC_KEY_SIZE];
    int found = secret_load(store->key_path, make, secret, error);

    if (found > 0)
        secret_hash(secret, key, hash_r);
    return found;
}

/* Reads first: dropping changes what is being read. */
static int read_events(struct store *store, const char *key, struct past **past_r, size_t *count_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->erase_statements, EVENTS, error, "t", key);
    int row = -1;

    while (stmt && (row = statement_step(&store->erase_statements, EVENTS, error)) > 0) {
        if (!(*count_r & (*count_r - 1)))
            *past_r = xrealloc(*past_r, (*count_r ? 2 * *count_r : 1) * sizeof(**past_r));
        (*past_r)[(*count_r)++] =
            (struct past){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2)};
    }
    return row;
}

static int drop_events(struct store *store, const char *key, struct error *error)
{
    struct past *past = NULL;
    size_t count = 0;
    int failed = read_events(store, key, &past, &count, error);

    for (size_t i = 0; i < count && !failed; i++)
        failed = statement_run(&store->erase_statements, FREE_SUPPRESSION, error, "i", past[i].id) ||
                 statement_run(&store->erase_statements, FREE_CHANGE, error, "i", past[i].id) ||
                 statement_run(&store->erase_statements, FREE_HELD, error, "i", past[i].id) ||
                 store_drop_event(store, past[i].id, past[i].address, past[i].reply, error);
    free(past);
    return failed ? -1 : 0;
}

/* Whether bytes, which end with a NUL of their own, hold the text in any case of its letters. */
static int holds(const char *bytes, size_t size, const char *text)
{
    for (const char *at = bytes, *end = bytes + size; at <= end; at += strlen(at) + 1)
        if (strcasestr(at, text))
            return 1;
    return 0;
}

/* The next message that is kept aside: 1 and whether it names the address; 0; -1.
 * One that is damaged can be read by nobody, and goes. */
static int next_aside(struct store *store, const char *key, int64_t end, int64_t *id_io, int *names_r,
                      struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->erase_statements, ASIDE, error, "ii", *id_io, end);
    int row = stmt ? statement_step(&store->erase_statements, ASIDE, error) : -1;
    struct error damaged;
    char *message;

    if (row <= 0)
        return row;
    *id_io = sqlite3_column_int64(stmt, 0);
    message = pack_restore(sqlite3_column_blob(stmt, 2), (size_t)sqlite3_column_bytes(stmt, 2),
                           sqlite3_column_int64(stmt, 1), &damaged);
    *names_r = !message || holds(message, (size_t)sqlite3_column_int64(stmt, 1), key) ||
               strcasestr((const char *)sqlite3_column_text(stmt, 3), key) != NULL;
    free(message);
    statement_reset(&store->erase_statements, ASIDE);
    return 1;
}

static int sweep_aside(struct store *store, const char *key, int64_t piece, struct error *error)
{
    int64_t id = piece * ASIDE_ROWS - 1;
    int names = 0, row;

    if (veil_is_closed(store->veil))
        return 0; /* no message is kept, and nobody is named */
    while ((row = next_aside(store, key, (piece + 1) * ASIDE_ROWS, &id, &names, error)) > 0)
        if (names && statement_run(&store->erase_statements, ASIDE_DROP, error, "i", id))
            return -1;
    aside_rolled_back(store->aside); /* what it counted is void */
    return row;
}

/* What no index finds: one piece of it. 1 and the number of the next, 0 there is no more, -1. */
static int sweep(struct store *store, const char *key, int64_t piece, int64_t *next_r, struct error *error)
{
    static const int sweeps[] = {SENT, SENT_SEVERAL, SENT_RECIPIENT, ORIGINAL, SENDER};
    sqlite3_stmt *stmt;
    int row;

    for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++)
        if (statement_run(&store->erase_statements, (size_t)sweeps[i], error, "iit", piece * ROWS, (piece + 1) * ROWS, key))
            return -1;
    if (sweep_aside(store, key, piece, error))
        return -1;
    stmt = statement_bind(&store->erase_statements, NEXT, error, "iii", piece + 1, (int64_t)ROWS, (int64_t)ASIDE_ROWS);
    row = stmt ? statement_step(&store->erase_statements, NEXT, error) : -1;
    if (row <= 0)
        return -1;
    row = sqlite3_column_type(stmt, 0) != SQLITE_NULL;
    *next_r = sqlite3_column_int64(stmt, 0);
    statement_reset(&store->erase_statements, NEXT);
    return row;
}

static int run(struct store *store, size_t which, const char *key, struct error *error)
{
    return statement_run(&store->erase_statements, which, error, "t", key);
}

static int is_known(struct store *store, const char *key, int64_t taken, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->erase_statements, KNOWN, error, "ti", key, taken);
    int row = stmt ? statement_step(&store->erase_statements, KNOWN, error) : -1;

    if (row > 0) {
        row = sqlite3_column_int(stmt, 0);
        statement_reset(&store->erase_statements, KNOWN);
    }
    return row;
}

/* What indexes find, at once. */
static int erase(struct store *store, const char *key, int64_t taken, const char *who, int64_t now, struct error *error)
{
    static const int tables[] = {CHANGES, FORMER, STAGED, HELD, BOUNCE};
    struct statements *statements = &store->erase_statements;
    char hash[SECRET_HASH_SIZE];

    if (store_hash(store, key, 1, hash, error) < 0 || statement_run(statements, ERASING, error, "") ||
        statement_run(statements, MOVE, error, "tt", key, hash) ||
        statement_run(statements, MOVE_ALLOWED, error, "tt", key, hash) ||
        statement_run(statements, LEAVE_WORD, error, "itt", now, who, hash))
        return -1;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (run(store, (size_t)tables[i], key, error))
            return -1;
    if (statement_run(statements, TAKEN, error, "i", taken) || drop_events(store, key, error) ||
        run(store, ADDRESS, key, error))
        return -1;
    return statement_run(statements, ERASED, error, "");
}

/* What stays is told by the address, which a token does not give away. */
static int check_named(struct store *store, const char *key, struct error *error)
{
    char *hidden = NULL;
    int hides = veil_text(store->veil, key, &hidden, error), is_token = hides > 0 && !strcmp(hidden, key);

    free(hidden);
    if (is_token)
        return error_set(error, ERROR_INPUT, "%s is a token: a person is erased by the address", key);
    return hides < 0 ? -1 : 0;
}

int store_erase(struct store *store, const char *key, int64_t from, int64_t *from_r, const char *who, int64_t now,
                struct error *error)
{
    int64_t taken = (int64_t)veil_number(store->veil, hash_bytes(HASH_OF_NOTHING, key, strlen(key)));
    int result = check_named(store, key, error) ? -1 : sweep(store, key, from, from_r, error);

    store->erased = 1;
    if (result)
        return result < 0 ? -1 : STORE_ERASE_MORE;
    result = is_known(store, key, taken, error);
    if (result > 0 && erase(store, key, taken, who, now, error))
        return -1;
    return result > 0 ? STORE_ERASED : result;
}
