/* Which column of a table holds the addresses, and is its first row a header?
 *
 * A first row with an address in it is no header. Else the column is the one
 * that is named (--column NAME, or a number from 1), or one with a usual name:
 * "email", "E-Mail Address", "recipient" and the like.
 */
#ifndef SUPPRESSD_CTL_COLUMN_H
#define SUPPRESSD_CTL_COLUMN_H

#include "ctl/csv.h"

struct column {
    size_t index;
    int header; /* the first row is one */
};

/* first: the first row, as csv_next gave it. wanted: NULL where not named. -1: ERROR_INPUT. */
int column_find(struct csv *csv, const struct csv_row *first, const char *wanted, struct column *column_r,
                struct error *error) must_check;

#endif
