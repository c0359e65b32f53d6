/* The tally: results counted in memory, until they go to the database.
 *
 * A batch of thousands of results falls into few buckets; each is one row to
 * write, however many results it has. One owner.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_TALLY_H
#define SUPPRESSD_DAEMON_LEDGER_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally;

/* Strings are borrowed for the call and never NULL. */
struct bucket {
    int64_t time; /* any within the hour */
    const char *provider, *domain, *stream, *action, *reason;
    int trusted;
    int64_t attempts, reports; /* to add; below zero to take away */
};

struct tally *tally_new(void);
void tally_free(struct tally **tally);

void tally_add(struct tally *tally, const struct bucket *bucket);

/* Calls row for each bucket, its time the hour's first second, in the order of
 * their keys, until it returns non-zero, which is then returned. */
int tally_each(struct tally *tally, int (*row)(const struct bucket *bucket, void *context), void *context);

void tally_clear(struct tally *tally);

#endif
