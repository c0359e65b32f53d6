/* See store.h: results are let go of when they are old and nobody needs them. */
#include "config.h"

#include "daemon/ledger/store_private.h"

#define ROWS 1000        /* results that are looked at in one call */
#define TAKEN_ROWS 100000 /* of taken, likewise */
#define TAKEN_KEEP (366 * 86400) /* seconds: incident.c asks who took mail within a year */

enum {
    OLD, OLD_UNPROVEN, EVENT_DROP, ADDRESS_DROP, REPLY_DROP, HELD_DROP, WAITED_CHANGE, WAITED, TAKEN_UPTO, TAKEN_DROP,
    STATEMENTS
};

/* Needed: the evidence of a change or a suppression, and the last of a bounce
 * record. Every suppression in force has its change. */
#define PAST "SELECT id, time, address, coalesce(reply, 0), EXISTS (SELECT 1 FROM change c WHERE c.event = e.id)" \
             " OR EXISTS (SELECT 1 FROM suppression s WHERE s.event = e.id)"                                      \
             " OR EXISTS (SELECT 1 FROM held h WHERE h.event = e.id)"                                             \
             " OR EXISTS (SELECT 1 FROM bounce b WHERE b.last_event = e.id) FROM event e"
/* In the order in which both statements must take them. */
#define WAITED_FOR_LONG "state = 'waiting' AND changed < ?1 ORDER BY changed, incident, key, stream LIMIT ?2"

static const char *const sql[STATEMENTS] = {
    [OLD] = PAST " WHERE (time, id) > (?1, ?2) AND time < ?3 ORDER BY time, id LIMIT ?4",
    [OLD_UNPROVEN] = PAST " WHERE trusted = 0 AND (time, id) > (?1, ?2) AND time < ?3 ORDER BY time, id LIMIT ?4",
    [EVENT_DROP] = "DELETE FROM event WHERE id = ?1",
    [ADDRESS_DROP] =
        "DELETE FROM address WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM event WHERE address = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM bounce WHERE address = ?1)",
    [HELD_DROP] =
        "DELETE FROM held WHERE (incident, key, stream) IN (SELECT incident, key, stream FROM held"
        " WHERE state IN ('confirmed', 'dropped') AND state <> 'held' AND changed < ?1 LIMIT ?2)",
    [WAITED_CHANGE] =
        "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)"
        " SELECT key, stream, reason, ?3, until, 'automatic', event, 'incident ' || incident ||"
        " ': no result has told since', 'hygiene', 'drop' FROM held WHERE " WAITED_FOR_LONG,
    [WAITED] =
        "UPDATE held SET state = 'dropped', changed = ?3 WHERE (incident, key, stream) IN"
        " (SELECT incident, key, stream FROM held WHERE " WAITED_FOR_LONG ")",
    [TAKEN_UPTO] =
        "SELECT coalesce((SELECT hash FROM taken WHERE hash > ?1 ORDER BY hash LIMIT 1 OFFSET ?2), 9223372036854775807)",
    [TAKEN_DROP] = "DELETE FROM taken WHERE hash > ?1 AND hash <= ?2 AND day < ?3",
    [REPLY_DROP] = "DELETE FROM reply WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM event WHERE reply = ?1)",
};

struct old {
    int64_t id, address, reply;
};

void store_retain_prepare(struct store *store)
{
    statements_init(&store->retain_statements, store->db, store->veil, sql, STATEMENTS);
}

int store_drop_event(struct store *store, int64_t id, int64_t address, int64_t reply, struct error *error)
{
    struct statements *statements = &store->retain_statements;

    if (statement_run(statements, EVENT_DROP, error, "i", id) ||
        (reply && statement_run(statements, REPLY_DROP, error, "i", reply)))
        return -1;
    return statement_run(statements, ADDRESS_DROP, error, "i", address);
}

/* The next old ones behind the place, which moves on: how many were looked at,
 * and which of them nobody needs. */
static int read_old(struct store *store, size_t which, int64_t before, struct store_place *place,
                    struct old old_r[ROWS], int *count_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->retain_statements, which, error, "iiii", place->time, place->id, before,
                                        (int64_t)ROWS);
    int row = -1, looked_at = 0;

    *count_r = 0;
    while (stmt && (row = statement_step(&store->retain_statements, which, error)) > 0) {
        looked_at++;
        place->id = sqlite3_column_int64(stmt, 0);
        place->time = sqlite3_column_int64(stmt, 1);
        if (!sqlite3_column_int(stmt, 4))
            old_r[(*count_r)++] = (struct old){place->id, sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3)};
    }
    return row < 0 ? -1 : looked_at;
}

/* Those that are needed stay in front, so the next call goes on behind them; at
 * the end the place goes back to the beginning. */
static int retain(struct store *store, size_t which, int64_t before, struct store_place *place, struct error *error)
{
    struct old old[ROWS];
    int count, looked_at = read_old(store, which, before, place, old, &count, error);

    if (looked_at < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (store_drop_event(store, old[i].id, old[i].address, old[i].reply, error))
            return -1;
    if (looked_at == ROWS)
        return 1;
    *place = STORE_PLACE_FIRST;
    return 0;
}

/* What an incident held: decided, or waiting for a result that never came. */
static int retain_held(struct store *store, int64_t before, int64_t now, struct error *error)
{
    struct statements *statements = &store->retain_statements;
    int more;

    if (statement_run(statements, HELD_DROP, error, "ii", before, (int64_t)ROWS))
        return -1;
    more = sqlite3_changes(store->db) == ROWS;
    if (statement_run(statements, WAITED_CHANGE, error, "iii", before, (int64_t)ROWS, now) ||
        statement_run(statements, WAITED, error, "iii", before, (int64_t)ROWS, now))
        return -1;
    return more | (sqlite3_changes(store->db) == ROWS);
}

/* The table has no index by day, and is walked through a piece a call: no haste. */
static int retain_taken(struct store *store, int64_t before, int64_t now, struct error *error)
{
    struct statements *statements = &store->retain_statements;
    sqlite3_stmt *stmt = statement_bind(statements, TAKEN_UPTO, error, "ii", store->taken_at, (int64_t)TAKEN_ROWS);
    int row = stmt ? statement_step(statements, TAKEN_UPTO, error) : -1;
    int64_t upto;

    if (row <= 0)
        return -1;
    upto = sqlite3_column_int64(stmt, 0);
    statement_reset(statements, TAKEN_UPTO);
    before = before < now - TAKEN_KEEP ? before : now - TAKEN_KEEP;
    if (statement_run(statements, TAKEN_DROP, error, "iii", store->taken_at, upto, before / 86400))
        return -1;
    store->taken_at = upto == INT64_MAX ? INT64_MIN : upto;
    return 0;
}

int store_retain(struct store *store, int64_t before, int64_t unproven_before, int64_t now, struct error *error)
{
    int more = retain(store, OLD, before, &store->old, error);
    int unproven = more < 0 ? -1 : retain(store, OLD_UNPROVEN, unproven_before, &store->old_unproven, error);
    int held = unproven < 0 ? -1 : retain_held(store, before, now, error);

    return held < 0 || retain_taken(store, before, now, error) ? -1 : more | unproven | held;
}
