/* See store_set.h. store_undo.c takes sets back. */
#include "config.h"

#include "daemon/ledger/store_set.h"

#include "daemon/ledger/migrate.h"
#include "daemon/ledger/store_private.h"

#include <string.h>

#define STAGED_KEEP 86400 /* seconds */
#define PART_ITEMS 1000   /* of a plan that is applied: so many are taken back in one transaction */

enum {
    LAST, OPEN, CLOSE, GOES_ON, SET_ADD, PART_ADD, STAGE, STAGED_FORGET, STAGED_DONE, STAGED_EACH,
    CHANGED_SINCE, OURS, STANDS, CHANGE_RELEASE, RELEASE, STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [LAST] = "SELECT (SELECT coalesce(max(id), 0) FROM change), (SELECT coalesce(max(id), 0) FROM former)",
    [OPEN] = "INSERT INTO set_open (after_change) VALUES (?1)",
    [CLOSE] = "DELETE FROM set_open",
    [GOES_ON] =
        "SELECT 1 FROM change_set WHERE id = ?1 AND what = ?2 AND who = ?3 AND NOT EXISTS (SELECT 1 FROM change_set"
        " WHERE undoes = ?1)",
    [SET_ADD] = "INSERT INTO change_set (time, who, what, note, undoes) VALUES (?1, ?2, ?3, ?4, ?5)",
    [PART_ADD] =
        "INSERT INTO change_part (change_set, after_change, after_former, suppressed, released, skipped, undoes,"
        " last_change, last_former) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [STAGE] =
        "INSERT OR REPLACE INTO staged (token, key, stream, reason, event, until, trial, policy, note, time)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STAGED_FORGET] = "DELETE FROM staged WHERE time < ?1",
    [STAGED_DONE] = "DELETE FROM staged WHERE token = ?1",
    [STAGED_EACH] =
        "SELECT event, coalesce(until, 0), coalesce(trial, 0), key, stream, reason, policy, note FROM staged"
        " WHERE token = ?1",
    [CHANGED_SINCE] = "SELECT 1 FROM change WHERE key = ?1 AND id > ?2 AND id <= ?3 LIMIT 1",
    [OURS] = "SELECT 1 FROM suppression WHERE key = ?1 AND stream = ?2 AND origin = 'automatic' AND event = ?3",
    [STANDS] = "SELECT 1 FROM suppression WHERE key = ?1 AND stream = ?2 AND state = 'enforced'",
    [CHANGE_RELEASE] =
        "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)"
        " SELECT key, stream, reason, ?3, until, origin, event, ?4, ?5, 'release'"
        " FROM suppression WHERE key = ?1 AND stream = ?2",
    [RELEASE] = "DELETE FROM suppression WHERE key = ?1 AND stream = ?2",
};

/* ------------------------------------------------------------ what was before */

/* What this part has put there itself, by its rows in change, is nothing that was before. */
#define NOT_OURS(what) \
    " AND NOT EXISTS (SELECT 1 FROM change c WHERE c.key = r.key" \
    " AND c.id > (SELECT after_change FROM set_open) AND " what ")"

/* SQL that makes SQL, for a later migration may give a table columns that are not
 * known here. A row of "places": a table, whom a row of it (r) is about, and which
 * rows are kept; no set adds to the tables without a condition. */
#define PLACES                                                                                                    \
    "WITH places (t, k, condition) AS (VALUES ('suppression', 'r.key', '"                                         \
    NOT_OURS("c.stream = r.stream AND c.what IN (''suppress'', ''hold'', ''shadow'')") "'), ('allow', 'r.key', '" \
    NOT_OURS("c.what = ''allow''") "'), ('held', 'r.key', ''), ('incident', '''''', ''),"                         \
    " ('bounce', '(SELECT key FROM address WHERE id = r.address)', '')),"                                         \
    " events (e, image) AS (VALUES ('INSERT', 'NEW'), ('UPDATE', 'OLD'), ('DELETE', 'OLD')) "

static const char keepers[] =
    PLACES "SELECT 'CREATE TEMP TRIGGER former_' || t || '_' || e || ' BEFORE ' || e || ' ON main.' || t ||"
    " ' WHEN EXISTS (SELECT 1 FROM set_open) BEGIN INSERT INTO former (place, key, row) SELECT ''' || t || ''', ' || k ||"
    " ', json_object(' || (SELECT group_concat(quote(name) || ', r.\"' || name || '\"', ', ') FROM pragma_table_info(t)) ||"
    " ') FROM main.' || t || ' r WHERE ' || (SELECT group_concat('r.\"' || name || '\" = ' || image || '.\"' || name ||"
    " '\"', ' AND ') FROM pragma_table_info(t) WHERE pk > 0) || condition || '; END' FROM places, events";

/* Of a bounce record, whose counts go on, only where counting began is put back;
 * the result that a row rests on may be gone (store_erase). */
static const char restorers[] =
    PLACES "SELECT 'CREATE TEMP TRIGGER restore_' || t || ' INSTEAD OF INSERT ON restored WHEN NEW.place = ''' || t ||"
    " ''' BEGIN ' || iif(t = 'bounce', 'UPDATE bounce SET delivered = NEW.row ->> ''delivered'' WHERE address ="
    " NEW.row ->> ''address''', 'INSERT OR REPLACE INTO ' || t || ' (' || (SELECT group_concat('\"' || name || '\"', ', ')"
    " || ') VALUES (' || group_concat(iif(name = 'event', '(SELECT id FROM event WHERE id = NEW.row ->> ''event'')',"
    " 'NEW.row ->> ' || quote(name)), ', ') || ')' FROM pragma_table_info(t))) ||"
    " '; END' FROM places";

static int make_each(sqlite3 *db, const char *maker, struct error *error)
{
    sqlite3_stmt *stmt = NULL;
    int failed = sqlite3_prepare_v2(db, maker, -1, &stmt, NULL) == SQLITE_OK ? 0 : sqlite_error(db, "triggers", error);

    while (!failed && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
            failed = sqlite_error(db, text, error);
    }
    sqlite3_finalize(stmt);
    return failed;
}

int store_set_prepare(struct store *store, struct error *error)
{
    static const char tables[] = "CREATE TEMP TABLE set_open (after_change INTEGER);"
                                 "CREATE TEMP VIEW restored AS SELECT place, row FROM former";

    if (sqlite3_exec(store->db, tables, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error(store->db, "temporary tables", error);
    if (make_each(store->db, keepers, error) || make_each(store->db, restorers, error))
        return -1;
    statements_init(&store->set_statements, store->db, store->veil, sql, STATEMENTS);
    return store_undo_prepare(store, error);
}

/* ---------------------------------------------------------------------- sets */

/* Whether a bound statement gives a row: 1, 0, -1. */
static int ask(struct store *store, size_t which, sqlite3_stmt *stmt, struct error *error)
{
    int row = stmt ? statement_step(&store->set_statements, which, error) : -1;

    if (row > 0)
        statement_reset(&store->set_statements, which);
    return row;
}

static int check_goes_on(struct store *store, const struct store_set *set, struct error *error)
{
    int found = !set->id ? 1 : ask(store, GOES_ON, statement_bind(&store->set_statements, GOES_ON, error, "itt", set->id,
                                                                   set->what, set->who), error);

    if (!found)
        return error_set(error, ERROR_INPUT, "change set %lld cannot go on", (long long)set->id);
    return found < 0 ? -1 : 0;
}

static int read_last(struct store *store, int64_t *change_r, int64_t *former_r, struct error *error)
{
    struct statements *statements = &store->set_statements;
    sqlite3_stmt *stmt = statement_bind(statements, LAST, error, "");

    if (!stmt || statement_step(statements, LAST, error) <= 0)
        return -1;
    *change_r = sqlite3_column_int64(stmt, 0);
    *former_r = sqlite3_column_int64(stmt, 1);
    statement_reset(statements, LAST);
    return 0;
}

int store_set_begin(struct store *store, struct store_set *set, struct error *error)
{
    struct statements *statements = &store->set_statements;

    if (check_goes_on(store, set, error) || read_last(store, &set->after_change, &set->after_former, error))
        return -1;
    /* Neither is taken back, and an erasure must leave nothing. */
    if (!strcmp(set->what, "undo") || !strcmp(set->what, "erase"))
        return 0;
    return statement_run(statements, OPEN, error, "i", set->after_change);
}

int store_set_end(struct store *store, struct store_set *set, struct error *error)
{
    struct statements *statements = &store->set_statements;
    int64_t last_change, last_former;

    if (statement_run(statements, CLOSE, error, "") || read_last(store, &last_change, &last_former, error))
        return -1;
    if (last_change <= set->after_change && last_former <= set->after_former && !set->skipped && !set->undoes)
        return 0;
    if (!set->id && statement_run(statements, SET_ADD, error, "itttn", set->time, set->who, set->what, set->note,
                                  set->undoes))
        return -1;
    if (!set->id)
        set->id = sqlite3_last_insert_rowid(store->db);
    return statement_run(statements, PART_ADD, error, "iiiiiinii", set->id, set->after_change, set->after_former,
                         set->suppressed, set->released, set->skipped, set->undoes_part, last_change, last_former);
}

/* --------------------------------------------------------------------- plans */

int store_stage(struct store *store, const struct plan *plan, int64_t now, struct error *error)
{
    if (statement_run(&store->set_statements, STAGED_FORGET, error, "i", now - STAGED_KEEP))
        return -1;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = &plan->items[i];

        if (statement_run(&store->set_statements, STAGE, error, "itttinntti", plan->token, item->key, item->stream,
                          item->reason, item->event, item->until, item->trial, item->policy, item->note, now))
            return -1;
    }
    return 0;
}

static int release(struct store *store, const struct plan_item *item, const struct store_set *set, struct error *error)
{
    if (statement_run(&store->set_statements, CHANGE_RELEASE, error, "ttitt", item->key, item->stream, set->time,
                      item->note, set->who))
        return -1;
    return statement_run(&store->set_statements, RELEASE, error, "tt", item->key, item->stream);
}

static int suppress(struct store *store, const struct plan_item *item, const struct store_set *set,
                    struct error *error)
{
    const struct store_suppression suppression = {
        .key = item->key,
        .stream = item->stream,
        .reason = item->reason,
        .origin = "automatic",
        .note = item->note,
        .who = set->who,
        .since = set->time,
        .until = item->until,
        .trial = item->trial,
        .policy = item->policy,
        .event = item->event,
    };

    return store_suppress(store, &suppression, error);
}

/* 1 when the item still means what it meant when the plan was made. A set's own
 * changes, those after upto, do not count: one key may have several streams. */
static int holds(struct store *store, const struct plan *plan, const struct plan_item *item, int64_t upto,
                 struct error *error)
{
    struct statements *statements = &store->set_statements;
    int found = ask(store, CHANGED_SINCE, statement_bind(statements, CHANGED_SINCE, error, "tii", item->key, plan->seen,
                                                         upto), error);

    if (found)
        return found < 0 ? -1 : 0;
    if (!item->reason)
        return ask(store, OURS, statement_bind(statements, OURS, error, "tti", item->key, item->stream, item->event),
                   error);
    found = ask(store, STANDS, statement_bind(statements, STANDS, error, "tt", item->key, item->stream), error);
    return found < 0 ? -1 : !found;
}

static int apply_one(struct store *store, const struct plan *plan, const struct plan_item *item, int64_t upto,
                     struct store_set *set, struct error *error)
{
    int held = holds(store, plan, item, upto, error);

    if (held < 0)
        return -1;
    if (!held)
        set->skipped++;
    else if (item->reason)
        set->suppressed++;
    else
        set->released++;
    if (!held)
        return 0;
    return item->reason ? suppress(store, item, set, error) : release(store, item, set, error);
}

static char *column(sqlite3_stmt *stmt, int at)
{
    return (char *)(uintptr_t)sqlite3_column_text(stmt, at);
}

/* The set has another part from here on. */
static int divide(struct store *store, struct store_set *set, struct error *error)
{
    if (store_set_end(store, set, error))
        return -1;
    set->suppressed = set->released = set->skipped = 0;
    return store_set_begin(store, set, error);
}

int store_apply(struct store *store, const struct plan *plan, struct store_set *set, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->set_statements, STAGED_EACH, error, "i", plan->token);
    int64_t upto = set->after_change;
    int row = -1;

    for (int count = 1; stmt && (row = statement_step(&store->set_statements, STAGED_EACH, error)) > 0; count++) {
        const struct plan_item item = {
            .event = sqlite3_column_int64(stmt, 0),
            .until = sqlite3_column_int64(stmt, 1),
            .trial = sqlite3_column_int64(stmt, 2),
            .key = column(stmt, 3),
            .stream = column(stmt, 4),
            .reason = column(stmt, 5),
            .policy = column(stmt, 6),
            .note = column(stmt, 7),
        };

        if (apply_one(store, plan, &item, upto, set, error) || (count % PART_ITEMS == 0 && divide(store, set, error))) {
            statement_reset(&store->set_statements, STAGED_EACH);
            return -1;
        }
    }
    return row < 0 ? -1 : statement_run(&store->set_statements, STAGED_DONE, error, "i", plan->token);
}
