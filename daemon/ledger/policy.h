/* The policy: what this site wants done about which failures.
 *
 * Lines from the settings over defaults from the taxonomy (classifier/reason.c).
 * A line names a reason or a family, and may name a stream and a provider. Of
 * the lines that fit the most specific one holds: one that names the reason
 * before one that names its family, then one that names the stream, then one
 * that names the provider. No two can tie: a line that says the same as another
 * is refused. What a line leaves open is the taxonomy's.
 *
 * Whatever the lines say: a reason whose subject is neither the recipient nor
 * its domain has the action none; policy_add refuses a line that would give it
 * another.
 *
 * Pure; never changes once it is in use; counted, any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_POLICY_H
#define SUPPRESSD_DAEMON_LEDGER_POLICY_H

#include "base/error.h"
#include "classifier/reason.h"

#include <stddef.h>
#include <stdint.h>

enum policy_action { POLICY_NONE, POLICY_COUNT, POLICY_HOLD, POLICY_SUPPRESS };
enum policy_scope { POLICY_ADDRESS, POLICY_DOMAIN };
enum policy_streams { POLICY_ALL_STREAMS, POLICY_ONE_STREAM };
enum policy_mode { POLICY_ENFORCE, POLICY_SHADOW };

#define POLICY_UNSET (-1L)

/* As it stands in the settings; numbers are POLICY_UNSET where it says nothing. */
struct policy_line {
    char name[40];      /* of a reason or a family */
    char stream[201];   /* "": any */
    char provider[33];  /* "": any */
    char where[300];    /* "file:line" */
    long action;        /* enum policy_action */
    long failures;      /* POLICY_COUNT: so many ... */
    long days;          /* ... of which the first and the last lie so far apart */
    long duration;      /* seconds; 0: for good */
    long scope;         /* enum policy_scope */
    long streams;       /* enum policy_streams */
    long mode;          /* enum policy_mode */
    long recipients;    /* POLICY_DOMAIN: so many of the domain must agree ... */
    long after;         /* ... or one has failed again after so many seconds */
};

/* What holds for one verdict: all is set. */
struct policy_rule {
    enum policy_action action;
    long failures, days;
    int64_t duration;
    enum policy_scope scope;
    enum policy_streams streams;
    enum policy_mode mode;
    long recipients;
    int64_t after;
    const char *name;  /* the reason or family whose failures count together */
    const char *where; /* "file:line", or "taxonomy"; the policy's */
};

/* Of suppressions that have expired, of their succession, and of what ends them. */
struct policy_trial {
    long sends;       /* messages let through after an expiry; 0: no trial, expired is free */
    int64_t quiet;    /* seconds without a failure after them: released */
    int64_t longest;  /* the doubled time grows no further */
    int believes_sent; /* what the log tells to be delivered reached the recipient */
};

struct policy;

struct policy *policy_new(void); /* the taxonomy's defaults alone */
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy **policy);

/* -1 and error (without the line's where): no such name, a tie, or it would act
 * on what is not the recipient's fault. */
int policy_add(struct policy *policy, const struct policy_line *line, struct error *error) must_check;

/* Reasons, divided by commas, that stop every stream whatever a line says. */
int policy_stop_all(struct policy *policy, const char *reasons, struct error *error) must_check;

void policy_set_trial(struct policy *policy, const struct policy_trial *trial);
const struct policy_trial *policy_trial(const struct policy *policy);

/* NULL or "": no stream, no provider. */
void policy_find(const struct policy *policy, enum reason reason, const char *stream, const char *provider,
                 struct policy_rule *rule_r);

/* The lines in the order in which they win. */
size_t policy_lines(const struct policy *policy);
const struct policy_line *policy_line(const struct policy *policy, size_t which);

int policy_is_about(const struct policy_line *line, enum reason reason);

/* All lines, each in words of its own, for the record; "" when there are none. The caller frees. */
char *policy_text(const struct policy *policy);

/* So many seconds back lie results that a line may still ask for. */
int64_t policy_memory(const struct policy *policy);

/* Is this reason the recipient's or its domain's fault? */
int policy_blames_recipient(enum reason reason);

const char *policy_action_name(enum policy_action action); /* "none", "count", "hold", "suppress" */

#endif
