/* Reclassify: what today's rules and policy say of the results on record.
 *
 * Finds who would be released (an automatic suppression in force that neither the
 * result that it rests on nor any other of that recipient bears out) and who would
 * be added (hygiene decides to suppress for a result, and nothing speaks for the
 * recipient): replay.h asks the same engine as on the day of the result. Whom, not
 * for how long: a suppression that stands keeps its time, its stream, its state.
 * The events keep the verdict of their day.
 *
 * Never released: a person's entries, complaints, what rests on no result, what is
 * not enforced or over; what counted on results that have been let go of; a
 * domain as long as any result of it blames the domain. Never added: whom a
 * person has released since, or put on the allow-list; who took mail since; what
 * an incident that was open at the time would have held.
 *
 * Three passes: over the results, to find the recipients of whom today's verdict
 * may follow something else, then over these, then over the suppressions. Reads
 * only, in short steps, so that neither the writer nor a checkpoint waits for it.
 * Memory is bounded: verdicts are kept in a table of fixed size (rejudge.h), at
 * most a thousand results of one recipient are held, and what is found goes to
 * temporary tables of SQLite's on disk. One owner, any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_RECLASSIFY_H
#define SUPPRESSD_DAEMON_LEDGER_RECLASSIFY_H

#include "base/error.h"

#include <stdint.h>

struct policy;
struct reclassify;
struct ruleset;

struct reclassify_progress {
    uint64_t done, total;    /* rows to look at: events, recipients and suppressions */
    uint64_t judged;         /* results of which the rules were asked */
    uint64_t classified;     /* of these, how many a classifier had to read */
    uint64_t replayed;       /* recipients whose results were all asked */
    uint64_t release, add;   /* found so far */
};

/* One recipient of whom something else follows today. Valid during the call. */
struct reclassified {
    const char *key, *stream;
    const char *was, *reason;  /* of the result, then and now */
    const char *rule, *reply, *policy;
    const char *note;          /* for the record: why */
    int64_t event;             /* the result */
    int64_t until, trial;      /* of what is added: as in struct store_suppression */
    int release;               /* else: add */
};

/* Results from before since are not looked at, but as the history of others. NULL and error. */
struct reclassify *reclassify_open(const char *database, struct ruleset *ruleset, struct policy *policy, int64_t since,
                                   int64_t now, struct error *error) must_check;
void reclassify_close(struct reclassify **reclassify);

/* Looks at the next few hundred or thousand rows. 1: there is more; 0: done; -1. */
int reclassify_step(struct reclassify *reclassify, struct reclassify_progress *progress_r,
                    struct error *error) must_check;

/* When done: calls row for each, by recipient, until it returns non-zero, which
 * is returned; -1 is a failure of either. */
int reclassify_each(struct reclassify *reclassify, int (*row)(const struct reclassified *one, void *context),
                    void *context, struct error *error) must_check;

/* The newest change of a suppression when it was opened: see plan.h. */
int64_t reclassify_seen(const struct reclassify *reclassify);

#endif
