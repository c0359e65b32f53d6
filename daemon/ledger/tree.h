/* Which page belongs to which b-tree of a damaged database file.
 *
 * The schema's rows are looked for on all pages, for the way to them may be
 * damaged; from the root of each table and index the pages below are marked.
 * Pages below a damaged one stay unmarked. Any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_TREE_H
#define SUPPRESSD_DAEMON_LEDGER_TREE_H

#include "daemon/ledger/pages.h"

struct trees;

struct tree {
    char name[64];  /* of the table or index */
    char table[64]; /* whose it is */
    int is_index;
    uint32_t root;
};

struct trees *trees_find(const struct pages *pages);
void trees_free(struct trees **trees);

/* NULL: nobody's, as far as is known. */
const struct tree *trees_owner(const struct trees *trees, uint32_t page);
/* Pages that are pointed at and are no pages of a b-tree, or point at nowhere. */
uint32_t trees_unreadable(const struct trees *trees);

#endif
