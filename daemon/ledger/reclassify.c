/* See reclassify.h. */
#include "config.h"

#include "daemon/ledger/reclassify.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/rejudge.h"
#include "daemon/ledger/replay.h"
#include "daemon/ledger/statement.h"
#include "daemon/ledger/veil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 1000
#define STEP_ROWS 5000      /* events that are looked at in one step ... */
#define STEP_RECIPIENTS 200 /* ... recipients, and suppressions */
#define LOOK_BACK (30 * 86400) /* results of a domain agree over so long */

enum {
    LAST, RESULTS, RELEASED, CANDIDATE, CANDIDATES, CANDIDATE_COUNT, SUPPRESSIONS, FOUND, EACH, STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [LAST] =
        "SELECT (SELECT coalesce(max(id), 0) FROM event), (SELECT coalesce(max(id), 0) FROM change),"
        " (SELECT count(*) FROM suppression)",
    [RESULTS] =
        "SELECT " REJUDGE_COLUMNS " FROM event e JOIN address a ON a.id = e.address"
        " WHERE e.id > ?1 AND e.id <= ?2 AND " REJUDGE_FINAL " AND e.time >= ?3 ORDER BY e.id",
    [RELEASED] =
        "SELECT 1 FROM change WHERE event = ?1 AND what = 'release' AND origin = 'automatic' AND who <> 'hygiene' LIMIT 1",
    [CANDIDATE] = "INSERT OR IGNORE INTO candidate (address) VALUES (?1)",
    [CANDIDATES] = "SELECT address FROM candidate WHERE address > ?1 ORDER BY address LIMIT ?2",
    [CANDIDATE_COUNT] = "SELECT count(*) FROM candidate",
    [SUPPRESSIONS] =
        "SELECT " REJUDGE_COLUMNS ", s.stream, s.key, s.origin = 'automatic' AND s.state = 'enforced' AND e.time >= ?3"
        " AND (s.until IS NULL OR s.until > ?4) FROM suppression s LEFT JOIN event e ON e.id = s.event"
        " LEFT JOIN address a ON a.id = e.address WHERE (s.key, s.stream) > (?1, ?2) ORDER BY s.key, s.stream LIMIT ?5",
    [FOUND] =
        "INSERT OR IGNORE INTO found (key, stream, was, reason, rule, event, release, until, trial, policy, note)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [EACH] =
        "SELECT f.key, f.stream, f.was, f.reason, f.rule, f.event, f.release, f.until, f.trial, f.policy, f.note,"
        " coalesce(p.text, '') FROM found f LEFT JOIN event e ON e.id = f.event LEFT JOIN reply p ON p.id = e.reply"
        " ORDER BY f.key, f.stream",
};

static const char tables[] =
    "CREATE TEMP TABLE found (key TEXT, stream TEXT, was TEXT, reason TEXT, rule TEXT, event INTEGER, release INTEGER,"
    " until INTEGER, trial INTEGER, policy TEXT, note TEXT, PRIMARY KEY (key, stream)) WITHOUT ROWID;"
    "CREATE TEMP TABLE candidate (address INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE agree (domain TEXT, name TEXT, time INTEGER, event INTEGER, address INTEGER,"
    " PRIMARY KEY (domain, name, time, event)) WITHOUT ROWID;";

struct reclassify {
    sqlite3 *db;
    struct veil *veil; /* open: who is asked for was read here, as it is stored */
    struct statements statements;
    struct rejudge *rejudge;
    struct replay *replay;
    struct policy *policy;
    int64_t since, now, seen, last, suppressions;
    int (*step)(struct reclassify *r, struct error *error); /* of the pass under way */
    int64_t at;         /* events or candidates up to this one have been looked at */
    char *key, *stream; /* suppressions up to this one have been */
    struct reclassify_progress progress;
};

static const char *text(sqlite3_stmt *stmt, int at)
{
    const unsigned char *value = sqlite3_column_text(stmt, at);

    return value ? (const char *)value : "";
}

/* -------------------------------------------------------------------- findings */

static int found(struct reclassify *r, const char *key, const char *stream, const struct on_record *row,
                 const struct rejudged *today, const struct decision *decision, int is_release, struct error *error)
{
    const char *reason = reason_info(today->verdict.reason)->name;
    int64_t until = decision->until && !is_release ? decision->until - r->now + row->time : 0;
    char note[500];

    snprintf(note, sizeof(note), "rules %s (%s): %s; it was %s", rejudge_version(r->rejudge),
             *today->verdict.rule ? today->verdict.rule : "no rule", decision->sentence, row->reason);
    if (statement_run(&r->statements, FOUND, error, "tttttiiiitt", key, stream, row->reason, reason, today->verdict.rule,
                      row->event, (int64_t)is_release, until, (int64_t)policy_trial(r->policy)->sends, today->rule.where,
                      note))
        return -1;
    if (sqlite3_changes(r->db))
        (*(is_release ? &r->progress.release : &r->progress.add))++;
    return 0;
}

/* ------------------------------------------- first pass: which recipients to ask? */

/* May it suppress today, though it did not then, or no longer does because earlier
 * rules were run over it? Of those that count together only all of them tell. 1, 0, -1. */
static int may_add(struct reclassify *r, const struct on_record *row, const struct rejudged *today, struct error *error)
{
    int released;

    if (!today->acts || today->rule.mode != POLICY_ENFORCE ||
        (today->rule.action != POLICY_SUPPRESS && today->rule.action != POLICY_COUNT) || row->time < r->since)
        return 0;
    if (strcmp(row->decision, decision_name(DECISION_SUPPRESS)) != 0)
        return 1;
    if (!statement_bind(&r->statements, RELEASED, error, "i", row->event))
        return -1;
    if ((released = statement_step(&r->statements, RELEASED, error)) > 0)
        statement_reset(&r->statements, RELEASED);
    return released;
}

static int look_at_result(struct reclassify *r, const struct on_record *row, struct error *error)
{
    struct rejudged today;
    int may;

    if (rejudge_find(r->rejudge, row, &today, error))
        return -1;
    if (today.acts && today.rule.scope == POLICY_DOMAIN && today.facts.action == ACTION_FAILED &&
        replay_note_domain(r->replay, row, &today, error))
        return -1;
    if ((may = may_add(r, row, &today, error)) <= 0)
        return may;
    return statement_run(&r->statements, CANDIDATE, error, "i", row->address);
}

static int step_recipients(struct reclassify *r, struct error *error);
static int step_suppressions(struct reclassify *r, struct error *error);

static int end_of_results(struct reclassify *r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&r->statements, CANDIDATE_COUNT, error, "");

    if (!stmt || statement_step(&r->statements, CANDIDATE_COUNT, error) <= 0)
        return -1;
    r->progress.total += (uint64_t)sqlite3_column_int64(stmt, 0);
    statement_reset(&r->statements, CANDIDATE_COUNT);
    r->step = step_recipients;
    r->at = INT64_MIN;
    return 1;
}

static int step_results(struct reclassify *r, struct error *error)
{
    int64_t upto = r->at + STEP_ROWS < r->last ? r->at + STEP_ROWS : r->last;
    int64_t from = r->since > INT64_MIN + LOOK_BACK ? r->since - LOOK_BACK : r->since;
    sqlite3_stmt *stmt = statement_bind(&r->statements, RESULTS, error, "iii", r->at, upto, from);
    int row = -1;

    while (stmt && (row = statement_step(&r->statements, RESULTS, error)) > 0) {
        const struct on_record result = rejudge_row(stmt);

        if (look_at_result(r, &result, error)) {
            statement_reset(&r->statements, RESULTS);
            return -1;
        }
    }
    r->progress.done += (uint64_t)(upto - r->at);
    r->at = upto;
    return row < 0 ? -1 : upto == r->last ? end_of_results(r, error) : 1;
}

/* ------------------------------------------------ second pass: who would be added? */

/* The key of a domain is its "@" in the address and all behind it. */
static const char *key_of(const struct on_record *row, enum policy_scope scope)
{
    return scope == POLICY_DOMAIN ? row->key + strlen(row->key) - strlen(row->domain) - 1 : row->key;
}

/* The newest result speaks first. */
static int look_at_recipient(struct reclassify *r, int64_t address, struct error *error)
{
    int count = replay_load(r->replay, address, error);

    r->progress.replayed++;
    for (int i = count - 1; i >= 0; i--) {
        const struct replayed *result = replay_result(r->replay, i);
        struct decision decision;
        int may = may_add(r, &result->row, &result->today, error);

        if (!may)
            continue;
        if (may < 0 || replay_would_add(r->replay, i, &decision, error))
            return -1;
        if (decision.kind == DECISION_SUPPRESS &&
            found(r, key_of(&result->row, decision.scope), decision.streams == POLICY_ONE_STREAM ? result->row.stream : "",
                  &result->row, &result->today, &decision, 0, error))
            return -1;
    }
    return count < 0 ? -1 : 0;
}

static int step_recipients(struct reclassify *r, struct error *error)
{
    int64_t addresses[STEP_RECIPIENTS];
    sqlite3_stmt *stmt = statement_bind(&r->statements, CANDIDATES, error, "ii", r->at, (int64_t)STEP_RECIPIENTS);
    int row = -1, count = 0;

    while (stmt && (row = statement_step(&r->statements, CANDIDATES, error)) > 0)
        addresses[count++] = sqlite3_column_int64(stmt, 0);
    for (int i = 0; i < count && !row; i++)
        row = look_at_recipient(r, r->at = addresses[i], error);
    r->progress.done += (uint64_t)count;
    if (count < STEP_RECIPIENTS)
        r->step = step_suppressions;
    return row < 0 ? -1 : 1;
}

/* ------------------------------------------ third pass: what rests on nothing any more? */

static int stands_at_once(const struct rejudged *today, int is_domain)
{
    return today->acts && today->rule.mode == POLICY_ENFORCE && today->rule.action == POLICY_SUPPRESS &&
           (today->rule.scope == POLICY_DOMAIN) == is_domain;
}

/* Is the suppression of this row's recipient, or its domain, borne out? 1; 0 and why not; -1. */
static int is_borne_out(struct reclassify *r, const struct on_record *row, const struct rejudged *today, int is_domain,
                        struct decision *decision_r, struct error *error)
{
    int result;

    if (replay_load(r->replay, row->address, error) < 0)
        return -1;
    r->progress.replayed++;
    if ((result = replay_bears_out(r->replay, row->event, decision_r, error)))
        return result;
    if (is_domain)
        return replay_domain_is_blamed(r->replay, row->domain, error);
    return today->acts && today->rule.action == POLICY_COUNT && replay_is_pruned(r->replay);
}

static int look_at_suppression(struct reclassify *r, const struct on_record *row, const char *key, const char *stream,
                               struct error *error)
{
    struct rejudged today;
    struct decision decision;
    int is_domain = *key == '@', stands;

    if (rejudge_find(r->rejudge, row, &today, error))
        return -1;
    /* The recipient's own words, or what a person made of them. */
    if (today.facts.action == ACTION_COMPLAINT || stands_at_once(&today, is_domain))
        return 0;
    if ((stands = is_borne_out(r, row, &today, is_domain, &decision, error)))
        return stands < 0 ? -1 : 0;
    return found(r, key, stream, row, &today, &decision, 1, error);
}

static void remember_place(struct reclassify *r, const char *key, const char *stream)
{
    free(r->key);
    free(r->stream);
    r->key = xstrdup(key);
    r->stream = xstrdup(stream);
}

/* The row of the statement: a suppression, and the result that it rests on. */
static int read_suppression(struct reclassify *r, sqlite3_stmt *stmt, struct error *error)
{
    const struct on_record result = rejudge_row(stmt);

    return sqlite3_column_int(stmt, REJUDGE_COLUMN_COUNT + 2)
               ? look_at_suppression(r, &result, text(stmt, REJUDGE_COLUMN_COUNT + 1),
                                     text(stmt, REJUDGE_COLUMN_COUNT), error)
               : 0;
}

/* The place is bound to the statement until that is done. */
static int step_suppressions(struct reclassify *r, struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&r->statements, SUPPRESSIONS, error, "ttiii", r->key, r->stream, r->since, r->now,
                                        (int64_t)STEP_ROWS);
    char *key = NULL, *stream = NULL;
    int row = -1, count = 0;

    while (stmt && (row = statement_step(&r->statements, SUPPRESSIONS, error)) > 0) {
        if (read_suppression(r, stmt, error)) {
            row = -1;
            break;
        }
        if (++count == STEP_ROWS) {
            key = xstrdup(text(stmt, REJUDGE_COLUMN_COUNT + 1));
            stream = xstrdup(text(stmt, REJUDGE_COLUMN_COUNT));
        }
    }
    statement_reset(&r->statements, SUPPRESSIONS);
    if (key)
        remember_place(r, key, stream);
    free(key), free(stream);
    r->progress.done += (uint64_t)count;
    return row < 0 ? -1 : count == STEP_ROWS;
}

/* ----------------------------------------------------------------------- steps */

/* Each in a transaction of its own: what it reads is of one moment, and its rows
 * of the temporary tables are written together. */
int reclassify_step(struct reclassify *r, struct reclassify_progress *progress_r, struct error *error)
{
    int more;

    if (sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error(r->db, "BEGIN", error);
    more = r->step(r, error);
    if (sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK && more >= 0)
        more = sqlite_error(r->db, "COMMIT", error);
    if (!more)
        r->progress.done = r->progress.total;
    r->progress.judged = rejudge_judged(r->rejudge);
    r->progress.classified = rejudge_classified(r->rejudge);
    *progress_r = r->progress;
    return more;
}

int reclassify_each(struct reclassify *r, int (*row)(const struct reclassified *one, void *context), void *context,
                    struct error *error)
{
    sqlite3_stmt *stmt = statement_bind(&r->statements, EACH, error, "");
    int step = -1, result = 0;

    while (!result && stmt && (step = statement_step(&r->statements, EACH, error)) > 0) {
        const struct reclassified one = {
            .key = text(stmt, 0),
            .stream = text(stmt, 1),
            .was = text(stmt, 2),
            .reason = text(stmt, 3),
            .rule = text(stmt, 4),
            .event = sqlite3_column_int64(stmt, 5),
            .release = sqlite3_column_int(stmt, 6),
            .until = sqlite3_column_int64(stmt, 7),
            .trial = sqlite3_column_int64(stmt, 8),
            .policy = text(stmt, 9),
            .note = text(stmt, 10),
            .reply = text(stmt, 11),
        };

        result = row(&one, context);
    }
    if (result)
        statement_reset(&r->statements, EACH);
    return result ? result : step;
}

int64_t reclassify_seen(const struct reclassify *r)
{
    return r->seen;
}

static int begin(struct reclassify *r, struct error *error)
{
    sqlite3_stmt *stmt;

    if (sqlite3_exec(r->db, tables, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error(r->db, "temporary tables", error);
    stmt = statement_bind(&r->statements, LAST, error, "");
    if (!stmt || statement_step(&r->statements, LAST, error) <= 0)
        return -1;
    r->last = sqlite3_column_int64(stmt, 0);
    r->seen = sqlite3_column_int64(stmt, 1);
    r->suppressions = sqlite3_column_int64(stmt, 2);
    r->progress.total = (uint64_t)(r->last + r->suppressions);
    statement_reset(&r->statements, LAST);
    return 0;
}

struct reclassify *reclassify_open(const char *database, struct ruleset *ruleset, struct policy *policy, int64_t since,
                                   int64_t now, struct error *error)
{
    struct reclassify *r = xcalloc(1, sizeof(*r));
    int failed = sqlite3_open_v2(database, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK;

    r->since = since;
    r->now = now;
    r->policy = policy_ref(policy);
    r->step = step_results;
    remember_place(r, "", "");
    r->veil = veil_new();
    statements_init(&r->statements, r->db, r->veil, sql, STATEMENTS);
    if (failed) {
        (void)sqlite_error(r->db, "open", error);
    } else {
        sqlite3_busy_timeout(r->db, BUSY_TIMEOUT_MS);
        failed = !(r->rejudge = rejudge_open(r->db, r->veil, ruleset, policy, now, error)) || begin(r, error);
    }
    if (failed) {
        (void)error_prefix(error, "database %s", database);
        reclassify_close(&r);
        return NULL;
    }
    r->replay = replay_open(r->db, r->veil, r->rejudge, policy_trial(policy), now);
    return r;
}

void reclassify_close(struct reclassify **reclassify)
{
    struct reclassify *old = *reclassify;

    *reclassify = NULL;
    if (!old)
        return;
    replay_close(&old->replay);
    rejudge_close(&old->rejudge);
    statements_clear(&old->statements);
    policy_unref(&old->policy);
    veil_free(&old->veil);
    sqlite3_close(old->db);
    free(old->key);
    free(old->stream);
    free(old);
}
