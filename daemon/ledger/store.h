/* The store: the one writing connection to the database, and all SQL that writes.
 *
 * Belongs to one thread. Every change stands between store_begin and
 * store_commit; a failure inside means store_rollback, after which the
 * database is as it was before store_begin. WAL with synchronous=FULL: what
 * store_commit has acknowledged survives a crash and a power failure.
 *
 * A file lock beside the database (PATH.lock) makes sure that there is one
 * writer: the daemon, or suppressctl while no daemon runs.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_STORE_H
#define SUPPRESSD_DAEMON_LEDGER_STORE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct store;

/* strict: how local parts are compared; must be what the database was made
 * with. Makes and migrates the file (mode 0640) where needed. NULL and error
 * when locked by another writer, not ours, or the disk fails. */
struct store *store_open(const char *path, int strict, struct error *error) must_check;

/* Checkpoints the WAL and closes. */
void store_close(struct store **store);

int store_begin(struct store *store, struct error *error) must_check;
int store_commit(struct store *store, struct error *error) must_check;
void store_rollback(struct store *store);

/* Ids of rows that are made on first use; given is kept from the first time. */
int store_address(struct store *store, const char *key, const char *given, const char *domain,
                  int64_t *id_r, struct error *error) must_check;
int store_reply(struct store *store, const char *text, int64_t *id_r, struct error *error) must_check;
int store_ruleset(struct store *store, const char *version, int64_t now, int64_t *id_r,
                  struct error *error) must_check;

/* One row of the table event; strings borrowed, NULL or "" become NULL. */
struct store_event {
    int64_t time, recorded, address, ruleset, reply; /* reply 0: none */
    const char *original_recipient, *action, *reason, *persistence, *rule, *provider, *status, *stage;
    const char *reporting_mta, *remote_mta, *message_key, *queue_id, *message_id, *sender, *stream;
    const char *source, *evidence, *decision, *sentence;
    int code, trusted;
};

/* 1 and *id_r: added; 0: this result is known, one witness more is counted; -1. */
int store_add_event(struct store *store, const struct store_event *event, int64_t *id_r,
                    struct error *error) must_check;
/* Counts a witness of a result that our own MTA has reported under the long or
 * the short form of the same host name ("mx1", "mx1.example.com"): a log has
 * the one, a DSN the other. 1: there is one; 0; -1. */
int store_add_witness(struct store *store, const struct store_event *event, struct error *error) must_check;
int store_count_bounce(struct store *store, int64_t address, int hard, int64_t time, int64_t event,
                       struct error *error) must_check;

struct store_suppression {
    const char *key, *stream, *reason, *origin, *note, *who; /* all non-NULL */
    int64_t since, until; /* until 0: for good */
    int64_t event;        /* 0: none */
};

/* 1 when key has a suppression for stream now, 0 when not, -1. */
int store_suppressed(struct store *store, const char *key, const char *stream, int64_t now,
                     struct error *error) must_check;
/* Adds, or puts in the place of the one that is there; both with a row in change. */
int store_suppress(struct store *store, const struct store_suppression *suppression,
                   struct error *error) must_check;
/* 1: released; 0: there was none; -1. */
int store_release(struct store *store, const char *key, const char *stream, const char *who,
                  const char *note, int64_t now, struct error *error) must_check;

int store_add_sent(struct store *store, int64_t time, const char *queue_id, const char *message_id,
                   const char *sender, const char *stream, const char *const *keys, size_t count,
                   struct error *error) must_check;
/* 1 and stream_r (freed by the caller) when a submitted message with this
 * queue id, or else this message id, went to key; 0 when not known; -1. */
int store_sent_stream(struct store *store, const char *queue_id, const char *message_id,
                      const char *key, char **stream_r, struct error *error) must_check;

int store_keep_aside(struct store *store, int64_t time, const char *source, const char *evidence,
                     const char *problem, const char *sender, const char *bytes, size_t size,
                     struct error *error) must_check;

struct log_position;
int store_put_position(struct store *store, const char *path, const struct log_position *position,
                       int64_t now, struct error *error) must_check;

/* Forgets submitted messages from before sent_before, a bounded number a call,
 * and the oldest reports kept aside beyond aside_bytes. 1: there is more. */
int store_prune(struct store *store, int64_t sent_before, int64_t aside_bytes,
                struct error *error) must_check;

#endif
