/* Audit: who changed which suppression when and why, by which evidence, and
 * what belonged together. Reads by the connection of a lookup, which it borrows.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_AUDIT_H
#define SUPPRESSD_DAEMON_LEDGER_AUDIT_H

#include "base/error.h"
#include "daemon/ledger/lookup.h"

#include <stdint.h>

struct audit;

struct audit *audit_open(struct lookup *lookup);
void audit_close(struct audit **audit);

/* One change. Strings valid during the call, never NULL. */
struct audited {
    struct past_change change;
    const char *recipient;
    const char *rule, *reply; /* of the evidence; "" where there is none */
    int64_t set, undone_by;   /* its change set, and the one that took it back; 0: none */
};

/* Changes of one recipient (NULL: of all) since a time, the oldest first. -1 on failure. */
int audit_changes(struct audit *audit, const char *key, int64_t since,
                  void (*row)(const struct audited *audited, void *context), void *context,
                  struct error *error) must_check;

struct change_set {
    int64_t suppressed, released, skipped;
    int64_t undoes; /* the set that it took back; 0: none */
};

/* 1; 0 when there is no set of that number; -1. */
int audit_set(struct audit *audit, int64_t id, struct change_set *set_r, struct error *error) must_check;

/* Whom this set, an undo, has left alone, for they had been changed since. -1 on failure. */
int audit_conflicts(struct audit *audit, int64_t undo, void (*row)(const char *key, void *context), void *context,
                    struct error *error) must_check;

#endif
