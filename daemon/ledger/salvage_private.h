/* What salvage.c and salvage_sources.c share. */
#ifndef SUPPRESSD_DAEMON_LEDGER_SALVAGE_PRIVATE_H
#define SUPPRESSD_DAEMON_LEDGER_SALVAGE_PRIVATE_H

#include "daemon/ledger/cell.h"
#include "daemon/ledger/salvage.h"
#include "daemon/ledger/tree.h"

#include <sqlite3.h>

struct salvage_column {
    char *name;
    char kind;        /* first letter of its type; 0: any value */
    int may_be_null;
    int has_default;  /* a row from before it was added does without */
};

struct salvaged {
    char *name;
    int without_rowid;
    int alias; /* column that is the rowid; -1 */
    int count;
    struct salvage_column columns[CELL_VALUES_MAX];
    int adopts;       /* its columns have types that tell whether a row fits */
    sqlite3_stmt *add[CELL_VALUES_MAX + 1]; /* by number of values; NULL: not yet prepared, here and below */
    sqlite3_stmt *by_index;                 /* what is done with an entry of an index */
    int64_t rows, restored, lost;
};

struct salvage {
    struct pages *pages;
    struct trees *trees;
    sqlite3 *db; /* the new one */
    int version;
    struct salvaged *tables;
    size_t count;
    struct salvage_report *report;
};

struct salvaged *salvage_find(struct salvage *salvage, const char *name);
void salvage_bind(sqlite3_stmt *stmt, int at, const struct cell_value *value);
int salvage_execute(struct salvage *salvage, const char *sql, struct error *error) must_check;

/* salvage_sources.c: restores by what else tells of a row, counts what is lost,
 * and leaves the tables as the schema wants them. */
int salvage_by_indexes(struct salvage *salvage, struct error *error) must_check;
int salvage_mend(struct salvage *salvage, struct error *error) must_check;

#endif
