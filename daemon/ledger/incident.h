/* Incidents: is a provider, or a recipient's domain, misbehaving as a whole?
 *
 * Pure: no clock, database or socket; one owner. Results go in, an alarm comes
 * out when those of one scope (a provider, or a recipient's domain) depart from
 * the scope's own past. Five kinds are watched, each by itself:
 *
 *   provider-outage  the addresses of people who took mail before are refused as dead
 *   reputation, authentication, content, network: by the family of the reason
 *
 * The mathematics. A result adds 1 to the failures x of its kind, or 0, and an
 * exposure e: how much there was to fail. For the last four kinds e = 1: each
 * attempt may fail. For provider-outage only addresses that took mail before
 * count, and e = 1 + the days since they last did: mailboxes die with time, so
 * that a list which is mailed once a year may lose a fifth in an hour and a list
 * that is mailed every day may not. An address that never took mail adds nothing:
 * a bought list of which half is dead is the list's fault. (The caller counts an
 * address once until it takes mail again, so that one dead address which is
 * mailed ten times is no burst.)
 *
 * The baseline rate is that of the scope's own past, exponentially weighted with
 * time constant baseline, and begins with what is usual (floor), as if seen in
 * an exposure of prior:
 *
 *     r = max(floor, (X + prior * floor) / (E + prior))
 *
 * Half days enter X and E when they have left the longest window, and not at all
 * when an incident of the kind was open during them: a burst is never part of
 * its own baseline.
 *
 * In each of three windows (of 30 to 60 minutes, 3 to 6 and 12 to 24 hours: the
 * present half window and the whole one before) the failures are set against
 * the hypothesis that the rate is at most ratio * r. Failures with such a rate
 * are Poisson with mean m = ratio * r * e, and an incident opens when
 *
 *     x >= failures_min  and  P(X >= x | m) = sum of e^-m m^k / k!, k >= x, < alpha
 *
 * which is exact for small numbers and, where a failure cannot happen more than
 * once an attempt, errs to the side of silence. Shares are compared, not
 * numbers, so the shape of day and week needs no model.
 *
 * An incident is abnormal while the failures of the last hour or so exceed m; it
 * closes when that is quiet seconds ago and QUIET_SEEN results have been seen
 * since, or when it is silence seconds ago: a night without mail ends nothing.
 *
 * A clock that has been ahead leaves results from the future behind. A day after
 * it was set right they are taken for results of the present; before that it may
 * as well be the clock of a machine that has just started without one.
 *
 * Memory: PROVIDERS and DOMAINS scopes; the one that was heard of least recently
 * gives way, unless an incident is open there.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_INCIDENT_H
#define SUPPRESSD_DAEMON_LEDGER_INCIDENT_H

#include "classifier/reason.h"
#include "daemon/report/delivery.h"

#include <stddef.h>
#include <stdint.h>

#define INCIDENT_PROVIDERS 64
#define INCIDENT_DOMAINS 1024
#define INCIDENT_QUIET_SEEN 20
#define INCIDENT_NAME_SIZE 256

enum incident_kind {
    INCIDENT_OUTAGE,
    INCIDENT_REPUTATION,
    INCIDENT_AUTHENTICATION,
    INCIDENT_CONTENT,
    INCIDENT_NETWORK,
    INCIDENT_KINDS
};

enum incident_scope { INCIDENT_PROVIDER, INCIDENT_DOMAIN };

struct incident_parameters {
    double ratio;            /* so many times the baseline is still normal */
    double alpha;            /* how improbable chance must be */
    double floor[INCIDENT_KINDS]; /* the least baseline: failures an exposure */
    double prior;
    int failures_min;
    int64_t baseline;        /* seconds, time constant */
    int64_t quiet, silence;  /* seconds */
};

extern const struct incident_parameters incident_defaults;

/* One result of the MTA. Strings are borrowed for the call and never NULL. */
struct incident_result {
    int64_t time;
    const char *provider, *domain; /* "": not known */
    enum action action;
    enum reason reason;
    int known_days; /* since the address last took mail; -1: it never did, as far as is known */
};

/* What opened, or is open. */
struct incident_alarm {
    enum incident_kind kind;
    enum incident_scope scope;
    char name[INCIDENT_NAME_SIZE]; /* of the provider or domain */
    int64_t id;                    /* as given to incident_opened; 0 before */
    int64_t from;                  /* beginning of the window in which it was seen */
    int64_t time;                  /* of the alarm; of one that is open, when it was last abnormal */
    int64_t failures;              /* in that window ... */
    double usual;                  /* ... where so many were usual */
};

struct incidents;

struct incidents *incidents_new(const struct incident_parameters *parameters);
void incidents_free(struct incidents **incidents);
void incidents_use(struct incidents *incidents, const struct incident_parameters *parameters);

/* 1 and *alarm_r: an incident begins, now the caller gives it an id by
 * incident_opened. One a result; the provider is asked before the domain, and
 * while its incident is open the domain's results raise none of that kind.
 * Results that come more than an hour late, or from the future, are left out. */
int incident_observe(struct incidents *incidents, const struct incident_result *result, int64_t now,
                     struct incident_alarm *alarm_r);

/* Also for one that was open when the program last ended. */
void incident_opened(struct incidents *incidents, const struct incident_alarm *alarm);
void incident_closed(struct incidents *incidents, int64_t id);

/* 1 and *alarm_r, as incident_over: the open incident of this id; 0: there is none. */
int incident_find(struct incidents *incidents, int64_t id, struct incident_alarm *alarm_r);

/* The open incident that a suppression for this reason must wait for: its id; 0: none. */
int64_t incident_holding(const struct incidents *incidents, const char *provider, const char *domain,
                         enum reason reason);

/* 1 and *alarm_r: an open incident that is over at this time; 0: there is none. */
int incident_over(struct incidents *incidents, int64_t now, struct incident_alarm *alarm_r);

/* Would a suppression for this reason be the work of such an incident? Of an
 * outage, what is said against address or domain; of the network, what comes of
 * not reaching anybody; of the others the refusals that do not say of whom. */
int incident_concerns(enum incident_kind kind, enum reason reason);

/* What becomes of a suppression that was held, when its incident closes: 1 it is
 * confirmed, for the address failed again after all was normal (abnormal: when it
 * last was not); 0 it waits: the next failure confirms it, as the next
 * delivery drops it at any time. */
int incident_confirms(int64_t failures, int64_t last_failure, int64_t abnormal);

const char *incident_kind_name(enum incident_kind kind);    /* "provider-outage", ... */
const char *incident_scope_name(enum incident_scope scope); /* "provider", "domain" */
/* 1 and *kind_r, or 0. */
int incident_kind_from_name(const char *name, enum incident_kind *kind_r);

/* All that was seen, without what is open, as bytes for this machine: the
 * caller frees. Of another version or size, incidents_load takes nothing: -1. */
void *incidents_save(const struct incidents *incidents, size_t *size_r);
int incidents_load(struct incidents *incidents, const void *bytes, size_t size);

/* P(X >= count) of a Poisson variable; 1 where count is not above its mean, of
 * which nothing is asked. */
double incident_tail(int64_t count, double mean);

#endif
