/* Rejudge: what today's rules and policy say of a result on record.
 *
 * A reply is classified once for each provider: verdicts are kept in a table of
 * fixed size. Borrows a reading connection; the thread of that connection.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_REJUDGE_H
#define SUPPRESSD_DAEMON_LEDGER_REJUDGE_H

#include "base/error.h"
#include "daemon/ledger/hygiene.h"

#include <sqlite3.h>

struct rejudge;
struct veil;
struct ruleset;

/* A final result by trusted evidence, as it stands on record (event e, address a). */
#define REJUDGE_COLUMNS \
    "e.id, coalesce(e.reply, 0), e.recorded, e.time, e.address, coalesce(e.code, 0), coalesce(e.status, '')," \
    " coalesce(e.remote_mta, ''), e.action, e.reason, a.domain, a.key, e.stream, e.decision"
#define REJUDGE_COLUMN_COUNT 14
#define REJUDGE_FINAL "e.trusted = 1 AND e.action IN ('failed', 'complaint')"

struct on_record {
    int64_t event, reply, recorded, time, address;
    int code;
    const char *status, *mta, *action, *reason, *domain, *key, *stream, *decision; /* the row's */
};
struct on_record rejudge_row(sqlite3_stmt *stmt);

struct rejudged {
    struct verdict verdict;
    struct policy_rule rule;
    struct hygiene_facts facts; /* of the day of the result, but for now */
    int acts;                   /* 0: it is nothing to anybody, whatever came before */
};

/* Counts are taken of ruleset and policy. NULL and error. */
struct rejudge *rejudge_open(sqlite3 *db, struct veil *veil, struct ruleset *ruleset, struct policy *policy, int64_t now,
                             struct error *error) must_check;
void rejudge_close(struct rejudge **rejudge);

int rejudge_find(struct rejudge *rejudge, const struct on_record *row, struct rejudged *rejudged_r,
                 struct error *error) must_check;

const char *rejudge_version(const struct rejudge *rejudge); /* of the rules */
uint64_t rejudge_judged(const struct rejudge *rejudge);     /* results so far ... */
uint64_t rejudge_classified(const struct rejudge *rejudge); /* ... of which a classifier had to read so many */

#endif
