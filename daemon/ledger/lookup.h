/* Lookup: read-only answers from the database, and all SQL that reads.
 *
 * A struct lookup is one read-only connection and belongs to one thread at a
 * time; WAL means that the writer never waits for it nor it for the writer.
 * A struct lookup_pool lends them to libmilter's many short-lived threads.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_LOOKUP_H
#define SUPPRESSD_DAEMON_LEDGER_LOOKUP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct lookup;
struct veil;
struct lookup_pool;

/* NULL and error when the database is missing, unreadable or of another version.
 * Where its addresses are hashed (veil.h) they are asked for as ever and come back
 * as tokens; who may not read its key gets an error for each question that names one. */
struct lookup *lookup_open(const char *path, struct error *error) must_check;
void lookup_close(struct lookup **lookup);
int lookup_is_hashed(const struct lookup *lookup); /* recipients come back as tokens */
/* For rooms beside this one that read (audit.h). Stays the lookup's. */
struct sqlite3 *lookup_connection(struct lookup *lookup);
struct veil *lookup_veil(struct lookup *lookup);

/* Between them all answers are of one moment, and many questions cost less. Not for
 * long: what the writer adds meanwhile stays in the WAL. */
int lookup_begin(struct lookup *lookup, struct error *error) must_check;
void lookup_end(struct lookup *lookup);
/* For a program that asks millions of questions: the file is read as memory
 * (its first two gigabytes), without a system call and a copy for each page. A
 * disk that fails ends the program then, so it is nothing for the daemon. */
void lookup_map(struct lookup *lookup);
/* From now on a lookup_suppressed that takes longer fails, whether the database
 * is locked or slow. A read that the disk does not answer cannot be broken off. */
void lookup_limit(struct lookup *lookup, int milliseconds);

/* A suppression in force. Strings are valid until the next call on the same lookup. */
struct suppressed {
    const char *recipient; /* as compared, or "@" and a domain */
    const char *stream, *reason, *origin, *note;
    int64_t since, until;  /* until 0: for good */
    int64_t event;         /* 0: none */
};

/* Is this recipient refused for this stream at this time? 1 and *suppressed_r,
 * 0, -1. domain is the address's own ("@" entries are looked up too). Everybody
 * asks here: what is held or in shadow mode refuses nobody, the allow-list
 * outranks all, and what has expired lets its trial messages through. */
int lookup_suppressed(struct lookup *lookup, const char *key, const char *domain, const char *stream,
                      int64_t now, struct suppressed *suppressed_r, struct error *error) must_check;

/* Calls row for each suppression in force, by recipient, until it returns
 * non-zero. reason NULL: all. -1 on failure. */
int lookup_list(struct lookup *lookup, const char *reason, int64_t now,
                int (*row)(const struct suppressed *suppressed, void *context), void *context,
                struct error *error) must_check;

/* What came before (past.h). */
struct past_question;
struct hygiene_history;
int lookup_past(struct lookup *lookup, const struct past_question *question, struct hygiene_history *history_r,
                struct error *error) must_check;

/* The allow-list, by key. Strings valid during the call, here and below. -1 on failure. */
struct allowed {
    const char *recipient, *who, *note;
    int64_t since;
};
int lookup_allowed(struct lookup *lookup, void (*row)(const struct allowed *allowed, void *context), void *context,
                   struct error *error) must_check;

/* What enforcement would change: by policy line and reason the recipients that
 * would be suppressed now, and the messages sent to them meanwhile. -1 on failure. */
struct would_be {
    const char *state; /* "held" or "shadow" */
    const char *policy, *reason;
    int64_t recipients, sends;
};
int lookup_would_be(struct lookup *lookup, int64_t now, void (*row)(const struct would_be *line, void *context),
                    void *context, struct error *error) must_check;

/* One delivery result of a recipient. Strings valid during the call; never NULL. */
struct past_event {
    int64_t id, time, recorded;
    int code, trusted, witnesses;
    const char *action, *reason, *persistence, *rule, *ruleset, *provider, *status, *reply;
    const char *reporting_mta, *remote_mta, *queue_id, *message_id, *sender, *stream;
    const char *original_recipient, *source, *evidence, *decision, *sentence;
    const char *told_by; /* "log/local, milter/unproven": all kinds of witnesses */
};

/* One change of a suppression. */
struct past_change {
    int64_t time, until, event;
    const char *who, *what, *stream, *reason, *origin, *note;
};

/* Newest last. -1 on failure. */
int lookup_events(struct lookup *lookup, const char *key,
                  void (*row)(const struct past_event *event, void *context), void *context,
                  struct error *error) must_check;
int lookup_changes(struct lookup *lookup, const char *key,
                   void (*row)(const struct past_change *change, void *context), void *context,
                   struct error *error) must_check;

/* How far the log of this path has been read: 1, 0 never, -1. */
struct log_position;

/* The parts of log files that have been read, however long ago: rows_r, freed
 * by the caller, of which since, offset, head_length and head_hash say so. */
int lookup_log_read(struct lookup *lookup, struct log_position **rows_r, size_t *count_r,
                    struct error *error) must_check;
int lookup_position(struct lookup *lookup, const char *path, struct log_position *position_r,
                    struct error *error) must_check;

/* An incident, with what has become of the suppressions it concerned. */
struct past_incident {
    int64_t id, begun, opened, closed; /* closed 0: it is open */
    int64_t failures, got_through, held, waiting, confirmed, dropped;
    double usual;
    const char *kind, *scope, *name, *closed_by;
};
/* The newest first; id 0: all. -1 on failure. */
int lookup_incidents(struct lookup *lookup, int64_t id, void (*row)(const struct past_incident *incident, void *context),
                     void *context, struct error *error) must_check;

struct past_held {
    int64_t incident, since, changed, failures, last_failure;
    int got_through;
    const char *recipient, *stream, *reason, *state; /* state: held, waiting, confirmed, dropped */
};
/* What incidents hold or held: of this recipient; where key is NULL, of this incident. -1 on failure. */
int lookup_held(struct lookup *lookup, int64_t incident, const char *key,
                void (*row)(const struct past_held *held, void *context), void *context, struct error *error) must_check;

struct lookup_totals {
    int64_t incidents_open;
    int64_t suppressions, events, recipients, sent, aside, aside_bytes;
    int64_t last_event; /* time of the newest result, 0 when there is none */
    int schema;
};

int lookup_totals(struct lookup *lookup, int64_t now, struct lookup_totals *totals_r,
                  struct error *error) must_check;

/* A report kept aside, and which of them are wanted: all where nothing is set. */
struct past_aside {
    int64_t id, time, last, count; /* first and last time it came, and how often */
    int64_t size, stored;          /* bytes of the message, and what they take */
    const char *source, *evidence, *problem, *sender;
};
struct aside_choice {
    int64_t id, before; /* before: what came the last time earlier than that */
    int max;
};
/* Newest first. -1 on failure. */
int lookup_aside(struct lookup *lookup, const struct aside_choice *choice,
                 void (*row)(const struct past_aside *aside, void *context), void *context,
                 struct error *error) must_check;

/* Its message: 1 and *bytes_r (the caller's, ended by a NUL that is not counted); 0: no such; -1. */
int lookup_aside_message(struct lookup *lookup, int64_t id, char **bytes_r, size_t *size_r,
                         struct error *error) must_check;

/* A reply that was recorded as unclassified, with one recipient who got it. */
struct past_unclassified {
    const char *reply, *status, *remote_mta, *domain; /* domain is the recipient's */
    int64_t recipient;                                /* a number that tells recipients apart */
    int64_t count;                                    /* of its events */
    int64_t first, last;                              /* times */
};
/* Failed and delayed ones whose time is since or later, in no order. -1 on failure. */
int lookup_unclassified(struct lookup *lookup, int64_t since,
                        void (*row)(const struct past_unclassified *reply, void *context), void *context,
                        struct error *error) must_check;

/* path is copied. Opens nothing yet: a database in trouble is found at lookup_pool_take. */
struct lookup_pool *lookup_pool_new(const char *path);
void lookup_pool_free(struct lookup_pool **pool);

/* Any thread. Lends a connection, opening one where none is idle. */
struct lookup *lookup_pool_take(struct lookup_pool *pool, struct error *error) must_check;
/* broken: the last call on it failed; it is closed rather than lent again. */
void lookup_pool_give(struct lookup_pool *pool, struct lookup *lookup, int broken);

#endif
