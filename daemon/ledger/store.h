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
#include "daemon/ledger/secret.h"

#include <stddef.h>
#include <stdint.h>

struct aside;
struct store;
struct taken;

/* strict: how local parts are compared; must be what the database was made
 * with. Makes and migrates the file (mode 0640) where needed. NULL and error
 * when locked by another writer, not ours, damaged (nothing is written then), or
 * the disk fails. */
struct store *store_open(const char *path, int strict, struct error *error) must_check;

/* Whether addresses are hidden (veil.h); how it comes to that is told in hashed.h.
 * store_hide: of a database that holds addresses, or of an empty one, outside of
 * a transaction; then the store is only to be closed. is_empty: 1, 0, -1. */
int store_is_hidden(const struct store *store);
int store_is_empty(struct store *store, struct error *error) must_check;
int store_hide(struct store *store, const char *path, int strict, struct error *error) must_check;
/* The text as it may stand in the database, by what is told of this recipient
 * (NULL: of nobody); freed by the caller. NULL stays NULL. */
int store_hidden(struct store *store, const char *text, const char *key, char **hidden_r, struct error *error) must_check;

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

/* Adds a result that store_find_event does not find. */
int store_add_event(struct store *store, const struct store_event *event, int64_t *id_r,
                    struct error *error) must_check;

/* A result that has been told of before. */
#define STORE_KNOWN_TEXTS 20
struct store_known {
    int64_t id;
    struct store_event event; /* strings never NULL, "" where nothing is known */
    const char *reply;
    char *owned[STORE_KNOWN_TEXTS]; /* these strings */
};

/* The same result of the same message and recipient: 1 and *known_r (then
 * store_known_clear), 0, -1. By message_key at the reporting MTA, for whose
 * name the long and the short form count as the same ("mx1", "mx1.example.com":
 * a log has the one, a DSN the other); else by Message-ID, unless both are
 * local (local: this one is), for a message may be submitted twice. What is
 * trusted goes first. An unproven result is found whatever host it claims, so
 * that nobody can pile up rows that all must be looked at; of two that the same
 * sent message proves the host is of no account either. */
int store_find_event(struct store *store, const struct store_event *event, int local,
                     struct store_known *known_r, struct error *error) must_check;
void store_known_clear(struct store_known *known);

/* Counts a witness more and keeps what kind it was. */
int store_add_witness(struct store *store, int64_t id, const char *source, const char *evidence,
                      struct error *error) must_check;
/* Puts all but recorded, address and action in the place of what is there. */
int store_put_event(struct store *store, int64_t id, const struct store_event *event,
                    struct error *error) must_check;

int store_count_bounce(struct store *store, int64_t address, int hard, int64_t time, int64_t event,
                       struct error *error) must_check;
/* A failure that was counted turns out to be hard (1) or not (-1). */
int store_move_bounce(struct store *store, int64_t address, int hard, struct error *error) must_check;

/* Adds to a bucket of the rollup (tally.h). */
struct bucket;
int store_count(struct store *store, const struct bucket *bucket, struct error *error) must_check;
/* Folds the oldest hour of the rollup from before that time into its day: 1
 * done, there may be more; 0 there is none; -1. */
int store_fold(struct store *store, int64_t before, struct error *error) must_check;

struct store_suppression {
    const char *key, *stream, *reason, *origin, *note, *who; /* all non-NULL */
    int64_t since, until; /* until 0: for good */
    int64_t event;        /* 0: none */
    const char *why;      /* of the change, for the audit; NULL: the note */
    const char *state;    /* "enforced", "held" or "shadow" (hygiene.h); NULL: enforced */
    const char *policy;   /* the line that it rests on; NULL: none */
    int level;            /* how often suppressed again */
    int64_t trial;        /* messages let through when it has expired; 0: it just ends */
};

/* What came before (past.h), as it stands inside the open transaction. */
struct past_question;
struct hygiene_history;
int store_past(struct store *store, const struct past_question *question, struct hygiene_history *history_r,
               struct error *error) must_check;

/* 1 when key has a suppression for stream now, 0 when not, -1. One that this
 * event caused does not count; 0: each counts. */
int store_suppressed(struct store *store, const char *key, const char *stream, int64_t now,
                     int64_t event, struct error *error) must_check;
/* Adds, or puts in the place of the one that is there; both with a row in change. */
int store_suppress(struct store *store, const struct store_suppression *suppression,
                   struct error *error) must_check;
/* 1: released; 0: there was none; -1. */
int store_release(struct store *store, const char *key, const char *stream, const char *who,
                  const char *note, int64_t now, struct error *error) must_check;

/* Takes back the automatic suppression, of the recipient or its domain, that
 * this event caused: 1; 0: there is none; -1. */
int store_release_event(struct store *store, int64_t event, const char *note, int64_t now,
                        struct error *error) must_check;

/* A message was sent to key: counts where a suppression is on trial, held or in
 * shadow mode. 1: one is; 0; -1. */
int store_note_send(struct store *store, const char *key, const char *domain, const char *stream, int64_t now,
                    struct error *error) must_check;
/* 1 when there may be a suppression on trial, 0, -1. */
int store_on_trial(struct store *store, struct error *error) must_check;
/* Failures of key from before that time count no more: a message was delivered
 * then (who NULL), or a person released it. Writes once after each failure, however
 * much is delivered, with a row in change: 1; 0: there was nothing to write; -1. */
int store_begin_anew(struct store *store, const char *key, int64_t time, const char *who, int64_t now,
                     struct error *error) must_check;
#define STORE_TOGETHER 64 /* keys of one question */
/* Which of these may have a bounce record; at most STORE_TOGETHER. */
int store_have_bounced(struct store *store, const char *const *keys, size_t count, int *found_r,
                       struct error *error) must_check;
/* A message was delivered: releases key and its domain from a trial that had begun by then. */
int store_clear_trial(struct store *store, const char *key, const char *domain, int64_t time, int64_t now,
                      struct error *error) must_check;
/* Releases, a bounded number a call, those on trial that for so many seconds
 * after the last message have not failed. 1: there may be more. */
int store_release_quiet(struct store *store, int64_t quiet, int64_t now, struct error *error) must_check;

/* Both with a row in change. Disallow: 1, 0 when it was not on the list, -1. */
int store_allow(struct store *store, const char *key, const char *who, const char *note, int64_t now,
                struct error *error) must_check;
int store_disallow(struct store *store, const char *key, const char *who, const char *note, int64_t now,
                   struct error *error) must_check;

/* Incidents: see incident.h and schema/0009-incident.sql. reasons: those that
 * are concerned, as a JSON array of names. */
struct store_incident {
    const char *kind, *scope, *name;
    int64_t begun, opened, failures;
    double usual;
};
int store_add_incident(struct store *store, const struct store_incident *incident, int64_t *id_r,
                       struct error *error) must_check;
/* Holds what the incident's results have suppressed since from: how many, -1. */
int store_hold_since(struct store *store, int64_t incident, int64_t from, const char *reasons, int64_t now,
                     struct error *error) must_check;
/* Records what the incident holds, failed at this time. */
int store_hold(struct store *store, int64_t incident, const struct store_suppression *suppression, int64_t failed,
               struct error *error) must_check;
/* It took mail at this time: what an incident holds of it is dropped. */
int store_held_delivered(struct store *store, const char *key, int64_t time, int64_t now,
                         struct error *error) must_check;
/* It has been suppressed: what an incident held of it is confirmed. */
int store_held_failed(struct store *store, const char *key, const char *stream, int64_t now,
                      struct error *error) must_check;
/* The event that it rests on means something else: 1; 0: nothing is held for it; -1. */
int store_held_drop(struct store *store, const char *key, const char *domain_key, int64_t event, const char *note,
                    int64_t now, struct error *error) must_check;
/* Confirms or lets wait all that it holds (incident_confirms). 1; 0 it was closed; -1. */
int store_close_incident(struct store *store, int64_t incident, int64_t abnormal, const char *who, int64_t now,
                         struct error *error) must_check;
/* Releases what its results suppressed from one time to the other, drops what is held: how many released, -1. */
int store_rollback_incident(struct store *store, int64_t incident, const char *reasons, int64_t from, int64_t to,
                            const char *who, int64_t now, struct error *error) must_check;

struct store_open {
    int64_t id, begun, opened;
    char kind[32], scope[16], name[256];
};
/* The next open one by id: 1, 0, -1. */
int store_next_incident(struct store *store, int64_t after, struct store_open *open_r, struct error *error) must_check;
/* Kind and begin of this one, and when it was closed (0: it is open): 1, 0 there is none, -1. */
int store_find_incident(struct store *store, int64_t incident, struct store_open *open_r, int64_t *closed_r,
                        struct error *error) must_check;
int store_put_state(struct store *store, int64_t now, const void *bytes, size_t size, struct error *error) must_check;
/* 1 (the caller frees), 0 none, -1. */
int store_get_state(struct store *store, void **bytes_r, size_t *size_r, struct error *error) must_check;

/* The policy that holds from now on, as a row in change; none when it is the one on record. */
int store_tell_policy(struct store *store, const char *text, int64_t now, struct error *error) must_check;

/* For v_typo_domains; once a domain. */
int store_note_typo(struct store *store, const char *domain, const char *meant, struct error *error) must_check;

/* One row of the table sent, with its recipients; strings borrowed. */
struct store_sent {
    int64_t time;
    const char *queue_id, *message_id, *stream; /* message_id NULL: none */
    const char *const *keys; /* compared forms of the recipients */
    size_t count;
    int several;             /* there were others */
    int64_t tag;             /* tag_number of its envelope sender; 0: unsigned */
};
int store_add_sent(struct store *store, const struct store_sent *sent, struct error *error) must_check;
/* 1 and stream_r (freed by the caller) when a submitted message with this
 * queue id, or else this message id, went to key; 0 when not known; -1. */
int store_sent_stream(struct store *store, const char *queue_id, const char *message_id,
                      const char *key, char **stream_r, struct error *error) must_check;

/* The one recipient to whom alone all submitted messages with this message id
 * (NULL or "": not asked), or else this tag (0: not asked), went: 1, its compared
 * form (freed by the caller) and the newest message's time; 0 when there is none,
 * or more than one; -1. Looks at a bounded number of rows. */
int store_sent_only(struct store *store, const char *message_id, int64_t tag, char **key_r, int64_t *time_r,
                    struct error *error) must_check;

/* Stream and Message-ID (NULL: none; both freed by the caller) of the newest
 * submitted message with this queue id: 1, 0 when not known, -1. */
int store_sent_by_queue_id(struct store *store, const char *queue_id, char **stream_r, char **message_id_r,
                           struct error *error) must_check;

/* What is kept aside: the store's own, at work inside its transactions. */
struct aside *store_aside(struct store *store);

/* Who has taken mail: likewise. */
struct taken *store_taken(struct store *store);

struct log_position;
/* path NULL: of a file that is not followed. */
int store_put_position(struct store *store, const char *path, const struct log_position *position,
                       int64_t now, struct error *error) must_check;

/* Lets go of results from before that time, unproven ones from before the other:
 * never of the evidence of a change, a suppression or of what is held, nor of the
 * last one of a bounce record. What they counted for stays counted. Likewise of
 * what incidents held, once that is decided, and of who took mail; what waits for a
 * result for so long is dropped. A bounded number a call; 1: there is more. */
int store_retain(struct store *store, int64_t before, int64_t unproven_before, int64_t now,
                 struct error *error) must_check;

/* Forgets a person: all that any table holds of it. Only a keyed hash (secret.h)
 * stays, under which it is suppressed, or never refused, as it was. Tables that no
 * index leads through are swept a piece a call, so that nobody waits for long:
 * from where it says (0 at first), STORE_ERASE_MORE and *from_r are where to go on.
 * STORE_ERASED; 0: nothing was known of it; -1. */
enum { STORE_ERASED = 1, STORE_ERASE_MORE };
int store_erase(struct store *store, const char *key, int64_t from, int64_t *from_r, const char *who, int64_t now,
                struct error *error) must_check;

/* Under what key a person who was erased is suppressed: 1; 0: nobody has been
 * erased yet, and make is 0; -1. */
int store_hash(struct store *store, const char *key, int make, char hash_r[SECRET_HASH_SIZE],
               struct error *error) must_check;

/* Forgets submitted messages from before sent_before, a bounded number a call,
 * and the reports kept aside beyond aside_bytes. 1: there is more. */
int store_prune(struct store *store, int64_t sent_before, int64_t aside_bytes,
                struct error *error) must_check;

#endif
