/* Change sets: what one person asked for at once, audited and undone as one.
 *
 * Part of the store, inside its transactions. All that is written between
 * store_set_begin and store_set_end is a part of a set; a set has one part, or
 * several where it is large: those of an import are recorded, and all are undone,
 * in transactions of their own, so that nobody waits for long.
 * What such a write replaces or deletes in suppression, allow, held, incident and
 * bounce is kept in former, whoever writes: that is what undo restores.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_STORE_SET_H
#define SUPPRESSD_DAEMON_LEDGER_STORE_SET_H

#include "base/error.h"
#include "daemon/ledger/plan.h"

#include <stdint.h>

struct store;

struct store_set {
    const char *who, *what, *note; /* borrowed */
    int64_t time;
    int64_t id;            /* of the set that goes on; 0: a new one, which store_set_end makes */
    int64_t undoes;        /* 0: none */
    int64_t suppressed, released, skipped; /* of this part */
    int64_t after_change, after_former, undoes_part; /* the store's */
};

/* -1 with ERROR_INPUT: a set that goes on must be the same person's, of the same
 * kind, and not undone. */
int store_set_begin(struct store *store, struct store_set *set, struct error *error) must_check;
/* Where nothing was changed there is no part, and no new set: the id stays. */
int store_set_end(struct store *store, struct store_set *set, struct error *error) must_check;

/* Keeps a part of a plan for store_apply; what another left behind a day ago goes. */
int store_stage(struct store *store, const struct plan *plan, int64_t now, struct error *error) must_check;

/* Does what has been staged under the plan's token, and counts the last part of it
 * in set, which has begun. What has changed since the plan was made (plan->seen) is
 * skipped: another's later word stands. */
int store_apply(struct store *store, const struct plan *plan, struct store_set *set, struct error *error) must_check;

/* Puts all that the newest part of this set (0: the newest set that can be undone)
 * that is not undone yet has touched back as it was before, and counts it in set,
 * whose id and undoes it sets. Who has been changed since is left alone and
 * counted as skipped. 1; 2: the set has further parts; 0: there is nothing to
 * undo; -1, with ERROR_INPUT when that set cannot be undone. */
int store_undo(struct store *store, int64_t id, struct store_set *set, struct error *error) must_check;

#endif
