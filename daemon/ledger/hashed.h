/* Hashed: how a database says that its addresses are tokens, and how it comes to that.
 *
 * Three facts stand in it: address_form (as in store.h), addresses ("hashed";
 * "hashing" while that is not finished; absent: plain) and address_check, by
 * which another key than its own is known. The key file is PATH.key (secret.h).
 * SQL for the store's connection and a reader's; the thread of the connection.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_HASHED_H
#define SUPPRESSD_DAEMON_LEDGER_HASHED_H

#include "base/error.h"
#include "daemon/ledger/veil.h"

#include <sqlite3.h>

/* Closes the veil when this database is hashed; -1 without its key, or with
 * another. The writer ends first what a conversion left to be wiped. A reader
 * who cannot have the key gets a locked veil: it may ask what needs no address. */
int hashed_open(sqlite3 *db, const char *path, struct veil *veil, struct error *error) must_check;
int hashed_open_reader(sqlite3 *db, const char *path, struct veil *veil, struct error *error) must_check;

/* 1: no address has ever been written; 0; -1. */
int hashed_is_empty(sqlite3 *db, struct error *error) must_check;

/* Makes a plain database a hashed one, with a key that is made where there is
 * none, and closes the veil: in one transaction, of which a crash leaves all or
 * nothing; after it what the files still hold of the addresses is wiped (VACUUM
 * and an emptied WAL), for which nobody may be reading. After it the connection
 * is only to be closed, for it has no triggers any more: they would copy what was
 * there before, or forbid to change it. On -1 the database is plain still, or only to be wiped.
 * What cannot be hidden is let go: the messages that were kept aside. There is no
 * way back. */
int hashed_convert(sqlite3 *db, const char *path, int strict, struct veil *veil, struct error *error) must_check;

#endif
