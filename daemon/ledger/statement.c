/* See statement.h. */
#include "config.h"

#include "daemon/ledger/statement.h"

#include "base/mem.h"
#include "daemon/ledger/migrate.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void statements_init(struct statements *statements, sqlite3 *db, const char *const *sql, size_t count)
{
    statements->db = db;
    statements->sql = sql;
    statements->count = count;
    statements->prepared = xcalloc(count, sizeof(*statements->prepared));
}

void statements_clear(struct statements *statements)
{
    for (size_t i = 0; statements->prepared && i < statements->count; i++)
        sqlite3_finalize(statements->prepared[i]);
    free(statements->prepared);
    statements->prepared = NULL;
}

static int bind_text(sqlite3_stmt *stmt, int at, const char *text, int empty_is_null)
{
    if (!text || (empty_is_null && !*text))
        return sqlite3_bind_null(stmt, at);
    return sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static int bind_integer(sqlite3_stmt *stmt, int at, int64_t value, int zero_is_null)
{
    return zero_is_null && !value ? sqlite3_bind_null(stmt, at) : sqlite3_bind_int64(stmt, at, value);
}

static int bind_all(sqlite3_stmt *stmt, const char *kinds, va_list ap)
{
    const void *bytes;
    int rc = SQLITE_OK;

    for (int at = 1; *kinds && rc == SQLITE_OK; at++, kinds++) {
        switch (*kinds) {
        case 'i':
        case 'n':
            rc = bind_integer(stmt, at, va_arg(ap, int64_t), *kinds == 'n');
            break;
        case 'b':
            bytes = va_arg(ap, const void *);
            rc = sqlite3_bind_blob64(stmt, at, bytes, va_arg(ap, size_t), SQLITE_STATIC);
            break;
        default:
            rc = bind_text(stmt, at, va_arg(ap, const char *), *kinds == 'z');
        }
    }
    return rc;
}

static sqlite3_stmt *prepare_and_bind(struct statements *statements, size_t which,
                                      struct error *error, const char *kinds, va_list ap)
{
    sqlite3_stmt **stmt = &statements->prepared[which];
    const char *sql = statements->sql[which];

    if (!*stmt && sqlite3_prepare_v3(statements->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK) {
        (void)sqlite_error(statements->db, sql, error);
        return NULL;
    }
    if (bind_all(*stmt, kinds, ap) != SQLITE_OK) {
        (void)sqlite_error(statements->db, sql, error);
        return NULL;
    }
    return *stmt;
}

sqlite3_stmt *statement_bind(struct statements *statements, size_t which, struct error *error,
                             const char *kinds, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;

    va_start(ap, kinds);
    stmt = prepare_and_bind(statements, which, error, kinds, ap);
    va_end(ap);
    return stmt;
}

int statement_step(struct statements *statements, size_t which, struct error *error)
{
    int rc = sqlite3_step(statements->prepared[which]);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        (void)sqlite_error(statements->db, statements->sql[which], error);
    statement_reset(statements, which);
    return rc == SQLITE_DONE ? 0 : -1;
}

void statement_reset(struct statements *statements, size_t which)
{
    sqlite3_reset(statements->prepared[which]);
    sqlite3_clear_bindings(statements->prepared[which]);
}

int statement_run(struct statements *statements, size_t which, struct error *error,
                  const char *kinds, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;

    va_start(ap, kinds);
    stmt = prepare_and_bind(statements, which, error, kinds, ap);
    va_end(ap);
    return stmt ? statement_step(statements, which, error) : -1;
}
