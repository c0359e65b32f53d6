/* Prepared statements: prepared on first use, kept, always bound.
 *
 * What is bound is hidden as the connection's veil says (veil.h), whatever it is for.
 * A room declares its SQL as a table of texts, indexed by an enum of its own.
 * Belongs to the thread of its connection.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_STATEMENT_H
#define SUPPRESSD_DAEMON_LEDGER_STATEMENT_H

#include "base/error.h"

#include <sqlite3.h>
#include <stddef.h>

struct veil;

struct statements {
    sqlite3 *db;
    struct veil *veil; /* borrowed: all text that is bound passes it */
    const char *const *sql; /* borrowed, count entries */
    sqlite3_stmt **prepared;
    size_t count;
};

void statements_init(struct statements *statements, sqlite3 *db, struct veil *veil, const char *const *sql,
                     size_t count);
void statements_clear(struct statements *statements);

/* Binds the arguments as kinds says, a letter each: i int64_t, t const char *
 * (NULL becomes NULL), z the same but "" becomes NULL too, n int64_t of which
 * 0 becomes NULL, b const void * and size_t. Text is borrowed until the
 * statement is reset. NULL and error on failure. */
sqlite3_stmt *statement_bind(struct statements *statements, size_t which, struct error *error,
                             const char *kinds, ...) must_check;

/* One step: 1 a row (read its columns, then statement_reset), 0 done, -1 failed;
 * after 0 and -1 it is reset. */
int statement_step(struct statements *statements, size_t which, struct error *error) must_check;
void statement_reset(struct statements *statements, size_t which);

/* Binds and steps a statement that gives no rows. 0 or -1. */
int statement_run(struct statements *statements, size_t which, struct error *error,
                  const char *kinds, ...) must_check;

#endif
