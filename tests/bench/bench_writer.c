/* Bounces recorded durably per second through the writer, against a plain loop
 * of SQLite inserts of the same rows into the same schema with the same batch
 * size, in one run. Rounds alternate; the median of each side is compared.
 *
 *   bench_writer [BOUNCES [ROUNDS]]
 */
#include "config.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/writer.h"
#include "tests/daemon/ledger/reports.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 500
#define ROUNDS_MAX 21
#define REPLY "550-5.1.1 <someone@example.com>: Recipient address rejected: User unknown in virtual mailbox table"

static char dir[64], path[100];

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds of processor time of this process, all threads. */
static double cpu_seconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* What one round took. */
struct cost {
    double wall, cpu;
};

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_writer: %s\n", what);
    exit(EXIT_FAILURE);
}

static void remove_database(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    char name[120];

    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static struct ledger *open_ledger(struct ruleset *rules, struct counters *counters)
{
    struct ledger_options options = {.ruleset = rules, .counters = counters};
    struct ledger *ledger;
    struct error error;

    options.database = path;
    ledger = ledger_open(&options, &error);
    check(ledger != NULL, error.text);
    return ledger;
}

static struct record *make_bounce(int i)
{
    char queue_id[32], recipient[64];

    snprintf(queue_id, sizeof(queue_id), "4jYJw%08XzbgLX", (unsigned)i * 2654435761u);
    snprintf(recipient, sizeof(recipient), "user%u@example%d.com", (unsigned)i * 2654435761u, i % 100);
    return report_one(EVIDENCE_LOCAL, queue_id, recipient, ACTION_FAILED, REPLY);
}

static struct cost run_writer(struct ruleset *rules, int bounces)
{
    struct counters counters = {0};
    struct ledger *ledger = open_ledger(rules, &counters);
    const struct writer_options options = {.queue_max = (size_t)bounces, .batch_max = BATCH, .counters = &counters};
    const struct writer_limits limits = {.sent_keep = 1000000000, .aside_bytes_max = 1000000};
    struct record **records = xcalloc((size_t)bounces, sizeof(*records));
    struct writer *writer;
    struct error error;
    struct cost cost;

    for (int i = 0; i < bounces; i++)
        records[i] = make_bounce(i);
    check((writer = writer_start(ledger, &options, &limits, &error)) != NULL, "writer_start");
    cost = (struct cost){-seconds(), -cpu_seconds()};
    for (int i = 0; i < bounces; i++)
        check(!writer_submit(writer, records[i], &error), error.text);
    while (counters_get(&counters, COUNTER_EVENTS) < (uint64_t)bounces)
        usleep(1000);
    cost = (struct cost){cost.wall + seconds(), cost.cpu + cpu_seconds()};
    check(counters_get(&counters, COUNTER_SUPPRESSED) == (uint64_t)bounces, "not every bounce suppressed");
    writer_stop(&writer);
    free(records);
    remove_database();
    return cost;
}

enum { ADDRESS, EVENT, BOUNCE, SUPPRESSION, CHANGE, STATEMENTS };

static const char *const inserts[STATEMENTS] = {
    "INSERT INTO address (id, key, given, domain) VALUES (?1, ?2, ?2, ?3)",
    "INSERT INTO event (id, time, recorded, address, action, reason, persistence, rule, ruleset, provider, code,"
    " status, reply, reporting_mta, message_key, queue_id, sender, stream, source, evidence, trusted, decision,"
    " sentence, told_by) VALUES (?1, 900, 1000, ?1, 'failed', 'no-such-user', 'permanent', 'postfix-user-unknown', 1,"
    " 'postfix', 550, '5.1.1', 1, 'mail.example.org', ?2, ?2, 'news@example.org', 'example.org', 'milter', 'local', 1,"
    " 'suppress', 'no-such-user: The receiving server knows no such mailbox, user or alias.', 'milter/local')",
    "INSERT INTO bounce (address, hard, other, first, last, last_event) VALUES (?1, 1, 0, 1000, 1000, ?1)",
    "INSERT INTO suppression (key, stream, reason, since, origin, event, note, policy)"
    " VALUES (?2, '', 'no-such-user', 1000, 'automatic', ?1, '', 'taxonomy')",
    "INSERT INTO change (key, stream, reason, time, origin, event, note, who, what)"
    " VALUES (?2, '', 'no-such-user', 1000, 'automatic', ?1, '', 'hygiene', 'suppress')",
};

static void insert(sqlite3 *db, sqlite3_stmt *stmt, int id, const char *text, const char *domain)
{
    sqlite3_bind_int(stmt, 1, id);
    if (text)
        sqlite3_bind_text(stmt, 2, text, -1, SQLITE_STATIC);
    if (domain)
        sqlite3_bind_text(stmt, 3, domain, -1, SQLITE_STATIC);
    check(sqlite3_step(stmt) == SQLITE_DONE, sqlite3_errmsg(db));
    sqlite3_reset(stmt);
}

static void insert_bounce(sqlite3 *db, sqlite3_stmt **stmts, int id, const struct record *record)
{
    const char *recipient = record->report.deliveries[0].recipient;

    insert(db, stmts[ADDRESS], id, recipient, strchr(recipient, '@') + 1);
    insert(db, stmts[EVENT], id, record->report.queue_id, NULL);
    insert(db, stmts[BOUNCE], id, NULL, NULL);
    insert(db, stmts[SUPPRESSION], id, recipient, NULL);
    insert(db, stmts[CHANGE], id, recipient, NULL);
}

/* The writer's connection settings, and the rows that its first bounce makes for all. */
static sqlite3 *open_plain(struct ruleset *rules)
{
    struct counters counters = {0};
    struct ledger *ledger = open_ledger(rules, &counters); /* makes the schema */
    sqlite3 *db;

    ledger_close(&ledger);
    check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK, "open");
    check(sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                       "PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000;"
                       "INSERT INTO ruleset (id, version, first_used) VALUES (1, 'x', 0);"
                       "INSERT INTO reply (id, hash, text) VALUES (1, 1, '" REPLY "')", NULL, NULL, NULL) == SQLITE_OK,
          sqlite3_errmsg(db));
    return db;
}

static struct cost run_plain(struct ruleset *rules, int bounces)
{
    sqlite3 *db = open_plain(rules);
    struct record **records = xcalloc((size_t)bounces, sizeof(*records));
    sqlite3_stmt *stmts[STATEMENTS];
    struct cost cost;

    for (int i = 0; i < STATEMENTS; i++)
        check(sqlite3_prepare_v2(db, inserts[i], -1, &stmts[i], NULL) == SQLITE_OK, sqlite3_errmsg(db));
    for (int i = 0; i < bounces; i++)
        records[i] = make_bounce(i);
    cost = (struct cost){-seconds(), -cpu_seconds()};
    for (int i = 0; i < bounces; i++) {
        if (i % BATCH == 0)
            check(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
        insert_bounce(db, stmts, i + 1, records[i]);
        if (i % BATCH == BATCH - 1 || i == bounces - 1)
            check(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    }
    cost = (struct cost){cost.wall + seconds(), cost.cpu + cpu_seconds()};
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(stmts[i]);
    sqlite3_close(db);
    for (int i = 0; i < bounces; i++)
        record_free(&records[i]);
    free(records);
    remove_database();
    return cost;
}

static int compare(const void *a, const void *b)
{
    const struct cost *x = a, *y = b;

    return (x->wall > y->wall) - (x->wall < y->wall);
}

static struct cost median(struct cost *rounds, int count)
{
    qsort(rounds, (size_t)count, sizeof(*rounds), compare);
    return rounds[count / 2];
}

int main(int argc, char **argv)
{
    int bounces = argc > 1 ? atoi(argv[1]) : 50000, rounds = argc > 2 ? atoi(argv[2]) : 5;
    struct cost writer[ROUNDS_MAX], plain[ROUNDS_MAX], w, p;
    struct ruleset *rules;
    struct error error;

    check(bounces > 0 && rounds > 0 && rounds <= ROUNDS_MAX, "usage: bench_writer [BOUNCES [ROUNDS]]");
    strcpy(dir, "suppressd-bench-XXXXXX"); /* here, on a real disk, rather than in a memory file system */
    check(mkdtemp(dir) != NULL, "mkdtemp");
    snprintf(path, sizeof(path), "%s/bench.db", dir);
    check((rules = ruleset_load(NULL, NULL, &error)) != NULL, error.text);
    for (int i = 0; i < rounds; i++) {
        plain[i] = run_plain(rules, bounces);
        writer[i] = run_writer(rules, bounces);
    }
    w = median(writer, rounds);
    p = median(plain, rounds);
    printf("writer: %d bounces, batches of %d, median of %d rounds\n", bounces, BATCH, rounds);
    printf("  plain inserts   %9.0f bounces/s  %6.1f us of processor time each\n", bounces / p.wall, p.cpu / bounces * 1e6);
    printf("  writer          %9.0f bounces/s  %6.1f us, classified, decided and recorded\n", bounces / w.wall,
           w.cpu / bounces * 1e6);
    printf("  ratio           %9.2f\n", p.wall / w.wall);
    ruleset_unref(&rules);
    rmdir(dir);
    return EXIT_SUCCESS;
}
