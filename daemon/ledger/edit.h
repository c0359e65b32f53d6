/* What people change: suppressions added, released, imported, reclassified, the
 * allow-list, incidents closed and rolled back; changes undone, persons
 * forgotten. Each is a change set. Belongs to the ledger; works inside its open
 * transaction.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_EDIT_H
#define SUPPRESSD_DAEMON_LEDGER_EDIT_H

#include "base/error.h"
#include "daemon/ledger/record.h"

struct store;
struct watch;

int edit_is(enum record_kind kind);

/* Sets changed_r and set_r of the record. */
int edit_record(struct store *store, struct watch *watch, struct record *record, struct error *error) must_check;

#endif
