/* The outcome: one delivery result on its way into the database.
 *
 * Classified, decided, matched with what is known of the same result, counted
 * and recorded, with its consequences. The first to tell of a result makes the
 * event; who tells of it again is a witness (witness.h). When a richer text
 * changes the verdict, bounce record, suppression and counts follow. Belongs to
 * the ledger; works inside its open transaction.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_OUTCOME_H
#define SUPPRESSD_DAEMON_LEDGER_OUTCOME_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/ledger/record.h"
#include "daemon/report/address.h"

struct classifier;
struct policy;
struct keyring;
struct store;
struct tally;
struct watch;

struct outcome_rooms {
    struct store *store;
    struct classifier *classifier;
    struct policy *policy;
    struct watch *watch;
    struct tally *tally;       /* counted here, written by the ledger */
    struct counters *counters;
    struct keyring *keyring;   /* what proves besides the journal; NULL: nothing */
    int64_t ruleset;           /* row of the rule set in use; 0: look it up */
};

/* uncounted: in events only, not in the rollup. */
int outcome_record(struct outcome_rooms *rooms, const struct record *record, const struct delivery *delivery,
                   const struct address *address, int uncounted, struct error *error) must_check;

#endif
