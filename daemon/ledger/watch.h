/* The watch: results go past it; it opens, follows and closes incidents.
 *
 * Puts the pure room incident and the store together. Belongs to the ledger;
 * works inside its open transaction. What is seen is saved in the database, at
 * most SAVE_EVERY seconds late, so that a restart forgets little.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_WATCH_H
#define SUPPRESSD_DAEMON_LEDGER_WATCH_H

#include "base/error.h"
#include "classifier/reason.h"
#include "daemon/counters.h"
#include "daemon/report/delivery.h"

#include <stddef.h>
#include <stdint.h>

struct incident_parameters;
struct store;
struct watch;

/* One attempt of this MTA. All borrowed, never NULL; key "": no address. */
struct watched {
    const char *key, *domain, *provider;
    enum action action;
    enum reason reason;
    int64_t time;
};

/* What has happened, once it is on disk. Strings are valid during the call. */
struct incident_notice {
    int64_t id, time, failures, concerned;
    const char *what; /* "open" or "close" */
    const char *kind, *scope, *name, *who;
};
typedef void incident_listener(const struct incident_notice *notice, void *context);

/* NULL and error when the database cannot be read. store and counters are
 * borrowed; parameters NULL: the usual ones (incident.h). */
struct watch *watch_open(struct store *store, const struct incident_parameters *parameters, struct counters *counters,
                         struct error *error) must_check;
void watch_free(struct watch **watch);

/* Called by watch_committed. */
void watch_listen(struct watch *watch, incident_listener *listener, void *context);

/* Results of these recipients follow: what is known of them is read together. At most STORE_TOGETHER. */
int watch_expect(struct watch *watch, const char *const *keys, size_t count, struct error *error) must_check;

/* A trusted result goes past. One that opens an incident is held by it already. */
int watch_result(struct watch *watch, const struct watched *result, int64_t now, struct error *error) must_check;

/* The incident that a suppression must wait for; 0: none. */
int64_t watch_holding(const struct watch *watch, const char *provider, const char *domain, enum reason reason);

/* Closes what is over; saves what was seen when that is due. due: is there anything to do? */
int watch_due(const struct watch *watch, int64_t now);
int watch_tick(struct watch *watch, int64_t now, struct error *error) must_check;

/* By hand. 1; 0: it is closed already, or there is none of this id; -1. */
int watch_close(struct watch *watch, int64_t id, const char *who, int64_t now, struct error *error) must_check;
/* Closes it and takes back what it suppressed: how many, -1. */
int watch_rollback(struct watch *watch, int64_t id, const char *who, int64_t now, struct error *error) must_check;

/* Incidents may have been opened again behind its back: they are read anew by the next tick. */
void watch_reread(struct watch *watch);

/* After the ledger's transaction: the listener hears; or all is as it stands in
 * the database, where what was seen is at most SAVE_EVERY seconds old. */
void watch_committed(struct watch *watch);
void watch_undone(struct watch *watch);

#endif
