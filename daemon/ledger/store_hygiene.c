/* See store.h: what ends suppressions and counts, the allow-list, mistyped domains. */
#include "config.h"

#include "base/mem.h"
#include "daemon/ledger/store_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_ROWS 500 /* released in one call */
#define EIGHT(one) one "," one "," one "," one "," one "," one "," one "," one

enum {
    SEND_COUNT, ON_TRIAL, HAVE_BOUNCED, BEGIN_ANEW, ANEW_CHANGE, CLEARED_CHANGE, CLEARED, QUIET_CHANGE, QUIET_ANEW_CHANGE,
    QUIET_ANEW, QUIET, ALLOW, DISALLOW, ALLOW_CHANGE, POLICY_CHANGE, TYPO, STATEMENTS
};

#define HAS_EXPIRED "state = 'enforced' AND origin = 'automatic' AND trial IS NOT NULL AND until <= "
#define RELEASED \
    "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)" \
    " SELECT key, stream, reason, ?3, until, 'automatic', event, ?4, 'hygiene', 'release' FROM suppression"
/* In the order in which both statements must take them. */
#define QUIET_ONES "tried <= ?1 AND " HAS_EXPIRED "?1 ORDER BY tried, key, stream LIMIT ?2"

static const char *const sql[STATEMENTS] = {
    [SEND_COUNT] =
        "UPDATE suppression SET sends = sends + 1, tried = ?3 WHERE key = ?1 AND (+stream = '' OR +stream = ?2)"
        " AND (state <> 'enforced' OR (trial IS NOT NULL AND until <= ?3))",
    [ON_TRIAL] = "SELECT 1 FROM suppression WHERE tried IS NOT NULL LIMIT 1",
    /* CROSS: in the order in which they are asked for; STORE_TOGETHER of them. */
    [HAVE_BOUNCED] =
        "WITH asked (key) AS (VALUES " EIGHT(EIGHT("(?)")) ") SELECT b.key FROM asked a CROSS JOIN address b ON b.key = a.key",
    [BEGIN_ANEW] =
        "UPDATE bounce SET delivered = ?2 WHERE address = (SELECT id FROM address WHERE key = ?1)"
        " AND delivered < ?2 AND delivered <= last",
    [ANEW_CHANGE] =
        "INSERT INTO change (time, who, what, key, stream, reason, origin, note)"
        " VALUES (?1, ?2, 'clear', ?3, '', '', ?4, ?5)",
    [CLEARED_CHANGE] = RELEASED " WHERE key = ?1 AND sends > 0 AND " HAS_EXPIRED "?2",
    [CLEARED] = "DELETE FROM suppression WHERE key = ?1 AND sends > 0 AND " HAS_EXPIRED "?2",
    [QUIET_CHANGE] = RELEASED " WHERE " QUIET_ONES,
    [QUIET_ANEW_CHANGE] =
        "INSERT INTO change (time, who, what, key, stream, reason, origin, note)"
        " SELECT ?3, 'hygiene', 'clear', a.key, '', '', 'automatic', ?4 FROM address a JOIN bounce b ON b.address = a.id"
        " WHERE a.key IN (SELECT key FROM suppression WHERE " QUIET_ONES ") AND b.delivered < ?3",
    [QUIET_ANEW] =
        "UPDATE bounce SET delivered = max(delivered, ?3) WHERE address IN (SELECT a.id FROM address a"
        " WHERE a.key IN (SELECT key FROM suppression WHERE " QUIET_ONES "))",
    [QUIET] =
        "DELETE FROM suppression WHERE (key, stream) IN (SELECT key, stream FROM suppression WHERE " QUIET_ONES ")",
    [ALLOW] = "INSERT OR REPLACE INTO allow (key, since, who, note) VALUES (?1, ?2, ?3, ?4)",
    [DISALLOW] = "DELETE FROM allow WHERE key = ?1",
    [ALLOW_CHANGE] =
        "INSERT INTO change (key, stream, reason, time, origin, note, who, what)"
        " VALUES (?1, '', '', ?2, 'manual', ?3, ?4, ?5)",
    [POLICY_CHANGE] =
        "INSERT INTO change (time, who, what, key, stream, reason, origin, note)"
        " SELECT ?1, 'settings', 'policy', '', '', '', 'manual', ?2 WHERE ?2 <> coalesce((SELECT note FROM change"
        " WHERE key = '' AND what = 'policy' ORDER BY id DESC LIMIT 1), '')",
    [TYPO] = "INSERT OR IGNORE INTO typo_domain (domain, meant) VALUES (?1, ?2)",
};

void store_hygiene_prepare(struct store *store)
{
    statements_init(&store->hygiene_statements, store->db, store->veil, sql, STATEMENTS);
}

int store_note_send(struct store *store, const char *key, const char *domain, const char *stream, int64_t now,
                    struct error *error)
{
    char domain_key[300];
    int counted;

    snprintf(domain_key, sizeof(domain_key), "@%s", domain);
    if (statement_run(&store->hygiene_statements, SEND_COUNT, error, "tti", key, stream, now))
        return -1;
    counted = sqlite3_changes(store->db) > 0;
    if (statement_run(&store->hygiene_statements, SEND_COUNT, error, "tti", domain_key, stream, now))
        return -1;
    return counted || sqlite3_changes(store->db) > 0;
}

int store_on_trial(struct store *store, struct error *error)
{
    int row = statement_bind(&store->hygiene_statements, ON_TRIAL, error, "")
                  ? statement_step(&store->hygiene_statements, ON_TRIAL, error) : -1;

    if (row > 0)
        statement_reset(&store->hygiene_statements, ON_TRIAL);
    return row;
}

/* Marks those keys, as the veil shows them, that the statement gives; both in the same order. */
static int mark_found(struct store *store, char *const *keys, size_t count, int *found_r, struct error *error)
{
    sqlite3_stmt *stmt = store->hygiene_statements.prepared[HAVE_BOUNCED];
    size_t at = 0;
    int row;

    while ((row = statement_step(&store->hygiene_statements, HAVE_BOUNCED, error)) > 0) {
        const char *key = (const char *)sqlite3_column_text(stmt, 0);

        while (at < count && strcmp(keys[at], key) != 0)
            at++;
        if (at < count)
            found_r[at++] = 1;
    }
    return row;
}

int store_have_bounced(struct store *store, const char *const *keys, size_t count, int *found_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->hygiene_statements, HAVE_BOUNCED, error, "");
    char *shown[STORE_TOGETHER] = {NULL};
    int result = stmt ? 0 : -1;
    size_t i;

    assert(count <= STORE_TOGETHER);
    for (i = 0; !result && i < count; i++) {
        int hides = veil_text(store->veil, keys[i], &shown[i], error);

        if (!hides)
            shown[i] = xstrdup(keys[i]);
        found_r[i] = 0;
        result = hides < 0 ? -1 : 0;
        sqlite3_bind_text(stmt, (int)i + 1, shown[i], -1, SQLITE_STATIC);
    }
    if (!result)
        result = mark_found(store, shown, count, found_r, error);
    if (stmt)
        statement_reset(&store->hygiene_statements, HAVE_BOUNCED);
    for (i = 0; i < count; i++)
        free(shown[i]);
    return result;
}

int store_begin_anew(struct store *store, const char *key, int64_t time, const char *who, int64_t now,
                     struct error *error)
{
    if (statement_run(&store->hygiene_statements, BEGIN_ANEW, error, "ti", key, time))
        return -1;
    if (!sqlite3_changes(store->db))
        return 0;
    return statement_run(&store->hygiene_statements, ANEW_CHANGE, error, "itttt", now, who ? who : "hygiene", key,
                         who ? "manual" : "automatic",
                         who ? "failures before this count no more" : "a message was delivered: failures before it count no more")
               ? -1 : 1;
}

static int clear(struct store *store, const char *key, int64_t time, int64_t now, struct error *error)
{
    if (statement_run(&store->hygiene_statements, CLEARED_CHANGE, error, "tiit", key, time, now, "delivered on trial"))
        return -1;
    return statement_run(&store->hygiene_statements, CLEARED, error, "ti", key, time);
}

int store_clear_trial(struct store *store, const char *key, const char *domain, int64_t time, int64_t now,
                      struct error *error)
{
    char domain_key[300];

    snprintf(domain_key, sizeof(domain_key), "@%s", domain);
    return clear(store, key, time, now, error) || clear(store, domain_key, time, now, error) ? -1 : 0;
}

int store_release_quiet(struct store *store, int64_t quiet, int64_t now, struct error *error)
{
    int64_t before = now - quiet;
    const char *note = "no failure after the messages that were let through";

    if (statement_run(&store->hygiene_statements, QUIET_CHANGE, error, "iiit", before, (int64_t)QUIET_ROWS, now, note) ||
        statement_run(&store->hygiene_statements, QUIET_ANEW_CHANGE, error, "iiit", before, (int64_t)QUIET_ROWS, now, note) ||
        statement_run(&store->hygiene_statements, QUIET_ANEW, error, "iii", before, (int64_t)QUIET_ROWS, now) ||
        statement_run(&store->hygiene_statements, QUIET, error, "ii", before, (int64_t)QUIET_ROWS))
        return -1;
    return sqlite3_changes(store->db) == QUIET_ROWS;
}

int store_allow(struct store *store, const char *key, const char *who, const char *note, int64_t now,
                struct error *error)
{
    if (statement_run(&store->hygiene_statements, ALLOW, error, "titt", key, now, who, note))
        return -1;
    return statement_run(&store->hygiene_statements, ALLOW_CHANGE, error, "tittt", key, now, note, who, "allow");
}

int store_disallow(struct store *store, const char *key, const char *who, const char *note, int64_t now,
                   struct error *error)
{
    if (statement_run(&store->hygiene_statements, DISALLOW, error, "t", key))
        return -1;
    if (!sqlite3_changes(store->db))
        return 0;
    return statement_run(&store->hygiene_statements, ALLOW_CHANGE, error, "tittt", key, now, note, who, "disallow")
               ? -1 : 1;
}

int store_tell_policy(struct store *store, const char *text, int64_t now, struct error *error)
{
    return statement_run(&store->hygiene_statements, POLICY_CHANGE, error, "it", now, text);
}

int store_note_typo(struct store *store, const char *domain, const char *meant, struct error *error)
{
    return statement_run(&store->hygiene_statements, TYPO, error, "tt", domain, meant);
}
