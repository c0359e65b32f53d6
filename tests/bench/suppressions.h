/* A database with millions of suppressions, for benches: made in the order of
 * the keys and without a journal, so that a hundred million take minutes. Keys
 * with an even number are suppressed, those between are not.
 */
#ifndef SUPPRESSD_TESTS_BENCH_SUPPRESSIONS_H
#define SUPPRESSD_TESTS_BENCH_SUPPRESSIONS_H

#include "daemon/ledger/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static inline double bench_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void bench_check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static inline void bench_key(char key_r[64], uint64_t number)
{
    snprintf(key_r, 64, "user%09llu@example%u.com", (unsigned long long)number, (unsigned)(number % 1000));
}

/* The numbers 0 to 2 * count - 1 in an order without locality. */
static inline uint64_t bench_number(uint64_t i, uint64_t count)
{
    return (i * 0x9e3779b97f4a7c15u >> 20) % (2 * count);
}

static inline uint64_t bench_size(const char *path)
{
    struct stat status;

    return stat(path, &status) ? 0 : (uint64_t)status.st_size;
}

/* The kernel forgets what it holds of the file: the next reads go to the disk. */
static inline void bench_forget(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    bench_check(fd >= 0 && !fsync(fd) && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "cannot empty the cache");
    close(fd);
}

/* Reads it all once, so that it is in memory as far as it fits. */
static inline void bench_warm(const char *path)
{
    static char buffer[1 << 20];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    bench_check(fd >= 0, path);
    while (read(fd, buffer, sizeof(buffer)) > 0)
        ;
    close(fd);
}

static inline void bench_fill(const char *path, uint64_t count)
{
    static const char insert[] = "INSERT INTO suppression (key, stream, reason, since, origin, note)"
                                 " VALUES (?1, '', 'no-such-user', ?2, 'automatic', '')";
    struct error error;
    struct store *store = store_open(path, 0, &error);
    sqlite3_stmt *stmt;
    sqlite3 *db;

    bench_check(store != NULL, error.text);
    store_close(&store);
    bench_check(sqlite3_open(path, &db) == SQLITE_OK &&
                    sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL) ==
                        SQLITE_OK &&
                    sqlite3_prepare_v2(db, insert, -1, &stmt, NULL) == SQLITE_OK,
                sqlite3_errmsg(db));
    for (uint64_t i = 0; i < count; i++) {
        char key[64];

        bench_key(key, 2 * i);
        sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, (int64_t)(1000 + i / 1000));
        bench_check(sqlite3_step(stmt) == SQLITE_DONE && sqlite3_reset(stmt) == SQLITE_OK, sqlite3_errmsg(db));
    }
    sqlite3_finalize(stmt);
    bench_check(sqlite3_exec(db, "COMMIT; PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* The database and what stands beside it. */
static inline void bench_remove(const char *path)
{
    for (int i = 0; i < 5; i++) {
        char name[200];

        snprintf(name, sizeof(name), "%s%s", path, (const char *const[]){"", "-wal", "-shm", ".lock", ".key"}[i]);
        unlink(name);
    }
}

#endif
