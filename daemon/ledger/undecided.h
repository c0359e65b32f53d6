/* Of whom an incident may hold something that is not decided: a filter before
 * the look into the table held, for of those who take mail hardly any is held.
 *
 * It may say yes of one that is not held. It never says no of one that is: what
 * stands in the table is read when it is opened, outside of any transaction,
 * and of each row that becomes undecided later a trigger of this connection
 * tells, whichever statement makes it so. Nothing is taken out, so that a
 * rollback brings back nobody who is not in here. This connection is the only
 * one that writes (store.h). Beyond UNDECIDED_MAX keys it says yes of all.
 *
 * Belongs to the thread of the connection.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_UNDECIDED_H
#define SUPPRESSD_DAEMON_LEDGER_UNDECIDED_H

#include "base/error.h"

#include <sqlite3.h>

#define UNDECIDED_MAX 50000

struct undecided;
struct veil;

/* After the migrations, with no open transaction, the veil as it will stay. db and
 * veil are borrowed. NULL and error. */
struct undecided *undecided_open(sqlite3 *db, struct veil *veil, struct error *error) must_check;
void undecided_close(struct undecided **undecided);

/* key: an address, or "@" and a domain. 0: nothing is held of it. */
int undecided_may_be(const struct undecided *undecided, const char *key);

#endif
