/* Witnesses: one result told of more than once, and whose words stand.
 *
 * A log has the complete reply and a DSN a cut one, or the other way round; a
 * report from elsewhere may know more than both, or be forged. The richest
 * trusted text wins; what is not trusted changes nothing. Pure; any thread.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_WITNESS_H
#define SUPPRESSD_DAEMON_LEDGER_WITNESS_H

#include "daemon/ledger/store.h"

/* How much is known of the cause: the rule that decided ("" or NULL: none) and the reply. */
struct telling {
    const char *rule, *reply;
};

/* 1 when news is better than known: a rule knows its words and none those of
 * known, or no less is known of its cause and the server said more (the
 * wrapping that an MTA puts around does not count). */
int witness_is_richer(const struct telling *news, const struct telling *known);

enum witness_weight {
    WITNESS_FILLS,    /* trusted: what was not known is added */
    WITNESS_CORRECTS, /* richer: its words, verdict and decision stand from now on */
    WITNESS_REPLACES, /* known is not trusted and news is: nothing of known stays */
};

/* Strings of *merged_r are those of news and known. Whose evidence is better
 * names reporter, queue id and source; so a log line and a DSN find each other
 * after a report from elsewhere was first. */
void witness_merge(const struct store_event *known, const struct store_event *news,
                   enum witness_weight weight, struct store_event *merged_r);

#endif
