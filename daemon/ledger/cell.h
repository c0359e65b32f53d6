/* The rows that stand on one page of a b-tree, read without SQLite.
 *
 * Every number on a damaged page may be anything: what does not hold together
 * to the last octet is no row. Any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_CELL_H
#define SUPPRESSD_DAEMON_LEDGER_CELL_H

#include "daemon/ledger/pages.h"

#include <sqlite3.h>

/* Kinds of pages; the first octet of each. */
enum cell_page { CELL_INDEX_INNER = 2, CELL_TABLE_INNER = 5, CELL_INDEX_LEAF = 10, CELL_TABLE_LEAF = 13 };

#define CELL_VALUES_MAX 64

struct cell_value {
    int type; /* SQLITE_INTEGER, ... SQLITE_NULL */
    int64_t integer;
    double real;
    const unsigned char *bytes; /* of text and blob */
    size_t length;
};

/* One row; zero it before the first use, cell_clear after the last. */
struct cell {
    int64_t rowid; /* of a table with rowids */
    int count;
    struct cell_value values[CELL_VALUES_MAX];
    unsigned char *buffer; /* holds the values */
    size_t size;
};

/* The kind of the page, 0 when it is none of a b-tree. */
int cell_page_kind(const struct pages *pages, uint32_t number);
/* How many cells it claims to have, never more than fit. */
int cell_count(const struct pages *pages, uint32_t number);

/* The row in a cell (index from 0) of a leaf, or of an inner page of an index: 1,
 * 0 when there is none that can be read. Valid until the next call with the same cell. */
int cell_read(const struct pages *pages, uint32_t number, int index, struct cell *cell);
void cell_clear(struct cell *cell);

/* The page below an inner page, index from 0 to cell_count inclusive; 0 when there is none. */
uint32_t cell_child(const struct pages *pages, uint32_t number, int index);

#endif
