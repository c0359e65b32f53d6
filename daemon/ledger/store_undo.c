/* See store_set.h: a part of a change set is taken back. */
#include "config.h"

#include "daemon/ledger/store_set.h"

#include "daemon/ledger/migrate.h"
#include "daemon/ledger/store_private.h"

#include <stdio.h>
#include <string.h>

enum {
    FIND, FORGET, TOUCHED, STANDS, RELEASED_CHANGE, RELEASED, DISALLOWED_CHANGE, DISALLOWED, RESTORE, RESTORED_CHANGE,
    STATEMENTS
};

/* Rows of the part: of change ?1 < id <= ?2, of former ?3 < id <= ?4. */
#define CHANGES "change c WHERE c.id > ?1 AND c.id <= ?2"
#define FORMERS "former f WHERE f.id > ?3 AND f.id <= ?4"
/* A change that nobody has taken back, and which takes nothing back: undone and
 * undoing cancel out, and neither stands in the way of an earlier set. */
#define STILL_SAYS \
    " AND NOT EXISTS (SELECT 1 FROM change_part p WHERE p.after_change < l.id AND p.id = (SELECT q.id FROM change_part q" \
    " WHERE q.last_change >= l.id ORDER BY q.last_change, q.id LIMIT 1)" \
    " AND (p.undoes IS NOT NULL OR EXISTS (SELECT 1 FROM change_part u WHERE u.undoes = p.id)))"
#define WAS_THERE(table) "(SELECT f.row ->> 'key', f.row ->> 'stream' FROM " FORMERS " AND f.place = '" table "')"
#define INTO_CHANGE "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)"

static const char *const sql[STATEMENTS] = {
    [FIND] =
        "SELECT s.id, p.id, p.after_change, p.last_change, p.after_former, p.last_former, coalesce(u.id, 0),"
        " (SELECT count(*) FROM change_part m WHERE m.change_set = s.id"
        " AND NOT EXISTS (SELECT 1 FROM change_part o WHERE o.undoes = m.id)), s.what, s.undoes IS NOT NULL"
        " FROM change_set s JOIN change_part p ON p.change_set = s.id LEFT JOIN change_set u ON u.undoes = s.id"
        " WHERE CASE WHEN ?1 THEN s.id = ?1 ELSE s.undoes IS NULL AND s.what <> 'erase'"
        " AND NOT EXISTS (SELECT 1 FROM change_part o WHERE o.undoes = p.id) END"
        " ORDER BY s.id DESC, EXISTS (SELECT 1 FROM change_part o WHERE o.undoes = p.id), p.id DESC LIMIT 1",
    [FORGET] = "DELETE FROM undo_key",
    [TOUCHED] =
        "INSERT INTO undo_key (key) SELECT c.key FROM " CHANGES " UNION SELECT f.key FROM " FORMERS,
    [STANDS] =
        "DELETE FROM undo_key WHERE key <> '' AND EXISTS (SELECT 1 FROM change l WHERE l.key = undo_key.key"
        " AND l.id > ?1" STILL_SAYS ")",
    [RELEASED_CHANGE] =
        INTO_CHANGE " SELECT s.key, s.stream, s.reason, ?5, s.until, s.origin, s.event, ?6, ?7, 'release'"
        " FROM suppression s WHERE (s.key, s.stream) IN (SELECT c.key, c.stream FROM " CHANGES
        " AND c.what IN ('suppress', 'hold', 'shadow')) AND s.key IN (SELECT key FROM undo_key)"
        " AND (s.key, s.stream) NOT IN " WAS_THERE("suppression"),
    [RELEASED] =
        "DELETE FROM suppression WHERE (key, stream) IN (SELECT c.key, c.stream FROM " CHANGES
        " AND c.what IN ('suppress', 'hold', 'shadow')) AND key IN (SELECT key FROM undo_key)",
    [DISALLOWED_CHANGE] =
        INTO_CHANGE " SELECT a.key, '', '', ?5, NULL, 'manual', NULL, ?6, ?7, 'disallow' FROM allow a WHERE a.key IN"
        " (SELECT c.key FROM " CHANGES " AND c.what = 'allow') AND a.key IN (SELECT key FROM undo_key)"
        " AND NOT EXISTS (SELECT 1 FROM " FORMERS " AND f.place = 'allow' AND f.key = a.key)",
    [DISALLOWED] =
        "DELETE FROM allow WHERE key IN (SELECT c.key FROM " CHANGES " AND c.what = 'allow')"
        " AND key IN (SELECT key FROM undo_key)",
    /* Backwards: where a row was written more than once, what was there first comes last. */
    [RESTORE] =
        "INSERT INTO restored (place, row) SELECT place, row FROM (SELECT f.place, f.row FROM " FORMERS
        " AND f.key IN (SELECT key FROM undo_key) ORDER BY f.id DESC)",
    [RESTORED_CHANGE] =
        INTO_CHANGE " SELECT f.key, coalesce(f.row ->> 'stream', ''), coalesce(f.row ->> 'reason', ''), ?5,"
        " f.row ->> 'until',"
        " coalesce(f.row ->> 'origin', iif(f.place = 'allow', 'manual', 'automatic')), f.row ->> 'event', ?6, ?7,"
        " CASE f.place WHEN 'allow' THEN 'allow' WHEN 'bounce' THEN 'recount' WHEN 'held' THEN 'hold' ELSE"
        " CASE f.row ->> 'state' WHEN 'held' THEN 'hold' WHEN 'shadow' THEN 'shadow' ELSE 'suppress' END END"
        " FROM (SELECT place, key, row, min(id) FROM " FORMERS " AND f.key <> '' AND f.key IN (SELECT key FROM undo_key)"
        " GROUP BY place, key, row ->> 'stream', row ->> 'incident') f",
};

struct part {
    int64_t set, id, after_change, last_change, after_former, last_former;
    char note[60];
};

int store_undo_prepare(struct store *store, struct error *error)
{
    if (sqlite3_exec(store->db, "CREATE TEMP TABLE undo_key (key TEXT PRIMARY KEY) WITHOUT ROWID", NULL, NULL, NULL) !=
        SQLITE_OK)
        return sqlite_error(store->db, "temporary table", error);
    statements_init(&store->undo_statements, store->db, store->veil, sql, STATEMENTS);
    return 0;
}

/* The part that comes next: 1 or, when others are left behind it, 2; 0; -1. */
static int find_part(struct store *store, int64_t id, struct part *part_r, struct store_set *set, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->undo_statements, FIND, error, "i", id);
    int row = stmt ? statement_step(&store->undo_statements, FIND, error) : -1, left, final;

    if (row <= 0)
        return row;
    *part_r = (struct part){.set = sqlite3_column_int64(stmt, 0), .id = sqlite3_column_int64(stmt, 1),
                            .after_change = sqlite3_column_int64(stmt, 2), .last_change = sqlite3_column_int64(stmt, 3),
                            .after_former = sqlite3_column_int64(stmt, 4), .last_former = sqlite3_column_int64(stmt, 5)};
    set->id = sqlite3_column_int64(stmt, 6); /* an undo that stopped half-way goes on */
    left = sqlite3_column_int(stmt, 7);
    final = sqlite3_column_int(stmt, 9) || !strcmp((const char *)sqlite3_column_text(stmt, 8), "erase");
    statement_reset(&store->undo_statements, FIND);
    if (final)
        return error_set(error, ERROR_INPUT, "change set %lld is itself an undo or an erasure", (long long)id);
    if (!left)
        return error_set(error, ERROR_INPUT, "change set %lld has been undone by %lld", (long long)id, (long long)set->id);
    set->undoes = part_r->set;
    set->undoes_part = part_r->id;
    snprintf(part_r->note, sizeof(part_r->note), "undo of change set %lld", (long long)part_r->set);
    return left > 1 ? 2 : 1;
}

/* How many rows it wrote, -1. All have the same arguments, of which each takes what it needs. */
static int64_t run(struct store *store, size_t which, const struct part *part, const struct store_set *set,
                   struct error *error)
{
    static const char *const kinds[STATEMENTS] = {
        [TOUCHED] = "iiii", [RELEASED] = "ii", [DISALLOWED] = "ii", [RESTORE] = "iiii",
        [RELEASED_CHANGE] = "iiiiitt", [DISALLOWED_CHANGE] = "iiiiitt", [RESTORED_CHANGE] = "iiiiitt"};
    int failed = statement_run(&store->undo_statements, which, error, kinds[which], part->after_change, part->last_change,
                               part->after_former, part->last_former, set->time, part->note, set->who);

    return failed ? -1 : sqlite3_changes(store->db);
}

/* Who has been changed since is taken out of the keys that the part touched. */
static int find_keys(struct store *store, const struct part *part, struct store_set *set, struct error *error)
{
    if (statement_run(&store->undo_statements, FORGET, error, "") || run(store, TOUCHED, part, set, error) < 0 ||
        statement_run(&store->undo_statements, STANDS, error, "i", part->last_change))
        return -1;
    set->skipped += sqlite3_changes(store->db);
    return 0;
}

int store_undo(struct store *store, int64_t id, struct store_set *set, struct error *error)
{
    struct part part;
    int found = find_part(store, id, &part, set, error);

    if (found <= 0)
        return found;
    if (find_keys(store, &part, set, error) ||
        (set->released = run(store, RELEASED_CHANGE, &part, set, error)) < 0 ||
        run(store, RELEASED, &part, set, error) < 0 || run(store, DISALLOWED_CHANGE, &part, set, error) < 0 ||
        run(store, DISALLOWED, &part, set, error) < 0 || run(store, RESTORE, &part, set, error) < 0 ||
        (set->suppressed = run(store, RESTORED_CHANGE, &part, set, error)) < 0)
        return -1;
    return found;
}
