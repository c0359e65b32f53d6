/* Salvage: what can still be read of a damaged database, in a new one.
 *
 * Rows are taken from the pages themselves, so that a damaged page costs what
 * stands on it and nothing beyond. A page that nobody points at any more is
 * known by its rows: a row goes to the table whose columns it fits, if there is
 * exactly one. What else tells of a lost row is asked then: an address stands in
 * its index too, the allow-list and suppressions in the record of changes. A
 * suppression that nothing else speaks of, neither its result nor a change, is
 * left out: a damaged page may have put it on somebody else. A submitted message
 * proves nothing any more (proof.h): another recipient of it may be lost.
 *
 * The damaged file is read only. Any thread; the caller holds the store's lock.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_SALVAGE_H
#define SUPPRESSD_DAEMON_LEDGER_SALVAGE_H

#include "base/error.h"

#include <stdint.h>

struct salvage_table {
    const char *name;
    int64_t rows;     /* read from its pages */
    int64_t restored; /* from what else tells of them */
    int64_t lost;     /* known to have been there: an index names them, or they belonged to such */
};

struct salvage_report {
    uint32_t pages, unreadable;
    int64_t lost; /* of all tables */
    /* Called for each table, in the order of their names; name is valid during the call. */
    void (*table)(const struct salvage_table *table, void *context);
    /* A suppression that is left out; it is among its table's lost. */
    void (*doubtful)(const char *key, void *context);
    void *context;
};

/* Makes the database at into, in place of what a salvage that was broken off left
 * there, with the schema version of the damaged one: synchronised, and found sound by integrity_check and
 * foreign_key_check. -1: nothing can be read, or the disk failed; into is gone then. */
int salvage(const char *path, const char *into, struct salvage_report *report, struct error *error) must_check;

/* 1: SQLite finds nothing wrong with the file and its WAL; 0, and what in error; -1.
 * Nothing is written. May run beside a daemon. */
int salvage_is_sound(const char *path, struct error *error) must_check;

#endif
