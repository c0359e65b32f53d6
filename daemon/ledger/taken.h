/* The memory of who takes mail: of each address, by the hash of its key, the
 * day (Unix days) on which it last did. The store's part for it: all SQL of the
 * tables taken and taken_lately.
 *
 * Hashes have no neighbours: one that is written costs a page of four kilobytes,
 * and a log that is caught up with tells of ten thousand addresses a commit. So
 * changes are kept in memory, and in taken_lately as they came, in the
 * transaction that made them; nothing is later on disk than what it follows
 * from. What is kept is in TAKEN_PARTS parts by the first bits of the hash; when
 * all together are more than TAKEN_MAX, the fullest is written to its place in
 * the order of the hashes, where neighbours share a page. A few changes
 * (TAKEN_FEW) go to their place at once.
 *
 * Belongs to the thread of the store, and works inside its transactions.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_TAKEN_H
#define SUPPRESSD_DAEMON_LEDGER_TAKEN_H

#include "base/error.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#define TAKEN_PARTS 16
#define TAKEN_MAX (1 << 18) /* addresses in memory: some 8 MB */
#define TAKEN_FEW 1000

struct taken;
struct veil;

/* db and veil are borrowed; before or after the migrations. Hashes are kept as the
 * veil shows them. */
struct taken *taken_open(sqlite3 *db, const struct veil *veil);
void taken_close(struct taken **taken);

/* Reads many at once that taken_find will be asked for. */
int taken_expect(struct taken *taken, const uint64_t *hashes, size_t count, struct error *error) must_check;

/* 1 and the day, 0 when it is not known to have taken mail, -1. */
int taken_find(struct taken *taken, uint64_t hash, int64_t *day_r, struct error *error) must_check;
int taken_put(struct taken *taken, uint64_t hash, int64_t day, struct error *error) must_check;
int taken_drop(struct taken *taken, uint64_t hash, struct error *error) must_check;

/* Writes what the transaction has changed: before each commit. */
int taken_save(struct taken *taken, struct error *error) must_check;
/* Writes all to its place: before anything else looks at the table taken. */
int taken_settle(struct taken *taken, struct error *error) must_check;
/* What was changed is void: after each rollback. */
void taken_rolled_back(struct taken *taken);

#endif
