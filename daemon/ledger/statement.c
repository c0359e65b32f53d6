/* See statement.h. */
#include "config.h"

#include "daemon/ledger/statement.h"

#include "base/mem.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/veil.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void statements_init(struct statements *statements, sqlite3 *db, struct veil *veil, const char *const *sql,
                     size_t count)
{
    statements->db = db;
    statements->veil = veil;
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

/* 0, or -1 and error. */
static int bind_text(struct statements *statements, size_t which, int at, const char *text, int empty_is_null,
                     struct error *error)
{
    sqlite3_stmt *stmt = statements->prepared[which];
    char *hidden = NULL;
    int rc, hides;

    if (!text || (empty_is_null && !*text))
        rc = sqlite3_bind_null(stmt, at);
    else if ((hides = veil_text(statements->veil, text, &hidden, error)) < 0)
        return -1;
    else
        rc = hides ? sqlite3_bind_text(stmt, at, hidden, -1, free) : sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
    return rc == SQLITE_OK ? 0 : sqlite_error(statements->db, statements->sql[which], error);
}

static int bind_integer(sqlite3_stmt *stmt, int at, int64_t value, int zero_is_null)
{
    return zero_is_null && !value ? sqlite3_bind_null(stmt, at) : sqlite3_bind_int64(stmt, at, value);
}

static int bind_one(struct statements *statements, size_t which, int at, char kind, va_list *ap, struct error *error)
{
    sqlite3_stmt *stmt = statements->prepared[which];
    const void *bytes;
    int rc;

    if (kind == 't' || kind == 'z')
        return bind_text(statements, which, at, va_arg(*ap, const char *), kind == 'z', error);
    if (kind == 'b') {
        bytes = va_arg(*ap, const void *);
        rc = sqlite3_bind_blob64(stmt, at, bytes, va_arg(*ap, size_t), SQLITE_STATIC);
    } else {
        rc = bind_integer(stmt, at, va_arg(*ap, int64_t), kind == 'n');
    }
    return rc == SQLITE_OK ? 0 : sqlite_error(statements->db, statements->sql[which], error);
}

static sqlite3_stmt *prepare_and_bind(struct statements *statements, size_t which,
                                      struct error *error, const char *kinds, va_list *ap)
{
    sqlite3_stmt **stmt = &statements->prepared[which];
    const char *sql = statements->sql[which];

    if (!*stmt && sqlite3_prepare_v3(statements->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK) {
        (void)sqlite_error(statements->db, sql, error);
        return NULL;
    }
    for (int at = 1; kinds[at - 1]; at++)
        if (bind_one(statements, which, at, kinds[at - 1], ap, error))
            return NULL;
    return *stmt;
}

sqlite3_stmt *statement_bind(struct statements *statements, size_t which, struct error *error,
                             const char *kinds, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;

    va_start(ap, kinds);
    stmt = prepare_and_bind(statements, which, error, kinds, &ap);
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
    stmt = prepare_and_bind(statements, which, error, kinds, &ap);
    va_end(ap);
    return stmt ? statement_step(statements, which, error) : -1;
}
