/* Replay: what hygiene decides of one recipient's results, all of them read by
 * today's rules and policy.
 *
 * The same engine as on the day of the result (hygiene.h), with the history as it
 * was then, as far as it is on record: failures that count together by their
 * verdicts of today, the newest delivery that is known, those of the domain that
 * agree (reclassify.h keeps them). Two questions, which differ in what is held
 * against whom:
 *
 *   would it be suppressed now?   What stands, the allow-list, later deliveries, an
 *       incident that was open at its time, a person's release since: all speak
 *       for the recipient.
 *   does a suppression rest on it?   None of these is asked, nor how long it would
 *       last: who stands there already stays, in doubt.
 *
 * Borrows a reading connection; the thread of that connection.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_REPLAY_H
#define SUPPRESSD_DAEMON_LEDGER_REPLAY_H

#include "base/error.h"
#include "daemon/ledger/hygiene.h"
#include "daemon/ledger/rejudge.h"

struct replay;

/* All borrowed. */
struct replay *replay_open(sqlite3 *db, struct veil *veil, struct rejudge *rejudge, const struct policy_trial *trial,
                           int64_t now);
void replay_close(struct replay **replay);

/* Reads the results of a recipient, at most RESULTS_MAX (the newest): how many, -1. */
int replay_load(struct replay *replay, int64_t address, struct error *error) must_check;

/* One of these results, the oldest is 0; valid until the next is loaded. */
struct replayed {
    struct on_record row;
    struct rejudged today;
};
const struct replayed *replay_result(const struct replay *replay, int which);

/* Failures of it that counted have been let go of (store_retain). */
int replay_is_pruned(const struct replay *replay);

/* 0 or -1. Unless a decision to suppress comes out it is not to be added. */
int replay_would_add(struct replay *replay, int which, struct decision *decision_r, struct error *error) must_check;

/* Does any of the results suppress in this stream? 1; 0, and what is decided of the
 * result event; -1. */
int replay_bears_out(struct replay *replay, int64_t event, struct decision *decision_r, struct error *error) must_check;

/* Does any result of the domain blame it? 1, 0, -1. */
int replay_domain_is_blamed(struct replay *replay, const char *domain, struct error *error) must_check;

/* A failure that speaks of its domain: kept for those of the domain. */
int replay_note_domain(struct replay *replay, const struct on_record *row, const struct rejudged *today,
                       struct error *error) must_check;

#endif
