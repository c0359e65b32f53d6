/* What the files of the store share. Nobody else includes it. */
#ifndef SUPPRESSD_DAEMON_LEDGER_STORE_PRIVATE_H
#define SUPPRESSD_DAEMON_LEDGER_STORE_PRIVATE_H

#include "daemon/ledger/statement.h"
#include "daemon/ledger/store.h"
#include "daemon/ledger/veil.h"

#include <sqlite3.h>

struct store {
    sqlite3 *db;
    struct veil *veil; /* of all its statements */
    struct statements statements;       /* of store.c */
    struct statements event_statements; /* of store_event.c */
    struct aside *aside;
    struct taken *taken;
    struct statements hygiene_statements; /* of store_hygiene.c */
    struct statements past_statements;    /* of past.c */
    struct statements incident_statements; /* of store_incident.c */
    int failed; /* it was not opened whole */
    struct undecided *undecided;
    int lock_fd;
    int open_transaction;
};

void store_event_prepare(struct store *store);
void store_hygiene_prepare(struct store *store);
void store_incident_prepare(struct store *store);

#endif
