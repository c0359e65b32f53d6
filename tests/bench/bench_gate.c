/* RCPT lookups per second and their latency with many suppressions on disk,
 * through the gate as the milter's threads use it; with nothing in memory, idle
 * and while a writer commits all the time. Baseline: the same number of primary key
 * lookups in a plain SQLite table, in the same run. Then the same database is
 * hashed (addresses = hashed) and asked again.
 *
 *   bench_gate [SUPPRESSIONS [LOOKUPS]]
 */
#include "config.h"

#include "base/mem.h"
#include "daemon/gate/gate.h"
#include "daemon/ledger/lookup.h"
#include "tests/bench/suppressions.h"

#include <pthread.h>
#include <stdatomic.h>

static char dir[64], path[100];
static atomic_int writing;

static void suppress(struct store *store, unsigned i)
{
    struct store_suppression s = {.stream = "", .reason = "no-such-user", .origin = "automatic",
                                  .note = "", .who = "bench", .since = 1000};
    struct error error;
    char key[64];

    snprintf(key, sizeof(key), "user%08x@example%u.com", i * 2654435761u, i % 1000);
    s.key = key;
    bench_check(!store_suppress(store, &s, &error), error.text);
}

/* What a suppression takes with all that belongs to it: keys in no order, each change on record. */
static double bytes_each(unsigned count)
{
    struct error error;
    struct store *store = store_open(path, 0, &error);
    double bytes;

    bench_check(store != NULL, error.text);
    for (unsigned i = 0; i < count; i++) {
        if (i % 10000 == 0)
            bench_check(!store_begin(store, &error), error.text);
        suppress(store, i);
        if (i % 10000 == 9999 || i == count - 1)
            bench_check(!store_commit(store, &error), error.text);
    }
    store_close(&store);
    bytes = (double)bench_size(path) / count;
    bench_remove(path);
    return bytes;
}

/* Commits one suppression after the other until it is told to stop. */
static void *write_on(void *argument)
{
    struct store *store = argument;
    struct error error;

    for (unsigned i = 0; writing; i++) {
        bench_check(!store_begin(store, &error), error.text);
        suppress(store, i);
        bench_check(!store_commit(store, &error), error.text);
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
    double begin = bench_seconds(), before, after = begin;
    unsigned refused = 0;

    for (unsigned i = 0; i < lookups; i++) {
        struct gate_reply reply;
        struct address address;
        struct error error;
        char key[64];

        bench_key(key, bench_number(i, count));
        before = after;
        bench_check(!address_parse(key, strlen(key), 0, &address, &error), error.text);
        refused += gate_ask(gate, settings, &address, "", 2000, &reply) == GATE_REFUSE;
        after = bench_seconds();
        times[i] = (float)(after - before);
    }
    bench_check(refused > lookups / 3 && refused < lookups / 3 * 2, "the gate did not refuse every second address");
    return report(what, times, lookups, after - begin);
}

static double ask_plain(unsigned count, unsigned lookups, float *times)
{
    double begin, before, after;
    sqlite3_stmt *stmt;
    sqlite3 *db;

    bench_check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, "open");
    bench_check(sqlite3_prepare_v2(db, "SELECT reason FROM suppression WHERE key = ?1 AND stream = ''", -1, &stmt, NULL) ==
          SQLITE_OK, sqlite3_errmsg(db));
    begin = after = bench_seconds();
    for (unsigned i = 0; i < lookups; i++) {
        char key[64];

        bench_key(key, bench_number(i, count));
        before = after;
        sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        sqlite3_step(stmt);
        sqlite3_reset(stmt);
        after = bench_seconds();
        times[i] = (float)(after - before);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return report("plain SQLite lookup", times, lookups, after - begin);
}

/* Hashes the database of an idle writer and asks it: the seconds of the hashing. */
static double hash_all(struct store **store)
{
    double begin = bench_seconds();
    struct error error;

    store_close(store); /* what it has committed leaves the WAL */
    bench_check((*store = store_open(path, 0, &error)) != NULL, error.text);
    bench_check(!store_hide(*store, path, 0, &error), error.text);
    store_close(store);
    begin = bench_seconds() - begin;
    bench_check((*store = store_open(path, 0, &error)) != NULL, error.text);
    return begin;
}

/* By the median, for the two are minutes apart. */
static void compare_hashed(struct store **store, struct counters *counters, const struct settings *settings,
                           unsigned count, unsigned lookups, float *times, double clear)
{
    double took = hash_all(store);
    struct lookup_pool *pool = lookup_pool_new(path);
    struct gate *gate = gate_new(pool, counters);

    printf("  hashing it               %9.1f s; %.0f bytes a suppression with it\n", took,
           (double)bench_size(path) / count);
    bench_warm(path);
    ask_gate("gate, hashed", gate, settings, count, lookups, times);
    printf("  ratio hashed to clear    %9.2f of p50\n", times[lookups / 2] / clear);
    gate_free(&gate);
    lookup_pool_free(&pool);
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
    double plain, idle, clear, each;
    int null;

    bench_check(count > 1000 && lookups > 1000, "usage: bench_gate [SUPPRESSIONS [LOOKUPS]]");
    strcpy(dir, "suppressd-bench-XXXXXX");
    bench_check(mkdtemp(dir) != NULL, "mkdtemp");
    snprintf(path, sizeof(path), "%s/bench.db", dir);
    each = bytes_each(count < 1000000 ? count : 1000000);
    bench_fill(path, count);
    bench_check((store = store_open(path, 0, &error)) != NULL, error.text);
    pool = lookup_pool_new(path);
    gate = gate_new(pool, &counters);
    null = dup(STDERR_FILENO); /* every refusal is logged: into nothing, but written */
    bench_check(freopen("/dev/null", "w", stderr) != NULL, "/dev/null");
    printf("gate: %u suppressions, %u lookups, one thread\n", count, lookups);
    printf("  bytes a suppression      %9.0f; %.0f with its change on record, keys in no order\n",
           (double)bench_size(path) / count, each);
    bench_forget(path);
    ask_gate("gate, from the disk", gate, settings, count, lookups / 10, times);
    bench_warm(path);
    plain = ask_plain(count, lookups, times);
    idle = ask_gate("gate, writer idle", gate, settings, count, lookups, times);
    clear = times[lookups / 2]; /* sorted by now */
    writing = 1;
    bench_check(!pthread_create(&thread, NULL, write_on, store), "thread");
    ask_gate("gate, writer committing", gate, settings, count, lookups, times);
    writing = 0;
    pthread_join(thread, NULL);
    printf("  ratio to plain           %9.2f\n", plain / idle);
    gate_free(&gate);
    lookup_pool_free(&pool);
    compare_hashed(&store, &counters, settings, count, lookups, times, clear);
    close(null);
    store_close(&store);
    settings_unref(&settings);
    free(times);
    bench_remove(path);
    rmdir(dir);
    return EXIT_SUCCESS;
}
