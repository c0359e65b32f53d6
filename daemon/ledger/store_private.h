/* What the files of the store share. Nobody else includes it. */
#ifndef SUPPRESSD_DAEMON_LEDGER_STORE_PRIVATE_H
#define SUPPRESSD_DAEMON_LEDGER_STORE_PRIVATE_H

#include "daemon/ledger/statement.h"
#include "daemon/ledger/store.h"
#include "daemon/ledger/veil.h"

#include <sqlite3.h>

/* How far the old results have been looked at; lost at the end, and begun anew. */
struct store_place {
    int64_t time, id;
};
#define STORE_PLACE_FIRST ((struct store_place){INT64_MIN, 0})

struct store {
    sqlite3 *db;
    struct veil *veil; /* of all its statements */
    struct statements statements;       /* of store.c */
    struct statements event_statements; /* of store_event.c */
    struct statements set_statements;   /* of store_set.c */
    struct statements undo_statements;  /* of store_undo.c */
    struct statements retain_statements; /* of store_retain.c */
    struct statements erase_statements; /* of store_erase.c */
    struct store_place old, old_unproven;
    int64_t taken_at;                   /* taken has been looked through up to this hash */
    char *key_path;                     /* of the key of hashes */
    int erased;                         /* in the open transaction: leave no trace in the WAL */
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
void store_retain_prepare(struct store *store);
void store_erase_prepare(struct store *store);
/* Drops a result, and its text and address when no other result has them. */
int store_drop_event(struct store *store, int64_t id, int64_t address, int64_t reply, struct error *error) must_check;
/* After the migrations. */
int store_set_prepare(struct store *store, struct error *error) must_check;
int store_undo_prepare(struct store *store, struct error *error) must_check;

#endif
