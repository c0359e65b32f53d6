/* See store.h: delivery results, who has told of them, and their counts. */
#include "config.h"

#include "daemon/ledger/store_private.h"

#include "base/mem.h"
#include "daemon/ledger/tally.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVENT_ADD, EVENT_BY_KEY, EVENT_BY_MESSAGE, EVENT_SEEN, EVENT_PUT, BOUNCE_COUNT, BOUNCE_MOVE,
    CHANGE_RELEASE, RELEASE, ROLLUP_ADD, ROLLUP_OLDEST, ROLLUP_FOLD, ROLLUP_FOLDED, STATEMENTS
};

/* In the order of known_read. */
#define KNOWN \
    "SELECT e.id, e.time, e.recorded, e.address, e.ruleset, coalesce(e.reply, 0), coalesce(e.code, 0), e.trusted," \
    " e.original_recipient, e.action, e.reason, e.persistence, e.rule, e.provider, e.status, e.stage," \
    " e.reporting_mta, e.remote_mta, e.message_key, e.queue_id, e.message_id, e.sender, e.stream, e.source," \
    " e.evidence, e.decision, e.sentence, p.text" \
    " FROM event e LEFT JOIN reply p ON p.id = e.reply"
#define KNOWN_NUMBERS 8
#define OF_KEY " WHERE e.message_key = ?1 AND e.address = ?2 AND e.action = ?3"

/* What event ?1 caused: by the keys that it can have, for no index has the event. */
#define OF_EVENT \
    "key IN (SELECT a.key FROM event e JOIN address a ON a.id = e.address WHERE e.id = ?1 UNION ALL" \
    " SELECT '@' || a.domain FROM event e JOIN address a ON a.id = e.address WHERE e.id = ?1)" \
    " AND origin = 'automatic' AND event = ?1"

static const char *const sql[STATEMENTS] = {
    [EVENT_ADD] =
        "INSERT INTO event (time, recorded, address, original_recipient, action, reason, persistence,"
        " rule, ruleset, provider, code, status, stage, reply, reporting_mta, remote_mta, message_key,"
        " queue_id, message_id, sender, stream, source, evidence, trusted, decision, sentence, told_by)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
        " ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?22 || '/' || ?23)",
    [EVENT_BY_KEY] =
        /* Those that count first; ORDER BY would sort for every result, of which hardly any is known. */
        KNOWN OF_KEY " AND e.trusted AND (?5 = 'proved' AND e.evidence = 'proved'"
        " OR e.reporting_mta = ?4 COLLATE NOCASE OR ?4 <> '' AND e.reporting_mta <> ''"
        " AND (instr(lower(e.reporting_mta), lower(?4) || '.') = 1"
        " OR instr(lower(?4), lower(e.reporting_mta) || '.') = 1)) UNION ALL " KNOWN OF_KEY " AND NOT e.trusted",
    [EVENT_BY_MESSAGE] =
        KNOWN " WHERE e.message_id = ?1 AND e.address = ?2 AND e.action = ?3 AND (?4 OR e.evidence <> 'local')"
        " ORDER BY e.trusted DESC, e.id DESC LIMIT 1",
    [EVENT_SEEN] =
        "UPDATE event SET witnesses = witnesses + 1, told_by = CASE"
        " WHEN instr(', ' || told_by || ', ', ', ' || ?2 || '/' || ?3 || ', ') THEN told_by"
        " ELSE told_by || ', ' || ?2 || '/' || ?3 END WHERE id = ?1",
    [EVENT_PUT] =
        "UPDATE event SET original_recipient = ?2, reason = ?3, persistence = ?4, rule = ?5, ruleset = ?6,"
        " provider = ?7, code = ?8, status = ?9, stage = ?10, reply = ?11, reporting_mta = ?12,"
        " remote_mta = ?13, message_key = ?14, queue_id = ?15, message_id = ?16, sender = ?17, stream = ?18,"
        " source = ?19, evidence = ?20, trusted = ?21, decision = ?22, sentence = ?23, time = ?24 WHERE id = ?1",
    [BOUNCE_COUNT] =
        "INSERT INTO bounce (address, hard, other, first, last, last_event) VALUES (?1, ?2, ?3, ?4, ?4, ?5)"
        " ON CONFLICT (address) DO UPDATE SET hard = hard + excluded.hard, other = other + excluded.other,"
        " last = max(last, excluded.last), last_event = excluded.last_event",
    [BOUNCE_MOVE] = "UPDATE bounce SET hard = hard + ?2, other = other - ?2 WHERE address = ?1",
    [CHANGE_RELEASE] =
        "INSERT INTO change (key, stream, reason, time, until, origin, event, note, who, what)"
        " SELECT key, stream, reason, ?2, until, 'automatic', event, ?3, 'hygiene', 'release'"
        " FROM suppression WHERE " OF_EVENT,
    [RELEASE] = "DELETE FROM suppression WHERE " OF_EVENT,
    [ROLLUP_ADD] =
        "INSERT INTO rollup (hour, provider, domain, stream, action, reason, trusted, attempts, reports)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT (hour, provider, domain, stream, action, reason, trusted)"
        " DO UPDATE SET attempts = attempts + excluded.attempts, reports = reports + excluded.reports",
    [ROLLUP_OLDEST] = "SELECT hour FROM rollup WHERE hour < ?1 ORDER BY hour LIMIT 1",
    [ROLLUP_FOLD] =
        "INSERT INTO rollup_day (day, provider, stream, action, reason, trusted, attempts, reports)"
        " SELECT ?1 / 86400 * 86400, provider, stream, action, reason, trusted, sum(attempts), sum(reports)"
        " FROM rollup WHERE hour = ?1 GROUP BY 1, 2, 3, 4, 5, 6"
        " ON CONFLICT (day, provider, stream, action, reason, trusted)"
        " DO UPDATE SET attempts = attempts + excluded.attempts, reports = reports + excluded.reports",
    [ROLLUP_FOLDED] = "DELETE FROM rollup WHERE hour = ?1",
};

void store_event_prepare(struct store *store)
{
    statements_init(&store->event_statements, store->db, store->veil, sql, STATEMENTS);
}

int store_add_event(struct store *store, const struct store_event *event, int64_t *id_r, struct error *error)
{
    if (statement_run(
            &store->event_statements, EVENT_ADD, error, "iiizttt" "ziznzzn" "tztzztttt" "itt", event->time,
            event->recorded, event->address, event->original_recipient, event->action, event->reason,
            event->persistence, event->rule, event->ruleset, event->provider, (int64_t)event->code,
            event->status, event->stage, event->reply, event->reporting_mta, event->remote_mta,
            event->message_key, event->queue_id, event->message_id, event->sender, event->stream,
            event->source, event->evidence, (int64_t)event->trusted, event->decision, event->sentence))
        return -1;
    *id_r = sqlite3_last_insert_rowid(store->db);
    return 0;
}

static const char *column_text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);

    return text ? (const char *)text : "";
}

/* Copies, for the row is about to change. */
static void known_read(sqlite3_stmt *stmt, struct store_known *known_r)
{
    struct store_event *event = &known_r->event;
    const char **const texts[STORE_KNOWN_TEXTS] = {
        &event->original_recipient, &event->action, &event->reason, &event->persistence, &event->rule,
        &event->provider, &event->status, &event->stage, &event->reporting_mta, &event->remote_mta,
        &event->message_key, &event->queue_id, &event->message_id, &event->sender, &event->stream,
        &event->source, &event->evidence, &event->decision, &event->sentence, &known_r->reply,
    };

    memset(known_r, 0, sizeof(*known_r));
    known_r->id = sqlite3_column_int64(stmt, 0);
    event->time = sqlite3_column_int64(stmt, 1);
    event->recorded = sqlite3_column_int64(stmt, 2);
    event->address = sqlite3_column_int64(stmt, 3);
    event->ruleset = sqlite3_column_int64(stmt, 4);
    event->reply = sqlite3_column_int64(stmt, 5);
    event->code = sqlite3_column_int(stmt, 6);
    event->trusted = sqlite3_column_int(stmt, 7);
    for (int i = 0; i < STORE_KNOWN_TEXTS; i++)
        *texts[i] = known_r->owned[i] = xstrdup(column_text(stmt, KNOWN_NUMBERS + i));
}


/* The row of a bound statement: 1, 0, -1. */
static int read_known(struct store *store, size_t which, sqlite3_stmt *stmt, struct store_known *known_r,
                      struct error *error)
{
    int row = stmt ? statement_step(&store->event_statements, which, error) : -1;

    if (row > 0) {
        known_read(stmt, known_r);
        statement_reset(&store->event_statements, which);
    }
    return row;
}

int store_find_event(struct store *store, const struct store_event *event, int local,
                     struct store_known *known_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->event_statements, EVENT_BY_KEY, error, "tittt", event->message_key,
                                        event->address, event->action, event->reporting_mta, event->evidence);
    int found = read_known(store, EVENT_BY_KEY, stmt, known_r, error);

    if (found || !event->message_id || !*event->message_id)
        return found;
    stmt = statement_bind(&store->event_statements, EVENT_BY_MESSAGE, error, "titi", event->message_id,
                          event->address, event->action, (int64_t)!local);
    return read_known(store, EVENT_BY_MESSAGE, stmt, known_r, error);
}

void store_known_clear(struct store_known *known)
{
    for (int i = 0; i < STORE_KNOWN_TEXTS; i++)
        free(known->owned[i]);
    memset(known, 0, sizeof(*known));
}

int store_add_witness(struct store *store, int64_t id, const char *source, const char *evidence, struct error *error)
{
    return statement_run(&store->event_statements, EVENT_SEEN, error, "itt", id, source, evidence);
}

int store_put_event(struct store *store, int64_t id, const struct store_event *event, struct error *error)
{
    return statement_run(
        &store->event_statements, EVENT_PUT, error, "izttziznzzn" "tztzzzttti" "tti", id, event->original_recipient,
        event->reason, event->persistence, event->rule, event->ruleset, event->provider, (int64_t)event->code,
        event->status, event->stage, event->reply, event->reporting_mta, event->remote_mta, event->message_key,
        event->queue_id, event->message_id, event->sender, event->stream, event->source, event->evidence,
        (int64_t)event->trusted, event->decision, event->sentence, event->time);
}

int store_count_bounce(struct store *store, int64_t address, int hard, int64_t time, int64_t event,
                       struct error *error)
{
    return statement_run(&store->event_statements, BOUNCE_COUNT, error, "iiiii", address,
                         (int64_t)(hard ? 1 : 0), (int64_t)(hard ? 0 : 1), time, event);
}

int store_move_bounce(struct store *store, int64_t address, int hard, struct error *error)
{
    return statement_run(&store->event_statements, BOUNCE_MOVE, error, "ii", address, (int64_t)hard);
}

int store_release_event(struct store *store, int64_t event, const char *note, int64_t now, struct error *error)
{
    if (statement_run(&store->event_statements, CHANGE_RELEASE, error, "iit", event, now, note) ||
        statement_run(&store->event_statements, RELEASE, error, "i", event))
        return -1;
    return sqlite3_changes(store->db) > 0;
}

int store_count(struct store *store, const struct bucket *bucket, struct error *error)
{
    return statement_run(&store->event_statements, ROLLUP_ADD, error, "itttttiii", bucket->time, bucket->provider,
                         bucket->domain, bucket->stream, bucket->action, bucket->reason,
                         (int64_t)bucket->trusted, bucket->attempts, bucket->reports);
}

int store_fold(struct store *store, int64_t before, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&store->event_statements, ROLLUP_OLDEST, error, "i", before);
    int row = stmt ? statement_step(&store->event_statements, ROLLUP_OLDEST, error) : -1;
    int64_t hour;

    if (row <= 0)
        return row;
    hour = sqlite3_column_int64(stmt, 0);
    statement_reset(&store->event_statements, ROLLUP_OLDEST);
    if (statement_run(&store->event_statements, ROLLUP_FOLD, error, "i", hour) ||
        statement_run(&store->event_statements, ROLLUP_FOLDED, error, "i", hour))
        return -1;
    return 1;
}
