/* Results of a mail log recorded durably per second: read, parsed, classified,
 * counted and committed by follower and writer as the daemon runs them, one
 * behind the other and so on one core. Against it a plain loop of SQLite with
 * the same settings that adds each result to its row, in transactions of as
 * many, without reading a log at all. Rounds alternate; medians are compared.
 *
 *   bench_rollup [MESSAGES [ROUNDS]]
 *
 * Half of the mail goes to ten domains, the rest to five thousand; 8 % is
 * deferred, 1 % fails (and is recorded as events). The log is read twice: only
 * its delivery lines, and with the four lines that Postfix writes beside each.
 */
#include "config.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/intake/follow.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/writer.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 21
#define BATCH 10000 /* results: as many as the follower hands over at once of five lines each */
#define DOMAINS 5000

static char dir[64], database[100], source[100], followed[100];

struct cost {
    double wall, cpu;
};

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void start(struct cost *cost_r)
{
    *cost_r = (struct cost){-seconds(CLOCK_MONOTONIC), -seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void stop(struct cost *cost_io)
{
    cost_io->wall += seconds(CLOCK_MONOTONIC);
    cost_io->cpu += seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_rollup: %s\n", what);
    exit(EXIT_FAILURE);
}

static unsigned scatter(int i)
{
    return (unsigned)i * 2654435761u >> 7;
}

static const char *domain_of(int i, char name_r[40])
{
    unsigned hash = scatter(i);

    if (hash % 2)
        snprintf(name_r, 40, "large%u.example", hash / 2 % 10);
    else
        snprintf(name_r, 40, "company%u.example", hash / 2 % DOMAINS);
    return name_r;
}

static void write_outcome(FILE *out, int i, const char *domain)
{
    unsigned percent = scatter(i) % 100;

    if (percent < 1)
        fprintf(out, "5.1.1, status=bounced (host mx.%s[192.0.2.7] said: 550 5.1.1 no such mailbox (in reply to "
                     "RCPT TO command))\n", domain);
    else if (percent < 9)
        fprintf(out, "4.7.1, status=deferred (host mx.%s[192.0.2.7] said: 451 4.7.1 Greylisting in action, please "
                     "come back later (in reply to RCPT TO command))\n", domain);
    else
        fputs("2.0.0, status=sent (250 2.0.0 Ok: queued as 9F00A1)\n", out);
}

static void write_message(FILE *out, int i, int all)
{
    char head[100], domain[40];

    domain_of(i, domain);
    snprintf(head, sizeof(head), "Nov %2d %02d:%02d:%02d mx1 postfix", 1 + i / 400000 % 20, i / 18000 % 24, i / 300 % 60,
             i / 5 % 60);
    if (all) {
        fprintf(out, "%s/smtpd[71]: 4Xb%07dzz: client=app.example.com[192.0.2.10]\n", head, i);
        fprintf(out, "%s/cleanup[72]: 4Xb%07dzz: message-id=<%d.news@example.com>\n", head, i, i);
        fprintf(out, "%s/qmgr[73]: 4Xb%07dzz: from=<news@example.com>, size=20312, nrcpt=1 (queue active)\n", head, i);
    }
    fprintf(out, "%s/smtp[%d]: 4Xb%07dzz: to=<reader%d@%s>, relay=mx.%s[192.0.2.7]:25, delay=1.4, "
                 "delays=0.1/0.01/0.5/0.8, dsn=", head, 80 + i % 40, i, i, domain, domain);
    write_outcome(out, i, domain);
    if (all)
        fprintf(out, "%s/qmgr[73]: 4Xb%07dzz: removed\n", head, i);
}

static void make_log(int messages, int all)
{
    FILE *out = fopen(source, "w");

    check(out != NULL, source);
    for (int i = 0; i < messages; i++)
        write_message(out, i, all);
    check(fclose(out) == 0, source);
}

static void run_sql(sqlite3 *db, const char *sql)
{
    check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
}

static sqlite3 *open_plain(void)
{
    sqlite3 *db;

    check(sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK, "open");
    run_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;"
                "PRAGMA wal_autocheckpoint = 4000");
    return db;
}

static struct ledger *open_ledger(struct ruleset *rules, struct counters *counters)
{
    struct ledger_options options = {.ruleset = rules, .counters = counters};
    struct ledger *ledger;
    struct error error;

    options.database = database;
    ledger = ledger_open(&options, &error);
    check(ledger != NULL, error.text);
    return ledger;
}

/* Every message stands in the journal, as it does where the milter has seen it. */
static void make_database(struct ruleset *rules, int messages)
{
    struct counters counters = {0};
    struct ledger *ledger = open_ledger(rules, &counters);
    char sql[400];
    sqlite3 *db;

    ledger_close(&ledger);
    db = open_plain();
    snprintf(sql, sizeof(sql),
             "BEGIN; WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO sent (time, queue_id, message_id, stream) SELECT i, printf('4Xb%%07dzz', i),"
             " printf('%%d.news@example.com', i), 'news' || i %% 4 FROM n; COMMIT", messages - 1);
    run_sql(db, sql);
    sqlite3_close(db);
}

static void remove_database(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    char name[120];

    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", database, ends[i]);
        unlink(name);
    }
}

struct watch {
    struct event_base *base;
    struct event *timer;
    struct counters *counters;
    uint64_t results;
};

static void on_watch(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval soon = {.tv_usec = 1000};
    struct watch *watch = context;

    (void)fd, (void)what;
    if (counters_get(watch->counters, COUNTER_RESULTS_COUNTED) + counters_get(watch->counters, COUNTER_EVENTS) ==
        watch->results)
        event_base_loopbreak(watch->base);
    else
        evtimer_add(watch->timer, &soon);
}

static void follow_all(struct writer *writer, struct counters *counters, uint64_t results)
{
    struct watch watch = {event_base_new(), NULL, counters, results};
    const struct follow_options options = {
        .base = watch.base, .writer = writer, .counters = counters, .path = followed, .host = "", .visit_ms = 1,
        .line_max = 65536};
    struct follow *follow;
    struct error error;

    check((follow = follow_open(&options, &error)) != NULL, error.text);
    check(!rename(source, followed), "rename"); /* written after it began: read from the first line */
    watch.timer = evtimer_new(watch.base, on_watch, &watch);
    on_watch(-1, 0, &watch);
    event_base_dispatch(watch.base);
    writer_stop(&writer);
    follow_close(&follow);
    event_free(watch.timer);
    event_base_free(watch.base);
    check(!rename(followed, source), "rename");
}

static struct cost run_follow(struct ruleset *rules, int messages)
{
    struct counters counters = {0};
    const struct writer_options options = {.queue_max = 100, .batch_max = 500, .counters = &counters};
    const struct writer_limits limits = {.sent_keep = 1000000000, .rollup_keep = 1000000000, .aside_bytes_max = 1000000};
    struct writer *writer;
    struct error error;
    struct cost cost;

    make_database(rules, messages);
    check((writer = writer_start(open_ledger(rules, &counters), &options, &limits, &error)) != NULL, "writer_start");
    start(&cost);
    follow_all(writer, &counters, (uint64_t)messages);
    stop(&cost);
    remove_database();
    return cost;
}

static struct cost run_plain(struct ruleset *rules, int messages)
{
    sqlite3_stmt *stmt;
    struct cost cost;
    sqlite3 *db;

    make_database(rules, 1);
    db = open_plain();
    check(sqlite3_prepare_v2(db, "INSERT INTO rollup (hour, provider, domain, stream, action, reason, trusted, attempts,"
                             " reports) VALUES (?1, '', ?2, ?3, 'delivered', 'delivered', 1, 1, 0) ON CONFLICT (hour,"
                             " provider, domain, stream, action, reason, trusted) DO UPDATE SET attempts = attempts + 1",
                             -1, &stmt, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    start(&cost);
    for (int i = 0; i < messages; i++) {
        char domain[40], stream[8];

        if (i % BATCH == 0)
            run_sql(db, "BEGIN IMMEDIATE");
        snprintf(stream, sizeof(stream), "news%d", i % 4);
        sqlite3_bind_int64(stmt, 1, i / 18000 * 3600);
        sqlite3_bind_text(stmt, 2, domain_of(i, domain), -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, stream, -1, SQLITE_STATIC);
        check(sqlite3_step(stmt) == SQLITE_DONE, sqlite3_errmsg(db));
        sqlite3_reset(stmt);
        if (i % BATCH == BATCH - 1 || i == messages - 1)
            run_sql(db, "COMMIT");
    }
    stop(&cost);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
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

static void print(const char *name, struct cost cost, int messages, const struct cost *plain)
{
    printf("  %-26s %8.0f results/s  %5.2f us of processor time each", name, messages / cost.wall,
           1e6 * cost.cpu / messages);
    if (plain)
        printf("  ratio %.2f", plain->wall / cost.wall);
    putchar('\n');
}

int main(int argc, char **argv)
{
    int messages = argc > 1 ? atoi(argv[1]) : 300000, rounds = argc > 2 ? atoi(argv[2]) : 5;
    struct cost plain[ROUNDS_MAX], cost[2][ROUNDS_MAX], p;
    struct ruleset *rules;
    struct error error;

    check(messages > 0 && rounds > 0 && rounds <= ROUNDS_MAX, "usage: bench_rollup [MESSAGES [ROUNDS]]");
    strcpy(dir, "suppressd-bench-XXXXXX"); /* here, on a real disk, rather than in a memory file system */
    check(mkdtemp(dir) != NULL, "mkdtemp");
    snprintf(database, sizeof(database), "%s/bench.db", dir);
    snprintf(source, sizeof(source), "%s/source", dir);
    snprintf(followed, sizeof(followed), "%s/mail.log", dir);
    check((rules = ruleset_load(NULL, NULL, &error)) != NULL, error.text);
    evthread_use_pthreads();
    for (int i = 0; i < rounds; i++) {
        plain[i] = run_plain(rules, messages);
        for (int all = 0; all < 2; all++) {
            make_log(messages, all);
            cost[all][i] = run_follow(rules, messages);
            unlink(source);
        }
    }
    p = median(plain, rounds);
    printf("rollups: %d results, commits of up to 10000 and of 50000 lines, median of %d rounds\n", messages, rounds);
    print("plain, a row a result", p, messages, NULL);
    print("delivery lines", median(cost[0], rounds), messages, &p);
    print("five lines a message", median(cost[1], rounds), messages, &p);
    ruleset_unref(&rules);
    rmdir(dir);
    return EXIT_SUCCESS;
}
