/* RCPT lookups per second and their latency with a million suppressions on
 * disk, through the gate as the milter's threads use it; idle and while a
 * writer commits all the time. Baseline: the same number of primary key
 * lookups in a plain SQLite table, in the same run.
 *
 *   bench_gate [SUPPRESSIONS [LOOKUPS]]
 */
#include "config.h"

#include "base/mem.h"
#include "daemon/gate/gate.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char dir[64], path[100];
static atomic_int writing;

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
    fprintf(stderr, "bench_gate: %s\n", what);
    exit(EXIT_FAILURE);
}

/* Every second address that is asked for is suppressed. */
static void make_key(char *key, size_t size, unsigned i)
{
    snprintf(key, size, "user%08x@example%u.com", i * 2654435761u, i % 1000);
}

static void suppress(struct store *store, unsigned i)
{
    struct store_suppression s = {.stream = "", .reason = "no-such-user", .origin = "automatic",
                                  .note = "", .who = "bench", .since = 1000};
    struct error error;
    char key[64];

    make_key(key, sizeof(key), i);
    s.key = key;
    check(!store_suppress(store, &s, &error), error.text);
}

static void fill(struct store *store, unsigned count)
{
    struct error error;

    for (unsigned i = 0; i < count; i++) {
        if (i % 10000 == 0)
            check(!store_begin(store, &error), error.text);
        suppress(store, i * 2);
        if (i % 10000 == 9999 || i == count - 1)
            check(!store_commit(store, &error), error.text);
    }
}

/* Commits one suppression after the other until it is told to stop. */
static void *write_on(void *argument)
{
    struct store *store = argument;
    struct error error;

    for (unsigned i = 0x40000000; writing; i++) {
        check(!store_begin(store, &error), error.text);
        suppress(store, i * 2);
        check(!store_commit(store, &error), error.text);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b);
}

static double report(const char *what, float *times, unsigned lookups, double total)
{
    qsort(times, lookups, sizeof(*times), compare);
    printf("  %-24s %9.0f lookups/s   p50 %6.1f us   p99 %6.1f us   max %8.1f us\n", what, lookups / total,
           times[lookups / 2] * 1e6, times[lookups / 100 * 99] * 1e6, times[lookups - 1] * 1e6);
    return total;
}

static double ask_gate(const char *what, struct gate *gate, const struct settings *settings, unsigned count,
                       unsigned lookups, float *times)
{
    double begin = seconds(), before, after = begin;
    unsigned refused = 0;

    for (unsigned i = 0; i < lookups; i++) {
        struct gate_reply reply;
        struct address address;
        struct error error;
        char key[64];

        make_key(key, sizeof(key), (i * 7919u) % (2 * count));
        before = after;
        check(!address_parse(key, strlen(key), 0, &address, &error), error.text);
        refused += gate_ask(gate, settings, &address, "", 2000, &reply) == GATE_REFUSE;
        after = seconds();
        times[i] = (float)(after - before);
    }
    check(refused > lookups / 3 && refused < lookups / 3 * 2, "the gate did not refuse every second address");
    return report(what, times, lookups, after - begin);
}

static double ask_plain(unsigned count, unsigned lookups, float *times)
{
    double begin, before, after;
    sqlite3_stmt *stmt;
    sqlite3 *db;

    check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, "open");
    check(sqlite3_prepare_v2(db, "SELECT reason FROM suppression WHERE key = ?1 AND stream = ''", -1, &stmt, NULL) ==
          SQLITE_OK, sqlite3_errmsg(db));
    begin = after = seconds();
    for (unsigned i = 0; i < lookups; i++) {
        char key[64];

        make_key(key, sizeof(key), (i * 7919u) % (2 * count));
        before = after;
        sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        sqlite3_step(stmt);
        sqlite3_reset(stmt);
        after = seconds();
        times[i] = (float)(after - before);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return report("plain SQLite lookup", times, lookups, after - begin);
}

int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
    unsigned lookups = argc > 2 ? (unsigned)atoi(argv[2]) : 200000;
    struct settings *settings = settings_defaults();
    float *times = xcalloc(lookups, sizeof(*times));
    static struct counters counters;
    struct lookup_pool *pool;
    struct store *store;
    struct gate *gate;
    struct error error;
    pthread_t thread;
    double plain, idle;
    int null;

    check(count > 1000 && lookups > 1000, "usage: bench_gate [SUPPRESSIONS [LOOKUPS]]");
    strcpy(dir, "suppressd-bench-XXXXXX");
    check(mkdtemp(dir) != NULL, "mkdtemp");
    snprintf(path, sizeof(path), "%s/bench.db", dir);
    check((store = store_open(path, 0, &error)) != NULL, error.text);
    fill(store, count);
    pool = lookup_pool_new(path);
    gate = gate_new(pool, &counters);
    null = dup(STDERR_FILENO); /* every refusal is logged: into nothing, but written */
    check(freopen("/dev/null", "w", stderr) != NULL, "/dev/null");
    printf("gate: %u suppressions, %u lookups, one thread\n", count, lookups);
    plain = ask_plain(count, lookups, times);
    idle = ask_gate("gate, writer idle", gate, settings, count, lookups, times);
    writing = 1;
    check(!pthread_create(&thread, NULL, write_on, store), "thread");
    ask_gate("gate, writer committing", gate, settings, count, lookups, times);
    writing = 0;
    pthread_join(thread, NULL);
    printf("  ratio to plain           %9.2f\n", plain / idle);
    close(null);
    gate_free(&gate);
    lookup_pool_free(&pool);
    store_close(&store);
    settings_unref(&settings);
    free(times);
    for (int i = 0; i < 4; i++) {
        char name[120];

        snprintf(name, sizeof(name), "%s%s", path, (const char *const[]){"", "-wal", "-shm", ".lock"}[i]);
        unlink(name);
    }
    rmdir(dir);
    return EXIT_SUCCESS;
}
