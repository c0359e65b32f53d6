/* See past.h. */
#include "config.h"

#include "daemon/ledger/past.h"

#include <stdio.h>
#include <string.h>

#define HOUR 3600
#define AGREEMENT_SPAN (30 * 86400) /* failures of a domain that lie further back agree with nothing */

enum { ALLOWED, DELIVERED, FAILURES, DOMAIN_DELIVERED, DOMAIN_FAILURES, STANDING, STATEMENTS };

/* A name is a reason's, or else a family's. */
#define OF_NAME "(e.reason = ?2 OR e.reason IN (SELECT name FROM reason WHERE family = ?2))"
#define COUNTS "e.trusted AND e.action = 'failed' AND e.decision <> 'none' AND " OF_NAME

#define STANDS(key) \
    "SELECT state, origin, reason, coalesce(until, 0), level, coalesce(trial, 0) FROM suppression" \
    " WHERE key = " key " AND (+stream = '' OR +stream = ?3) AND coalesce(event, -1) <> ?4"

static const char *const sql[STATEMENTS] = {
    [ALLOWED] = "SELECT 1 FROM allow WHERE key = ?1 UNION ALL SELECT 1 FROM allow WHERE key = ?2 LIMIT 1",
    [DELIVERED] = "SELECT b.delivered FROM address a JOIN bounce b ON b.address = a.id WHERE a.key = ?1",
    [FAILURES] =
        "SELECT count(*), min(e.time) FROM address a JOIN event e ON e.address = a.id"
        " WHERE a.key = ?1 AND " COUNTS " AND e.time > ?3 AND e.id <> ?4",
    /* Of those who never failed only the rollup knows: the hour, not the second. */
    [DOMAIN_DELIVERED] =
        "SELECT max((SELECT coalesce(max(b.delivered), 0) FROM address a JOIN bounce b ON b.address = a.id"
        " WHERE a.domain = ?1), (SELECT coalesce(max(hour) + 3599, 0) FROM rollup"
        " WHERE hour >= ?2 AND domain = ?1 AND action = 'delivered' AND trusted))",
    [DOMAIN_FAILURES] =
        "SELECT count(DISTINCT CASE WHEN a.key <> ?5 THEN a.id END), min(e.time)"
        " FROM address a JOIN event e ON e.address = a.id"
        " WHERE a.domain = ?1 AND " COUNTS " AND e.time > ?3 AND e.id <> ?4",
    /* IN (...) would build a table in memory for every failure. */
    [STANDING] = STANDS("?1") " UNION ALL " STANDS("?2"),
};

void past_prepare(struct statements *statements, sqlite3 *db, struct veil *veil)
{
    statements_init(statements, db, veil, sql, STATEMENTS);
}

/* The first row's two numbers; NULL and no row are 0. 1 a row, 0, -1. */
static int read_numbers(struct statements *statements, size_t which, int64_t *first_r, int64_t *second_r,
                        struct error *error)
{
    int row = statement_step(statements, which, error);

    *first_r = *second_r = 0;
    if (row > 0) {
        *first_r = sqlite3_column_int64(statements->prepared[which], 0);
        *second_r = sqlite3_column_int64(statements->prepared[which], 1);
        statement_reset(statements, which);
    }
    return row;
}

static int read_domain_failures(struct statements *statements, const struct past_question *question, int64_t after,
                                struct hygiene_history *history, struct error *error)
{
    int64_t others;

    if (!statement_bind(statements, DOMAIN_FAILURES, error, "ttiit", question->domain, question->rule->name, after,
                        question->event, question->key) ||
        read_numbers(statements, DOMAIN_FAILURES, &others, &history->domain_first, error) < 0)
        return -1;
    history->recipients = (int)others;
    return 0;
}

/* The rollup has no index by domain: it is read only where a domain is about to
 * be given up, which is once a domain. */
static int read_domain(struct statements *statements, const struct past_question *question,
                       struct hygiene_history *history, struct error *error)
{
    int64_t since = question->time - AGREEMENT_SPAN, delivered, ignored;

    if (read_domain_failures(statements, question, since, history, error))
        return -1;
    if (!hygiene_domain_agrees(question->rule, history, question->time))
        return 0;
    if (!statement_bind(statements, DOMAIN_DELIVERED, error, "ti", question->domain, since / HOUR * HOUR) ||
        read_numbers(statements, DOMAIN_DELIVERED, &delivered, &ignored, error) < 0)
        return -1;
    return delivered <= since ? 0 : read_domain_failures(statements, question, delivered, history, error);
}

#define ENFORCED 10

/* Which of several rows speaks: what is enforced and in force, the higher word
 * first, then a trial, then what is not enforced. */
static int weight(const struct hygiene_standing *standing, int64_t now)
{
    int over = standing->until && standing->until <= now;

    if (!standing->exists)
        return 0;
    if (standing->state != STATE_ENFORCED)
        return 2;
    return !over ? ENFORCED + (int)standing->word : standing->trial ? 3 : 1;
}

static enum suppression_state state_of(const char *name)
{
    return !strcmp(name, "held") ? STATE_HELD : !strcmp(name, "shadow") ? STATE_SHADOW : STATE_ENFORCED;
}

static int read_standing(struct statements *statements, const struct past_question *question, const char *domain_key,
                         struct hygiene_standing *standing_r, struct error *error)
{
    const char *stream = question->rule->streams == POLICY_ONE_STREAM ? question->stream : "";
    sqlite3_stmt *stmt = statement_bind(statements, STANDING, error, "ttti", question->key, domain_key, stream,
                                        question->event);
    int row = -1;

    while (stmt && (row = statement_step(statements, STANDING, error)) > 0) {
        struct hygiene_standing standing = {
            .exists = 1,
            .state = state_of((const char *)sqlite3_column_text(stmt, 0)),
            .word = hygiene_word((const char *)sqlite3_column_text(stmt, 1), (const char *)sqlite3_column_text(stmt, 2)),
            .until = sqlite3_column_int64(stmt, 3),
            .level = sqlite3_column_int(stmt, 4),
            .trial = sqlite3_column_int64(stmt, 5) > 0,
        };

        if (weight(&standing, question->now) > weight(standing_r, question->now))
            *standing_r = standing;
    }
    return row;
}

int past_read(struct statements *statements, const struct past_question *question,
              struct hygiene_history *history_r, struct error *error)
{
    char domain_key[300];
    int64_t found, ignored;
    int allowed;

    *history_r = (struct hygiene_history){0};
    snprintf(domain_key, sizeof(domain_key), "@%s", question->domain);
    if (!statement_bind(statements, ALLOWED, error, "tt", question->key, domain_key) ||
        (allowed = read_numbers(statements, ALLOWED, &found, &ignored, error)) < 0 ||
        !statement_bind(statements, DELIVERED, error, "t", question->key) ||
        read_numbers(statements, DELIVERED, &history_r->delivered, &ignored, error) < 0 ||
        read_standing(statements, question, domain_key, &history_r->standing, error))
        return -1;
    history_r->allowed = allowed;
    if (question->rule->action == POLICY_COUNT) {
        if (!statement_bind(statements, FAILURES, error, "ttii", question->key, question->rule->name,
                            history_r->delivered, question->event) ||
            read_numbers(statements, FAILURES, &found, &history_r->first, error) < 0)
            return -1;
        history_r->failures = (int)found;
    }
    if (question->rule->scope != POLICY_DOMAIN || weight(&history_r->standing, question->now) >= ENFORCED)
        return 0;
    return read_domain(statements, question, history_r, error);
}
