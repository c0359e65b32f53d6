/* Brings a database to the schema of this program: the numbered migrations of
 * schema/, each in a transaction of its own, the number kept in user_version.
 *
 * The thread that owns the connection.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_MIGRATE_H
#define SUPPRESSD_DAEMON_LEDGER_MIGRATE_H

#include "base/error.h"

#include <sqlite3.h>

#define MIGRATE_APPLICATION_ID 0x73757064 /* "supd": whose file this is */
/* What a person does about a damaged file. */
#define MIGRATE_REMEDY "nothing more is written to it; stop suppressd and run 'suppressctl repair'"

/* The number of the newest migration. */
int migrate_newest(void);

/* 0 when the database is at migrate_newest(). -1: not ours, made by a newer
 * program, or the disk failed; the database is then as it was. */
int migrate(sqlite3 *db, struct error *error) must_check;
/* Likewise, as far as that version. */
int migrate_to(sqlite3 *db, int newest, struct error *error) must_check;

/* Fills error from the connection's last failure: "what: text (extended code)";
 * ERROR_INPUT where the bound values are to blame, ERROR_DAMAGED where the file
 * is, with the remedy. Returns -1. */
int sqlite_error(sqlite3 *db, const char *what, struct error *error);

/* One integer, such as a pragma's value. 0 or -1. */
int sqlite_integer(sqlite3 *db, const char *sql, long *value_r, struct error *error) must_check;

#endif
