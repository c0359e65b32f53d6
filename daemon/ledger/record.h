/* What goes to the writer: one self-contained piece of work.
 *
 * Owns everything it points to; no pointer into a session, message or request
 * crosses the thread boundary. Made by anyone, taken by the writer.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_RECORD_H
#define SUPPRESSD_DAEMON_LEDGER_RECORD_H

#include "base/error.h"
#include "daemon/ledger/results.h"
#include "daemon/report/delivery.h"

#include <stddef.h>
#include <stdint.h>

struct plan;
struct policy;
struct ruleset;

enum record_kind {
    RECORD_REPORT,   /* a bounce or complaint: record every delivery in it */
    RECORD_ASIDE,    /* a report that could not be understood: keep its bytes */
    RECORD_SENT,     /* a submitted message: remember it */
    RECORD_SUPPRESS, /* a person adds a suppression */
    RECORD_RELEASE,  /* a person takes one away */
    RECORD_IMPORT,   /* a person hands in many, of which those that are there already change nothing */
    RECORD_RETRY,    /* read again what was kept aside */
    RECORD_DROP,     /* let go of what was kept aside */
    RECORD_STAGE,    /* keep a part of a plan */
    RECORD_APPLY,    /* do what is staged: a change set */
    RECORD_UNDO,     /* take back a change set */
    RECORD_ERASE,    /* forget a person */
    RECORD_ALLOW,    /* a person puts a recipient on the allow-list */
    RECORD_DISALLOW, /* and takes it off */
    RECORD_INCIDENT, /* a person closes an incident, or rolls it back */
    RECORD_RULES,    /* use this rule set and policy from now on */
    RECORD_LOG,      /* what a piece of a followed log says, and where it ends */
};

#define LOG_CURSOR_SIZE 256

/* How far a log has been read. A file keeps its inode when it is renamed and
 * its first bytes when it is copied; either tells which file it was. */
struct log_position {
    uint64_t device, inode;
    uint64_t since;       /* where reading began in this file */
    uint64_t offset;      /* all from there to here has been taken */
    uint64_t head_length; /* of so many of its first bytes ... */
    uint64_t head_hash;   /* ... this is the FNV-1a */
    char cursor[LOG_CURSOR_SIZE]; /* of the systemd journal instead; "": a file */
    int64_t time;         /* when the file was last written to, as far as it was seen; Unix seconds; 0: not known */
};

/* One line of a log that goes into the records. */
struct log_entry {
    struct report report;
    enum evidence evidence;
    int uncounted; /* not in the rollup: no message was sent, or it is among the results too */
};

struct record {
    enum record_kind kind;
    int64_t time; /* when it came in, Unix seconds */

    /* RECORD_REPORT, RECORD_ASIDE */
    struct report report;
    enum source source;
    enum evidence evidence;
    char *bytes; /* the message, for what is kept aside (a report: besides); NULL for none */
    size_t size;
    size_t packed; /* aside_pack: bytes are so many, and compressed if fewer than size */
    uint64_t hash; /* aside_pack */

    /* RECORD_SENT; queue_id (the report's own) also for RECORD_REPORT, sender also for
     * RECORD_ASIDE, stream also for RECORD_SUPPRESS and RECORD_RELEASE */
    char *queue_id;
    char *message_id;
    char *sender;
    char *stream;
    char **keys;  /* compared forms of the recipients */
    size_t count;
    int several;  /* RECORD_SENT: there were others */
    int64_t tag;  /* RECORD_SENT: as in struct store_sent */

    char *tagged; /* RECORD_REPORT: the signed address that it answers (daemon/tag.h), not yet verified; or NULL */

    /* RECORD_SUPPRESS, RECORD_RELEASE; key, note and who also RECORD_ALLOW, RECORD_DISALLOW */
    char *key;    /* an address as compared, or "@" and a domain */
    char *reason;
    char *note;
    char *who;
    int64_t until; /* 0: for good */
    int changed_r; /* set by the ledger: 0 when there was nothing to release, retry or drop,
                      or nothing new in a RECORD_REPORT; of a RECORD_LOG the number of new events,
                      of a RECORD_IMPORT that of new suppressions; 2 of a RECORD_UNDO or RECORD_ERASE:
                      it goes on with another */

    /* RECORD_RETRY, RECORD_DROP */
    int64_t *ids; /* of what is kept aside */
    size_t id_count;

    struct record **parts; /* RECORD_IMPORT: each a RECORD_SUPPRESS, as many as count */
    struct plan *plan; /* RECORD_STAGE, RECORD_APPLY (no items); note and who as above */
    int64_t set;       /* RECORD_UNDO; 0: the newest. RECORD_IMPORT: the set that it goes on; 0: a new one.
                          RECORD_ERASE: where it goes on */
    int64_t set_r;     /* set by the ledger: the number of the change set, or where to go on */

    /* RECORD_RULES */
    struct ruleset *ruleset;
    struct policy *policy; /* NULL: it stays */

    /* RECORD_INCIDENT, with who */
    int64_t incident;
    int rollback; /* changed_r: how many were released; 0 of closing: it was closed */

    /* RECORD_LOG */
    char *log; /* path of the followed file, or "journal:..."; NULL: not followed, only read */
    struct log_entry *entries;
    size_t entry_count;
    struct results results;       /* to be counted */
    struct log_position position; /* recorded with entries and results, or none of them is */

    /* Called once by the writer's thread, after the commit (result 0) or the
     * failure (-1, error says why); then owns the record. NULL: nobody waits,
     * the writer frees it. */
    void (*done)(struct record *record, int result, const struct error *error);
    void *waiter;        /* for done */
    struct record *next; /* the queue's */
    size_t weight;       /* the queue's */
};

struct record *record_new(enum record_kind kind, int64_t now);
void record_free(struct record **record);

/* Bytes of memory that it takes, roughly. */
size_t record_weight(const struct record *record);

#endif
