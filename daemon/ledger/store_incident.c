/* See store.h: incidents, and what they hold. */
#include "config.h"

#include "daemon/ledger/store_private.h"

#include "base/mem.h"
#include "daemon/ledger/undecided.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INCIDENT_ADD, INCIDENT_CLOSE, INCIDENT_LIST, INCIDENT_FIND,
    LOOK_BACK, LOOK_BACK_CHANGE, LOOK_BACK_DELETE, HOLD, HOLD_CHANGE, DELIVERED_CHANGE, DELIVERED, FAILED, EVENT_CHANGE,
    EVENT_DROP, CONFIRM, CONFIRM_CHANGE, CONFIRMED, WAIT, WAIT_CHANGE, BACK_CHANGE, BACK_DELETE, BACK_HELD,
    BACK_HELD_CHANGE, STATE_PUT, STATE_GET, STATEMENTS
};

/* Held rows (h) that failed again after the incident ?1 was over by ?2, and are not
 * suppressed otherwise by now. */
#define CONFIRMS \
    " FROM held h WHERE h.incident = ?1 AND h.state = 'held' AND h.failures > 1 AND h.last_failure > ?2 AND NOT EXISTS" \
    " (SELECT 1 FROM suppression s WHERE s.key = h.key AND s.stream = h.stream AND s.state = 'enforced')"
#define UNDECIDED "state IN ('held', 'waiting')"
#define INTO_CHANGE "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)"

/* Suppressions of hygiene (s) that results of the incident ?1 (i), from ?2 on and for one
 * of the reasons ?3, have caused. */
#define OF_THE_INCIDENT \
    " FROM incident i JOIN suppression s ON s.since >= ?2 AND s.origin = 'automatic' AND s.state = 'enforced'" \
    " AND s.reason IN (SELECT value FROM json_each(?3))" \
    " JOIN event e ON e.id = s.event JOIN address a ON a.id = e.address" \
    " WHERE i.id = ?1 AND e.time >= ?2 AND iif(i.scope = 'provider', e.provider, a.domain) = i.name"

static const char *const sql[STATEMENTS] = {
    [INCIDENT_ADD] =
        "INSERT INTO incident (kind, scope, name, begun, opened, failures, usual)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7 / 1000.0)",
    [INCIDENT_CLOSE] =
        "UPDATE incident SET abnormal = ?2, closed = ?3, closed_by = ?4 WHERE id = ?1 AND closed IS NULL",
    [INCIDENT_LIST] = "SELECT id, kind, scope, name, begun, opened FROM incident WHERE closed IS NULL AND id > ?1"
                      " ORDER BY id LIMIT 1",
    [INCIDENT_FIND] = "SELECT kind, begun, closed FROM incident WHERE id = ?1",
    [LOOK_BACK] =
        "INSERT OR IGNORE INTO held (incident, key, stream, reason, since, until, event, level, trial, policy,"
        " got_through, failures, last_failure, state, changed) SELECT i.id, s.key, s.stream, s.reason, s.since,"
        " s.until, s.event, s.level, s.trial, s.policy, 1, 1, e.time, 'held', ?4" OF_THE_INCIDENT,
    [LOOK_BACK_CHANGE] =
        INTO_CHANGE " SELECT key, stream, reason, ?2, until, 'automatic', event, 'incident ' || incident, 'hygiene',"
        " 'hold' FROM held WHERE incident = ?1 AND got_through = 1",
    [LOOK_BACK_DELETE] =
        "DELETE FROM suppression WHERE origin = 'automatic' AND (key, stream) IN"
        " (SELECT key, stream FROM held WHERE incident = ?1 AND got_through = 1)",
    [HOLD] =
        "INSERT INTO held (incident, key, stream, reason, since, until, event, level, trial, policy, got_through,"
        " failures, last_failure, state, changed)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 1, ?11, 'held', ?5)"
        " ON CONFLICT (incident, key, stream) DO UPDATE SET failures = iif(state = 'held', failures, 0) + 1,"
        " last_failure = max(last_failure, excluded.last_failure), state = 'held'",
    [HOLD_CHANGE] =
        INTO_CHANGE " VALUES (?2, ?3, ?4, ?5, ?6, 'automatic', ?7, 'incident ' || ?1, 'hygiene', 'hold')",
    [DELIVERED_CHANGE] =
        INTO_CHANGE " SELECT key, stream, reason, ?3, until, 'automatic', event, 'incident ' || incident ||"
        " ': it has taken mail since', 'hygiene', 'drop' FROM held WHERE key = ?1 AND " UNDECIDED
        " AND last_failure <= ?2",
    [DELIVERED] =
        "UPDATE held SET state = 'dropped', changed = ?3 WHERE key = ?1 AND " UNDECIDED " AND last_failure <= ?2",
    [FAILED] = "UPDATE held SET state = 'confirmed', changed = ?3 WHERE key = ?1 AND stream = ?2 AND "
               UNDECIDED,
    [EVENT_CHANGE] =
        INTO_CHANGE " SELECT key, stream, reason, ?4, until, 'automatic', event, ?3, 'hygiene', 'drop'"
        " FROM held WHERE key IN (?1, ?5) AND event = ?2 AND " UNDECIDED,
    [EVENT_DROP] = "UPDATE held SET state = 'dropped', changed = ?3 WHERE key IN (?1, ?4) AND event = ?2 AND "
                   UNDECIDED,
    [CONFIRM] =
        "INSERT OR REPLACE INTO suppression (key, stream, reason, since, until, origin, event, note, level, trial,"
        " policy) SELECT h.key, h.stream, h.reason, h.since, h.until, 'automatic', h.event, '', h.level, h.trial, h.policy"
        CONFIRMS,
    [CONFIRM_CHANGE] =
        INTO_CHANGE " SELECT s.key, s.stream, s.reason, ?2, s.until, 'automatic', s.event, 'incident ' || ?1 ||"
        " ': it has failed again after it', 'hygiene', 'suppress' FROM held h JOIN suppression s ON s.key = h.key"
        " AND s.stream = h.stream AND s.event IS h.event AND s.since = h.since WHERE h.incident = ?1"
        " AND h.state = 'held' AND h.failures > 1 AND h.last_failure > ?3",
    [CONFIRMED] =
        "UPDATE held SET state = 'confirmed', changed = ?3"
        " WHERE incident = ?1 AND state = 'held' AND failures > 1 AND last_failure > ?2",
    [WAIT] = "UPDATE held SET state = 'waiting', changed = ?2 WHERE incident = ?1 AND state = 'held'",
    [WAIT_CHANGE] =
        INTO_CHANGE " SELECT key, stream, reason, ?2, until, 'automatic', event, 'incident ' || ?1 ||"
        " ' is over: the next result decides', 'hygiene', 'wait' FROM held WHERE incident = ?1 AND state = 'held'",
    [BACK_CHANGE] = /* a person's word: no later rule suppresses for the same results again */
        INTO_CHANGE " SELECT s.key, s.stream, s.reason, ?4, s.until, 'manual', s.event,"
        " 'rollback of incident ' || ?1, ?5, 'release'" OF_THE_INCIDENT " AND e.time <= ?6",
    [BACK_DELETE] =
        "DELETE FROM suppression WHERE (key, stream) IN (SELECT s.key, s.stream" OF_THE_INCIDENT " AND e.time <= ?4)",
    [BACK_HELD] = "UPDATE held SET state = 'dropped', changed = ?2 WHERE incident = ?1 AND state <> 'dropped'",
    [BACK_HELD_CHANGE] =
        INTO_CHANGE " SELECT key, stream, reason, ?2, until, 'manual', event, 'rollback of incident ' || ?1, ?3, 'drop'"
        " FROM held WHERE incident = ?1 AND " UNDECIDED,
    [STATE_PUT] = "INSERT OR REPLACE INTO incident_state (id, time, bytes) VALUES (1, ?1, ?2)",
    [STATE_GET] = "SELECT bytes FROM incident_state",
};

void store_incident_prepare(struct store *store)
{
    statements_init(&store->incident_statements, store->db, store->veil, sql, STATEMENTS);
}

#define run(store, which, error, ...) statement_run(&(store)->incident_statements, which, error, __VA_ARGS__)

int store_add_incident(struct store *store, const struct store_incident *incident, int64_t *id_r, struct error *error)
{
    if (run(store, INCIDENT_ADD, error, "tttiiii", incident->kind, incident->scope, incident->name, incident->begun,
            incident->opened, incident->failures, (int64_t)(incident->usual * 1000)))
        return -1;
    *id_r = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int store_hold_since(struct store *store, int64_t incident, int64_t from, const char *reasons, int64_t now,
                     struct error *error)
{
    int held;

    if (run(store, LOOK_BACK, error, "iiti", incident, from, reasons, now))
        return -1;
    held = sqlite3_changes(store->db);
    if (run(store, LOOK_BACK_CHANGE, error, "ii", incident, now) || run(store, LOOK_BACK_DELETE, error, "i", incident))
        return -1;
    return held;
}

int store_hold(struct store *store, int64_t incident, const struct store_suppression *s, int64_t failed,
               struct error *error)
{
    if (run(store, HOLD, error, "itttinninti", incident, s->key, s->stream, s->reason, s->since, s->until, s->event,
            (int64_t)s->level, (int64_t)s->trial, s->policy, failed))
        return -1;
    return run(store, HOLD_CHANGE, error, "itttinn", incident, s->key, s->stream, s->reason, s->since, s->until,
               s->event);
}

int store_held_delivered(struct store *store, const char *key, int64_t time, int64_t now, struct error *error)
{
    if (!undecided_may_be(store->undecided, key))
        return 0;
    if (run(store, DELIVERED_CHANGE, error, "tii", key, time, now))
        return -1;
    return sqlite3_changes(store->db) ? run(store, DELIVERED, error, "tii", key, time, now) : 0;
}

int store_held_failed(struct store *store, const char *key, const char *stream, int64_t now, struct error *error)
{
    return undecided_may_be(store->undecided, key) ? run(store, FAILED, error, "tti", key, stream, now) : 0;
}

int store_held_drop(struct store *store, const char *key, const char *domain_key, int64_t event, const char *note,
                    int64_t now, struct error *error)
{
    if (run(store, EVENT_CHANGE, error, "titit", key, event, note, now, domain_key) ||
        run(store, EVENT_DROP, error, "tiit", key, event, now, domain_key))
        return -1;
    return sqlite3_changes(store->db) > 0;
}

int store_close_incident(struct store *store, int64_t incident, int64_t abnormal, const char *who, int64_t now,
                         struct error *error)
{
    if (run(store, INCIDENT_CLOSE, error, "iiit", incident, abnormal, now, who))
        return -1;
    if (!sqlite3_changes(store->db))
        return 0;
    if (run(store, CONFIRM, error, "ii", incident, abnormal) ||
        run(store, CONFIRM_CHANGE, error, "iii", incident, now, abnormal) ||
        run(store, CONFIRMED, error, "iii", incident, abnormal, now) ||
        run(store, WAIT_CHANGE, error, "ii", incident, now) || run(store, WAIT, error, "ii", incident, now))
        return -1;
    return 1;
}

int store_rollback_incident(struct store *store, int64_t incident, const char *reasons, int64_t from, int64_t to,
                            const char *who, int64_t now, struct error *error)
{
    int released;

    if (run(store, BACK_HELD_CHANGE, error, "iit", incident, now, who) ||
        run(store, BACK_CHANGE, error, "iititi", incident, from, reasons, now, who, to))
        return -1;
    released = sqlite3_changes(store->db);
    if (run(store, BACK_DELETE, error, "iiti", incident, from, reasons, to) ||
        run(store, BACK_HELD, error, "ii", incident, now))
        return -1;
    return released;
}

static void copy_column(sqlite3_stmt *stmt, int column, char *text_r, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);

    snprintf(text_r, size, "%s", text ? text : "");
}

int store_next_incident(struct store *store, int64_t after, struct store_open *open_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->incident_statements, INCIDENT_LIST, error, "i", after);
    int row = stmt ? statement_step(&store->incident_statements, INCIDENT_LIST, error) : -1;

    if (row <= 0)
        return row;
    open_r->id = sqlite3_column_int64(stmt, 0);
    copy_column(stmt, 1, open_r->kind, sizeof(open_r->kind));
    copy_column(stmt, 2, open_r->scope, sizeof(open_r->scope));
    copy_column(stmt, 3, open_r->name, sizeof(open_r->name));
    open_r->begun = sqlite3_column_int64(stmt, 4);
    open_r->opened = sqlite3_column_int64(stmt, 5);
    statement_reset(&store->incident_statements, INCIDENT_LIST);
    return 1;
}

int store_find_incident(struct store *store, int64_t incident, struct store_open *open_r, int64_t *closed_r,
                        struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->incident_statements, INCIDENT_FIND, error, "i", incident);
    int row = stmt ? statement_step(&store->incident_statements, INCIDENT_FIND, error) : -1;

    if (row <= 0)
        return row;
    *open_r = (struct store_open){.id = incident, .begun = sqlite3_column_int64(stmt, 1)};
    copy_column(stmt, 0, open_r->kind, sizeof(open_r->kind));
    *closed_r = sqlite3_column_int64(stmt, 2);
    statement_reset(&store->incident_statements, INCIDENT_FIND);
    return 1;
}

int store_put_state(struct store *store, int64_t now, const void *bytes, size_t size, struct error *error)
{
    return run(store, STATE_PUT, error, "ib", now, bytes, size);
}

int store_get_state(struct store *store, void **bytes_r, size_t *size_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->incident_statements, STATE_GET, error, "");
    int row = stmt ? statement_step(&store->incident_statements, STATE_GET, error) : -1;

    if (row <= 0)
        return row;
    *size_r = (size_t)sqlite3_column_bytes(stmt, 0);
    *bytes_r = xmalloc(*size_r + 1);
    memcpy(*bytes_r, sqlite3_column_blob(stmt, 0), *size_r);
    statement_reset(&store->incident_statements, STATE_GET);
    return 1;
}
