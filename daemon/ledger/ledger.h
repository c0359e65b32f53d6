/* The ledger: classifies, decides and records.
 *
 * Puts classifier, hygiene and store together. Belongs to the writer's thread
 * (or to suppressctl while no daemon runs). What it writes stands between
 * ledger_begin and ledger_commit.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_LEDGER_H
#define SUPPRESSD_DAEMON_LEDGER_LEDGER_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/ledger/record.h"
#include "daemon/ledger/watch.h"

#include <stdint.h>

struct keyring;
struct ledger;

struct incident_parameters;
struct message_limits;

struct ledger_options {
    const char *database;       /* borrowed for the call */
    int strict_local_part;
    int hashed;                 /* addresses are stored as tokens (veil.h): an empty database
                                   becomes so, one that holds addresses or tokens must agree */
    struct policy *policy;      /* a count of it is taken; NULL: the taxonomy's defaults */
    struct ruleset *ruleset;    /* a count of it is taken; NULL: records no reports */
    struct counters *counters;  /* borrowed for the ledger's life */
    const struct incident_parameters *incidents; /* copied; NULL: the usual ones */
    struct keyring *keyring;    /* likewise; NULL: nothing is proved but by hand and by this host */
};

struct ledger *ledger_open(const struct ledger_options *options, struct error *error) must_check;
void ledger_close(struct ledger **ledger);

/* Classifies with this rule set (a count of it is taken) from now on. -1: the old one stays. */
int ledger_use_rules(struct ledger *ledger, struct ruleset *ruleset, struct error *error) must_check;

/* Decides by this policy (a count of it is taken) from now on. */
void ledger_use_policy(struct ledger *ledger, struct policy *policy);

/* What the counters of a rolled back batch would have said is forgotten too. */
int ledger_begin(struct ledger *ledger, struct error *error) must_check;
int ledger_commit(struct ledger *ledger, struct error *error) must_check;
void ledger_rollback(struct ledger *ledger);

/* Records one piece of work inside the open transaction. -1: roll back; with
 * ERROR_INPUT this record is to blame, with ERROR_ENVIRONMENT the disk. What is wrong with the record itself (a recipient that is no
 * address) is counted and kept in the event of the report, never a failure. */
int ledger_record(struct ledger *ledger, struct record *record, struct error *error) must_check;

/* What is kept aside takes no more than this from now on, and is read again within
 * these limits (copied). At first there is no limit, and the usual ones of reading. */
void ledger_limit_aside(struct ledger *ledger, int64_t bytes_max, const struct message_limits *reading);

/* See store_prune, store_fold, store_retain and store_release_quiet. 1: there is more. */
struct ledger_ages {
    int64_t sent, rollup, events, unproven; /* what is from before these times goes */
};
int ledger_prune(struct ledger *ledger, const struct ledger_ages *before, int64_t now, struct error *error) must_check;

/* Incidents (watch.h): is there anything to close or save? In a transaction: does it. */
int ledger_due(const struct ledger *ledger, int64_t now);
int ledger_tick(struct ledger *ledger, int64_t now, struct error *error) must_check;
/* listener is called in ledger_commit, by its thread. */
void ledger_listen(struct ledger *ledger, incident_listener *listener, void *context);

#endif
