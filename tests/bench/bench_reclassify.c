/* Rules run over a long history: results looked at per second, memory, and how
 * long the writer is held up by a part of the plan and by the one transaction
 * that applies it. Then the same taken back part by part, and old results let go of.
 *
 *   bench_reclassify [EVENTS]
 *
 * Of the results on record, two of each recipient, with one of 20,000 replies
 * (texts repeat), one in fifty was not understood and is a dead mailbox to the
 * rules of today, one in fifty is a full mailbox that counts, and one in a hundred
 * was suppressed and should not be. Meanwhile the writer commits without pause.
 */
#include "config.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/plan.h"
#include "daemon/ledger/policy.h"
#include "daemon/ledger/reclassify.h"
#include "daemon/ledger/store.h"
#include "daemon/ledger/store_set.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PART 300 /* items: what a request of suppressctl holds */

static char dir[64], database[100];
static struct store *store;
static struct error error;

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_reclassify: %s: %s\n", what, error.text);
    exit(EXIT_FAILURE);
}

static const char *const history[] = {
    "INSERT INTO ruleset VALUES (1, 'old', 0)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO reply (id, hash, text)"
    " SELECT i, i, CASE WHEN i % 50 = 0 THEN '550 5.1.1 <r' || i || '@x.example>: User unknown'"
    " WHEN i % 50 = 2 THEN '552 5.2.2 Mailbox full, ' || i"
    " WHEN i % 100 = 1 THEN '550 5.7.1 blocked using zen.spamhaus.org, see ' || i"
    " ELSE '550 5.7.1 Message ' || i || ' rejected as spam' END FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 / 2) INSERT INTO address (id, key, given, domain)"
    " SELECT i, 'r' || i || '@d' || (i % 5000) || '.example', 'r', 'd' || (i % 5000) || '.example' FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) INSERT INTO event (id, time, recorded,"
    " address, action, reason, persistence, ruleset, code, status, reply, reporting_mta, remote_mta, message_key, stream,"
    " source, evidence, trusted, decision, sentence) SELECT i, 1700000000 + i, 1700000000 + i, (i - 1) % (?1 / 2) + 1, 'failed',"
    " CASE WHEN i % 100 = 0 THEN 'no-such-user' WHEN i % 50 = 1 THEN 'mailbox-full' ELSE 'unclassified' END, 'permanent',"
    " 1, 550, '', i % 20000 + 1,"
    " 'mta.example', 'mx' || (i % 7) || '.d' || (i % 5000) || '.example', 'Q' || i, '', 'log', 'local', 1, CASE WHEN i % 100 = 0 THEN 'suppress' WHEN i % 50 = 1 THEN 'count' ELSE 'none' END, '' FROM n",
    "INSERT INTO bounce (address, hard, other, first, last, last_event) SELECT address, 0, 2, min(time), max(time), max(id)"
    " FROM event WHERE id > ?1 / 2 GROUP BY address",
    "INSERT OR IGNORE INTO suppression (key, stream, reason, since, origin, event, note) SELECT a.key, '', 'no-such-user',"
    " e.time, 'automatic', e.id, '' FROM event e JOIN address a ON a.id = e.address WHERE e.reason = 'no-such-user'",
};

static void make_history(long events)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;

    check(sqlite3_open(database, &db) == SQLITE_OK, "open");
    sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof(history) / sizeof(history[0]); i++) {
        snprintf(error.text, sizeof(error.text), "%s", history[i]);
        check(sqlite3_prepare_v2(db, history[i], -1, &stmt, NULL) == SQLITE_OK, "history");
        sqlite3_bind_int64(stmt, 1, events);
        check(sqlite3_step(stmt) == SQLITE_DONE, "history");
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
}

struct staging {
    struct plan *plan;
    double longest;
    long parts;
};

static void hand_over(struct staging *staging)
{
    double begun = seconds(), took;

    check(!store_begin(store, &error) && !store_stage(store, staging->plan, 1, &error) && !store_commit(store, &error),
          "stage");
    took = seconds() - begun;
    staging->longest = took > staging->longest ? took : staging->longest;
    staging->parts++;
    plan_free(&staging->plan);
    staging->plan = plan_new(7);
}

static int stage_one(const struct reclassified *one, void *context)
{
    struct staging *staging = context;

    const struct plan_item item = {
        .key = (char *)(uintptr_t)one->key, .stream = (char *)(uintptr_t)one->stream,
        .reason = (char *)(uintptr_t)(one->release ? NULL : one->reason), .policy = (char *)(uintptr_t)one->policy,
        .note = (char *)(uintptr_t)one->note, .event = one->event, .until = one->until, .trial = one->trial};

    plan_add(staging->plan, &item);
    if (staging->plan->count == PART)
        hand_over(staging);
    return 0;
}

/* Applies the plan as one, or takes back the next part of it: 1 there is more. */
static int change(const struct plan *plan, struct store_set *set)
{
    int result = 0;

    *set = (struct store_set){.who = "bench", .what = plan ? "reclassify" : "undo", .note = "", .time = 2};
    check(!store_begin(store, &error) && !store_set_begin(store, set, &error), "begin");
    check((result = plan ? store_apply(store, plan, set, &error) : store_undo(store, 0, set, &error)) >= 0, "set");
    check(!store_set_end(store, set, &error) && !store_commit(store, &error), "commit");
    return result == 2;
}

static void apply(const struct plan *plan)
{
    double begun = seconds();
    struct store_set set;

    (void)change(plan, &set);
    printf("applied      in one transaction of %.2f s\n", seconds() - begun);
}

static void undo(void)
{
    double begun = seconds(), longest = 0;
    long long suppressed = 0, released = 0;
    struct store_set set;
    long parts = 0;

    for (int more = 1; more; parts++) {
        double one = seconds();

        more = change(NULL, &set);
        suppressed += set.suppressed;
        released += set.released;
        longest = seconds() - one > longest ? seconds() - one : longest;
    }
    printf("undone       %lld released, %lld suppressed in %ld transactions, %.2f s, the longest %.3f s\n", released,
           suppressed, parts, seconds() - begun, longest);
}

/* Small transactions one after the other, until *over or for so many seconds: how
 * long the longest took. */
static double write_until(const atomic_int *over, double limit, long *count_r)
{
    double longest = 0, end = seconds() + limit;

    for (*count_r = 0; !*over && seconds() < end; ++*count_r) {
        double begun = seconds();

        check(!store_begin(store, &error) && !store_take(store, (uint64_t)*count_r, 20000, &error) &&
                  !store_commit(store, &error), "write");
        longest = seconds() - begun > longest ? seconds() - begun : longest;
    }
    return longest;
}

struct looking {
    struct reclassify *reclassify;
    struct reclassify_progress progress;
    atomic_int over;
};

static void *look_to_the_end(void *argument)
{
    struct looking *looking = argument;
    struct error problem;
    int more;

    while ((more = reclassify_step(looking->reclassify, &looking->progress, &problem)) > 0)
        continue;
    if (more)
        fprintf(stderr, "bench_reclassify: look: %s\n", problem.text);
    looking->over = more ? 2 : 1;
    return NULL;
}

static void look(struct ruleset *rules, struct reclassify **reclassify_r)
{
    struct policy *policy = policy_new();
    struct looking looking = {.over = 0};
    struct reclassify_progress progress;
    double begun, took, longest;
    struct rusage usage;
    pthread_t thread;
    long commits;

    longest = write_until(&looking.over, 5, &commits);
    printf("writer alone %ld commits in 5 s, the longest %.3f s\n", commits, longest);
    begun = seconds();
    check((*reclassify_r = looking.reclassify = reclassify_open(database, rules, policy, 0, 1800000000, &error)) != NULL,
          "open");
    policy_unref(&policy);
    check(!pthread_create(&thread, NULL, look_to_the_end, &looking), "thread");
    longest = write_until(&looking.over, 1e9, &commits);
    pthread_join(thread, NULL);
    check(looking.over == 1, "look");
    progress = looking.progress;
    took = seconds() - begun;
    getrusage(RUSAGE_SELF, &usage);
    printf("looked at    %llu rows in %.1f s, %.0f/s; %llu texts classified; %llu to release, %llu to add; peak %ld MB\n",
           (unsigned long long)progress.done, took, (double)progress.done / took, (unsigned long long)progress.classified,
           (unsigned long long)progress.release, (unsigned long long)progress.add, usage.ru_maxrss / 1024);
    printf("replayed     %llu recipients; meanwhile %ld commits, the longest %.3f s\n",
           (unsigned long long)progress.replayed, commits, longest);
}

static void prune(void)
{
    double begun = seconds(), longest = 0;
    long visits = 0;
    int more = 1;

    for (; more; visits++) {
        double one = seconds();

        check(!store_begin(store, &error) && (more = store_retain(store, 1750000000, 0, 1900000000, &error)) >= 0 &&
                  !store_commit(store, &error), "prune");
        longest = seconds() - one > longest ? seconds() - one : longest;
    }
    printf("pruned       in %ld visits of %.4f s on average, %.3f s at the most\n", visits,
           (seconds() - begun) / (double)visits, longest);
}

int main(int argc, char **argv)
{
    long events = argc > 1 ? atol(argv[1]) : 1000000;
    struct staging staging = {.plan = plan_new(7)};
    struct ruleset *rules = ruleset_load(NULL, NULL, &error);
    struct reclassify *reclassify;

    check(rules != NULL, "rules");
    strcpy(dir, "/var/tmp/suppressd-bench-XXXXXX");
    check(mkdtemp(dir) != NULL, dir);
    snprintf(database, sizeof(database), "%s/suppressd.db", dir);
    check((store = store_open(database, 0, &error)) != NULL, "open");
    make_history(events);
    printf("reclassify: %ld results on record\n", events);
    look(rules, &reclassify);
    check(!reclassify_each(reclassify, stage_one, &staging, &error), "stage");
    hand_over(&staging);
    printf("staged       in %ld parts of %d, the longest %.3f s\n", staging.parts, PART, staging.longest);
    apply(staging.plan);
    undo();
    prune();
    reclassify_close(&reclassify);
    plan_free(&staging.plan);
    store_close(&store);
    ruleset_unref(&rules);
    for (const char *const *end = (const char *const[]){"", "-wal", "-shm", ".lock", NULL}; *end; end++) {
        char *path = xasprintf("%s%s", database, *end);

        unlink(path);
        free(path);
    }
    return rmdir(dir) ? EXIT_FAILURE : EXIT_SUCCESS;
}
