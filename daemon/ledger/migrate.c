/* See migrate.h. */
#include "config.h"

#include "daemon/ledger/migrate.h"

#include "base/embed.h"

#include <stdio.h>
#include <string.h>

extern const struct embedded schema_migrations[];

/* Whether the values were at fault rather than disk, lock or file. */
static enum error_code blame(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return ERROR_INPUT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERROR_DAMAGED;
    default:
        return ERROR_ENVIRONMENT;
    }
}

int sqlite_error(sqlite3 *db, const char *what, struct error *error)
{
    enum error_code code = blame(sqlite3_errcode(db) & 0xff);
    const char *file = code == ERROR_DAMAGED ? sqlite3_db_filename(db, "main") : NULL;

    /* Long SQL would leave no room for the cause. */
    return error_set(error, code, "%.100s%s: %s (SQLite %d)%s%.200s%s", what, strlen(what) > 100 ? "..." : "",
                     sqlite3_errmsg(db), sqlite3_extended_errcode(db), file ? ": " : "", file ? file : "",
                     file ? " is damaged: " MIGRATE_REMEDY : "");
}

int sqlite_integer(sqlite3 *db, const char *sql, long *value_r, struct error *error)
{
    sqlite3_stmt *stmt;
    int rc;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_error(db, sql, error);
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        *value_r = (long)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 0 : sqlite_error(db, sql, error);
}

int migrate_newest(void)
{
    int count = 0;

    while (schema_migrations[count].name)
        count++;
    return count;
}

static int execute(sqlite3 *db, const char *what, const char *sql, struct error *error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_error(db, what, error);
}

/* One migration and its number, both or neither. */
static int apply(sqlite3 *db, int number, struct error *error)
{
    const struct embedded *migration = &schema_migrations[number - 1];
    char done[100];

    snprintf(done, sizeof(done), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             MIGRATE_APPLICATION_ID, number);
    if (execute(db, migration->name, "BEGIN IMMEDIATE", error))
        return -1;
    if (!execute(db, migration->name, migration->text, error) &&
        !execute(db, migration->name, done, error) && !execute(db, migration->name, "COMMIT", error))
        return 0;
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

int migrate(sqlite3 *db, struct error *error)
{
    return migrate_to(db, migrate_newest(), error);
}

int migrate_to(sqlite3 *db, int newest, struct error *error)
{
    long application, version, tables;

    if (sqlite_integer(db, "PRAGMA application_id", &application, error) ||
        sqlite_integer(db, "PRAGMA user_version", &version, error) ||
        sqlite_integer(db, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return -1;
    if (application != MIGRATE_APPLICATION_ID && tables > 0)
        return error_set(error, ERROR_INPUT, "this is another program's database");
    if (version > migrate_newest())
        return error_set(error, ERROR_INPUT, "the schema is version %ld; this program knows up to %d: "
                         "it was made by a newer suppressd", version, migrate_newest());
    while (version < newest)
        if (apply(db, (int)++version, error))
            return -1;
    return 0;
}
