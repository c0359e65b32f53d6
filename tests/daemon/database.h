/* A folder for one test's database, and a look into it. */
#ifndef SUPPRESSD_TESTS_DAEMON_DATABASE_H
#define SUPPRESSD_TESTS_DAEMON_DATABASE_H

#include "tests/run.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char database_dir[64];
static char database_path[128];

static inline void database_make(void)
{
    strcpy(database_dir, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(database_dir));
    snprintf(database_path, sizeof(database_path), "%s/suppressd.db", database_dir);
}

static inline void database_remove(void)
{
    static const char *const names[] = {"", "-wal", "-shm", ".lock", ".key", NULL};
    char path[160];

    for (int i = 0; names[i]; i++) {
        snprintf(path, sizeof(path), "%s%s", database_path, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(database_dir), 0);
}

/* The first column of the first row as text, by a connection of its own; "" when there is none. */
static inline const char *database_text(const char *query)
{
    static char text[4096];
    sqlite3_stmt *stmt = NULL;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open_v2(database_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 20000); /* a writer that was killed may have left a WAL to recover */
    ck_assert_msg(sqlite3_prepare_v2(db, query, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", query, sqlite3_errmsg(db));
    text[0] = '\0';
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0))
        snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return text;
}

static inline long database_number(const char *query)
{
    return atol(database_text(query));
}

#endif
