/* See rejudge.h. */
#include "config.h"

#include "daemon/ledger/rejudge.h"

#include "base/hash.h"
#include "base/mem.h"
#include "classifier/classify.h"
#include "daemon/ledger/judge.h"
#include "daemon/ledger/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_BITS 17 /* verdicts: 131072, 25 megabytes when full */

static const char *const sql[] = {"SELECT text FROM reply WHERE id = ?1"};

/* A verdict that was given before. */
struct known {
    int64_t reply;
    int providers, action, used;
    char status[12];
    struct verdict verdict;
};

struct rejudge {
    struct statements statements;
    struct classifier *classifier;
    struct policy *policy;
    struct known *cache;
    int64_t now;
    uint64_t judged, classified;
};

static const char *text(sqlite3_stmt *stmt, int at)
{
    const unsigned char *value = sqlite3_column_text(stmt, at);

    return value ? (const char *)value : "";
}

struct on_record rejudge_row(sqlite3_stmt *stmt)
{
    return (struct on_record){
        .event = sqlite3_column_int64(stmt, 0),
        .reply = sqlite3_column_int64(stmt, 1),
        .recorded = sqlite3_column_int64(stmt, 2),
        .time = sqlite3_column_int64(stmt, 3),
        .address = sqlite3_column_int64(stmt, 4),
        .code = sqlite3_column_int(stmt, 5),
        .status = text(stmt, 6),
        .mta = text(stmt, 7),
        .action = text(stmt, 8),
        .reason = text(stmt, 9),
        .domain = text(stmt, 10),
        .key = text(stmt, 11),
        .stream = text(stmt, 12),
        .decision = text(stmt, 13),
    };
}

static int read_anew(struct rejudge *r, const struct on_record *row, enum action action, struct verdict *verdict_r,
                     struct error *error)
{
    struct delivery delivery = {.action = action, .status = (char *)(uintptr_t)row->status,
                                .remote_mta = (char *)(uintptr_t)row->mta};
    sqlite3_stmt *stmt = statement_bind(&r->statements, 0, error, "i", row->reply);
    int found = stmt ? statement_step(&r->statements, 0, error) : -1;

    if (found < 0)
        return -1;
    if (found)
        delivery.reply = (char *)(uintptr_t)text(stmt, 0);
    judge(r->classifier, &delivery, row->domain, verdict_r);
    if (found)
        statement_reset(&r->statements, 0);
    r->classified++;
    return 0;
}

/* Everything that a verdict depends on is in the key: what the hosts betray of
 * the provider, the action, and the words, by the number of their row. */
static int find_verdict(struct rejudge *r, const struct on_record *row, enum action action, struct verdict *verdict_r,
                        struct error *error)
{
    int providers = classifier_providers(r->classifier, row->mta, row->domain);
    const int64_t numbers[] = {row->reply, providers, (int64_t)action};
    uint64_t hash = hash_bytes(hash_bytes(HASH_OF_NOTHING, numbers, sizeof(numbers)), row->status, strlen(row->status));
    struct known *known = &r->cache[hash >> (64 - CACHE_BITS)];

    r->judged++;
    if (!known->used || known->reply != row->reply || known->providers != providers || known->action != (int)action ||
        strcmp(known->status, row->status) != 0) {
        *known = (struct known){.reply = row->reply, .providers = providers, .action = (int)action,
                                .used = strlen(row->status) < sizeof(known->status)};
        snprintf(known->status, sizeof(known->status), "%s", row->status);
        if (read_anew(r, row, action, &known->verdict, error)) {
            known->used = 0;
            return -1;
        }
    }
    *verdict_r = known->verdict;
    return 0;
}

/* Whether the MTA made a temporary reply final is not on record where the reply
 * itself had a status; what did nothing on its day because of that does nothing now. */
static int was_made_final(const struct on_record *row, const struct verdict *verdict)
{
    return verdict->code / 100 == 4 && (*row->status == '5' || !strcmp(row->decision, decision_name(DECISION_NONE)));
}

int rejudge_find(struct rejudge *r, const struct on_record *row, struct rejudged *rejudged_r, struct error *error)
{
    enum action action = !strcmp(row->action, action_name(ACTION_COMPLAINT)) ? ACTION_COMPLAINT : ACTION_FAILED;
    struct verdict *verdict = &rejudged_r->verdict;

    if (find_verdict(r, row, action, verdict, error))
        return -1;
    policy_find(r->policy, verdict->reason, row->stream, verdict->provider, &rejudged_r->rule);
    rejudged_r->facts = (struct hygiene_facts){
        .action = action,
        .evidence = EVIDENCE_LOCAL, /* or proved: it is trusted */
        .time = row->time,
        .now = r->now,
        .no_stream = !*row->stream,
        .made_final = was_made_final(row, verdict),
    };
    rejudged_r->acts = hygiene_needs_history(verdict, &rejudged_r->facts, &rejudged_r->rule);
    return 0;
}

const char *rejudge_version(const struct rejudge *r)
{
    return classifier_version(r->classifier);
}

uint64_t rejudge_judged(const struct rejudge *r)
{
    return r->judged;
}

uint64_t rejudge_classified(const struct rejudge *r)
{
    return r->classified;
}

struct rejudge *rejudge_open(sqlite3 *db, struct veil *veil, struct ruleset *ruleset, struct policy *policy, int64_t now,
                             struct error *error)
{
    struct rejudge *r = xcalloc(1, sizeof(*r));

    statements_init(&r->statements, db, veil, sql, sizeof(sql) / sizeof(sql[0]));
    r->cache = xcalloc((size_t)1 << CACHE_BITS, sizeof(*r->cache));
    r->policy = policy_ref(policy);
    r->now = now;
    if (!(r->classifier = classifier_open(ruleset, error)))
        rejudge_close(&r);
    return r;
}

void rejudge_close(struct rejudge **rejudge)
{
    struct rejudge *old = *rejudge;

    *rejudge = NULL;
    if (!old)
        return;
    statements_clear(&old->statements);
    classifier_close(&old->classifier);
    policy_unref(&old->policy);
    free(old->cache);
    free(old);
}
