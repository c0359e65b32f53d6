/* See replay.h. */
#include "config.h"

#include "daemon/ledger/replay.h"

#include "base/mem.h"
#include "daemon/ledger/incident.h"
#include "daemon/ledger/past.h"
#include "daemon/ledger/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULTS_MAX 1000
#define AGREEMENT_SPAN (30 * 86400) /* as in past.c */

enum { RESULTS, FACTS, INCIDENTS, AGREE_ADD, AGREED, DELIVERED, DOMAIN_RESULTS, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [RESULTS] =
        "SELECT * FROM (SELECT " REJUDGE_COLUMNS " FROM address a JOIN event e ON e.address = a.id"
        " WHERE a.id = ?1 AND " REJUDGE_FINAL " ORDER BY e.time DESC, e.id DESC LIMIT ?2) ORDER BY 4, 1",
    /* The newest delivery; failures that counted; when a person last released it, or its domain. */
    [FACTS] =
        "SELECT coalesce(b.delivered, 0), coalesce(b.hard + b.other, 0), (SELECT coalesce(max(c.time), 0) FROM change c"
        " WHERE c.key IN (a.key, '@' || a.domain) AND c.what IN ('release', 'drop') AND c.origin = 'manual')"
        " FROM address a LEFT JOIN bounce b ON b.address = a.id WHERE a.id = ?1",
    [INCIDENTS] =
        "SELECT kind FROM incident WHERE name = iif(scope = 'provider', ?1, ?2) AND begun <= ?3"
        " AND (closed IS NULL OR closed >= ?3)",
    [AGREE_ADD] = "INSERT OR IGNORE INTO agree (domain, name, time, event, address) VALUES (?1, ?2, ?3, ?4, ?5)",
    /* No more is read than the question needs. */
    [AGREED] =
        "SELECT (SELECT count(*) FROM (SELECT DISTINCT address FROM agree WHERE domain = ?1 AND name = ?2 AND time > ?3"
        " AND time <= ?4 AND address <> ?5 LIMIT ?6)), coalesce((SELECT min(time) FROM agree WHERE domain = ?1"
        " AND name = ?2 AND time > ?3 AND time <= ?4 AND event <> ?7), 0)",
    [DOMAIN_RESULTS] =
        "SELECT " REJUDGE_COLUMNS " FROM address a JOIN event e ON e.address = a.id WHERE a.domain = ?1 AND " REJUDGE_FINAL,
    [DELIVERED] =
        "SELECT max((SELECT coalesce(max(b.delivered), 0) FROM address a JOIN bounce b ON b.address = a.id"
        " WHERE a.domain = ?1), (SELECT coalesce(max(hour) + 3599, 0) FROM rollup WHERE domain = ?1"
        " AND action = 'delivered' AND trusted))",
};

struct replay {
    sqlite3 *db;
    struct statements statements, past_statements;
    struct rejudge *rejudge;
    const struct policy_trial *trial;
    int64_t now;
    struct replayed results[RESULTS_MAX];
    char *texts[RESULTS_MAX]; /* of these */
    int count;
    int64_t delivered, failures, released;
};

/* ---------------------------------------------------------------- its results */

/* The row's texts, which are copied one behind the other. */
static char *own_texts(struct on_record *row)
{
    const char **texts[] = {&row->status, &row->mta,    &row->action,  &row->reason,
                            &row->domain, &row->key,    &row->stream,  &row->decision};
    size_t count = sizeof(texts) / sizeof(texts[0]), size = 0;
    char *copy, *at;

    for (size_t i = 0; i < count; i++)
        size += strlen(*texts[i]) + 1;
    copy = at = xmalloc(size);
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, *texts[i]) + 1;
        *texts[i] = at - strlen(*texts[i]) - 1;
    }
    return copy;
}

static void forget(struct replay *replay)
{
    for (int i = 0; i < replay->count; i++)
        free(replay->texts[i]);
    replay->count = 0;
}

static int read_facts(struct replay *replay, int64_t address, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&replay->statements, FACTS, error, "i", address);
    int row = stmt ? statement_step(&replay->statements, FACTS, error) : -1;

    if (row <= 0)
        return row;
    replay->delivered = sqlite3_column_int64(stmt, 0);
    replay->failures = sqlite3_column_int64(stmt, 1);
    replay->released = sqlite3_column_int64(stmt, 2);
    statement_reset(&replay->statements, FACTS);
    return 0;
}

int replay_load(struct replay *replay, int64_t address, struct error *error)
{
    sqlite3_stmt *stmt;
    int row = -1;

    forget(replay);
    if (read_facts(replay, address, error))
        return -1;
    stmt = statement_bind(&replay->statements, RESULTS, error, "ii", address, (int64_t)RESULTS_MAX);
    while (stmt && (row = statement_step(&replay->statements, RESULTS, error)) > 0) {
        struct replayed *result = &replay->results[replay->count];

        result->row = rejudge_row(stmt);
        replay->texts[replay->count++] = own_texts(&result->row);
    }
    for (int i = 0; i < replay->count && !row; i++)
        row = rejudge_find(replay->rejudge, &replay->results[i].row, &replay->results[i].today, error);
    return row ? -1 : replay->count;
}

const struct replayed *replay_result(const struct replay *replay, int which)
{
    return &replay->results[which];
}

int replay_is_pruned(const struct replay *replay)
{
    int64_t failed = 0;

    for (int i = 0; i < replay->count; i++)
        failed += replay->results[i].today.facts.action == ACTION_FAILED;
    return failed < replay->failures;
}

/* ----------------------------------------------------------------- the history */

/* Is this reason one of those that count under the rule's name? */
static int is_named(enum reason reason, const char *name)
{
    return !strcmp(reason_info(reason)->name, name) || !strcmp(reason_info(reason)->family, name);
}

static void count_failures(const struct replay *replay, int which, int64_t after, struct hygiene_history *history)
{
    const char *name = replay->results[which].today.rule.name;

    for (int i = 0; i < which; i++) {
        const struct replayed *other = &replay->results[i];

        if (!other->today.acts || other->today.facts.action != ACTION_FAILED || other->row.time <= after ||
            other->row.recorded <= replay->released || !is_named(other->today.verdict.reason, name))
            continue;
        if (!history->failures++)
            history->first = other->row.time;
    }
}

int replay_note_domain(struct replay *replay, const struct on_record *row, const struct rejudged *today,
                       struct error *error)
{
    return statement_run(&replay->statements, AGREE_ADD, error, "ttiii", row->domain, today->rule.name, row->time,
                         row->event, row->address);
}

static int domain_delivered(struct replay *replay, const char *domain, int64_t *time_r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&replay->statements, DELIVERED, error, "t", domain);
    int row = stmt ? statement_step(&replay->statements, DELIVERED, error) : -1;

    if (row <= 0)
        return -1;
    *time_r = sqlite3_column_int64(stmt, 0);
    statement_reset(&replay->statements, DELIVERED);
    return 0;
}

static int count_agreeing(struct replay *replay, const struct replayed *result, int64_t after,
                          struct hygiene_history *history, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&replay->statements, AGREED, error, "ttiiiii", result->row.domain,
                                        result->today.rule.name, after, result->row.time, result->row.address,
                                        (int64_t)result->today.rule.recipients, result->row.event);

    if (!stmt || statement_step(&replay->statements, AGREED, error) <= 0)
        return -1;
    history->recipients = sqlite3_column_int(stmt, 0);
    history->domain_first = sqlite3_column_int64(stmt, 1);
    statement_reset(&replay->statements, AGREED);
    return 0;
}

/* As in past.c; and a delivery since makes it old news. */
static int count_domain(struct replay *replay, const struct replayed *result, struct hygiene_history *history,
                        struct error *error)
{
    int64_t after = result->row.time - AGREEMENT_SPAN, delivered;

    if (count_agreeing(replay, result, after, history, error))
        return -1;
    if (!hygiene_domain_agrees(&result->today.rule, history, result->row.time))
        return 0;
    if (domain_delivered(replay, result->row.domain, &delivered, error))
        return -1;
    if (delivered > result->row.time && delivered > history->delivered)
        history->delivered = delivered;
    return delivered > after && delivered < result->row.time ? count_agreeing(replay, result, delivered, history, error)
                                                             : 0;
}

/* Was an incident open when it failed, which would have held it? 1, 0, -1. */
static int was_held(struct replay *replay, const struct replayed *result, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&replay->statements, INCIDENTS, error, "tti", result->today.verdict.provider,
                                        result->row.domain, result->row.time);
    int row = -1, held = 0;

    while (stmt && (row = statement_step(&replay->statements, INCIDENTS, error)) > 0) {
        enum incident_kind kind;

        held |= incident_kind_from_name((const char *)sqlite3_column_text(stmt, 0), &kind) &&
                incident_concerns(kind, result->today.verdict.reason);
    }
    return row < 0 ? -1 : held;
}

/* ----------------------------------------------------------------- the decision */

static void decide(const struct replay *replay, const struct replayed *result, const struct hygiene_facts *facts,
                   const struct hygiene_history *history, struct decision *decision_r)
{
    hygiene_decide(&result->today.verdict, facts, &result->today.rule, replay->trial, history, decision_r);
}

/* What stands and who is allowed, as the writer would ask; failures are counted here. */
static int read_standing(struct replay *replay, const struct replayed *result, struct hygiene_history *history_r,
                         struct error *error)
{
    struct policy_rule rule = result->today.rule;
    const struct past_question question = {
        .key = result->row.key, .domain = result->row.domain, .stream = result->row.stream, .rule = &rule,
        .time = result->row.time, .now = replay->now};

    rule.action = POLICY_SUPPRESS;
    rule.scope = POLICY_ADDRESS;
    return past_read(&replay->past_statements, &question, history_r, error);
}

int replay_would_add(struct replay *replay, int which, struct decision *decision_r, struct error *error)
{
    const struct replayed *result = &replay->results[which];
    struct hygiene_history history;
    int held;

    *decision_r = (struct decision){.kind = DECISION_NONE};
    if (!result->today.acts || result->row.recorded <= replay->released)
        return 0;
    if (read_standing(replay, result, &history, error) || (held = was_held(replay, result, error)) < 0)
        return -1;
    if (history.standing.exists && history.standing.state == STATE_ENFORCED)
        return 0; /* stands, or is on trial, which the next result decides */
    history.incident = held ? "an incident" : NULL;
    count_failures(replay, which, history.delivered, &history);
    if (result->today.rule.scope == POLICY_DOMAIN && count_domain(replay, result, &history, error))
        return -1;
    decide(replay, result, &result->today.facts, &history, decision_r);
    return 0;
}

int replay_bears_out(struct replay *replay, int64_t event, struct decision *decision_r, struct error *error)
{
    *decision_r = (struct decision){.kind = DECISION_NONE};
    for (int i = 0; i < replay->count; i++) {
        const struct replayed *result = &replay->results[i];
        struct hygiene_history history = {0};
        struct hygiene_facts facts = result->today.facts;
        struct decision decision;

        if (result->row.recorded <= replay->released && result->row.event != event)
            continue;
        facts.now = facts.time; /* how long it lasts is not asked */
        count_failures(replay, i, replay->delivered < facts.time ? replay->delivered : 0, &history);
        if (result->today.rule.scope == POLICY_DOMAIN && count_domain(replay, result, &history, error))
            return -1;
        history.delivered = 0;
        decide(replay, result, &facts, &history, &decision);
        if (decision.kind == DECISION_SUPPRESS)
            return 1;
        if (result->row.event == event)
            *decision_r = decision;
    }
    return 0;
}

int replay_domain_is_blamed(struct replay *replay, const char *domain, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&replay->statements, DOMAIN_RESULTS, error, "t", domain);
    int row = -1;

    while (stmt && (row = statement_step(&replay->statements, DOMAIN_RESULTS, error)) > 0) {
        const struct on_record result = rejudge_row(stmt);
        struct rejudged today;
        int failed = rejudge_find(replay->rejudge, &result, &today, error);

        if (failed || (today.acts && today.rule.scope == POLICY_DOMAIN)) {
            statement_reset(&replay->statements, DOMAIN_RESULTS);
            return failed ? -1 : 1;
        }
    }
    return row;
}

struct replay *replay_open(sqlite3 *db, struct veil *veil, struct rejudge *rejudge, const struct policy_trial *trial,
                           int64_t now)
{
    struct replay *replay = xcalloc(1, sizeof(*replay));

    replay->db = db;
    replay->rejudge = rejudge;
    replay->trial = trial;
    replay->now = now;
    statements_init(&replay->statements, db, veil, sql, STATEMENTS);
    past_prepare(&replay->past_statements, db, veil);
    return replay;
}

void replay_close(struct replay **replay)
{
    struct replay *old = *replay;

    *replay = NULL;
    if (!old)
        return;
    forget(old);
    statements_clear(&old->statements);
    statements_clear(&old->past_statements);
    free(old);
}
