/* The database's file: one writer, made whole or not at all, and never written
 * over when it is not what was left there.
 *
 * SQLite makes a database of an empty file, and takes what is no WAL for no WAL:
 * both would begin anew in silence where records have been lost. So a file of
 * ours is never empty: it is made beside, and renamed. Any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_DATABASE_FILE_H
#define SUPPRESSD_DAEMON_LEDGER_DATABASE_FILE_H

#include "base/error.h"

/* The lock PATH.lock of the one writer: a descriptor, to be closed; -1 and error,
 * also when somebody has it. */
int database_file_lock(const char *path, struct error *error) must_check;

/* Under the lock. 0: there is a file that SQLite may open, perhaps just made, with
 * mode 0640. -1: it cannot be made; ERROR_DAMAGED: it is empty, or its WAL is none,
 * or there is a WAL only. */
int database_file_ready(const char *path, struct error *error) must_check;

/* Puts the file at from in the place of the database: as its mode and owner are,
 * without the WAL, in one step. What is there stays whole, with its WAL, at aside.
 * Under the lock. */
int database_file_replace(const char *path, const char *from, const char *aside, struct error *error) must_check;

#endif
