/* The past of a recipient, as hygiene asks for it.
 *
 * SQL that the writer's connection, inside its open transaction, and a reader's
 * have in common; so `suppressctl policy test` sees what the daemon would. The
 * thread of the connection.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_PAST_H
#define SUPPRESSD_DAEMON_LEDGER_PAST_H

#include "base/error.h"
#include "daemon/ledger/hygiene.h"
#include "daemon/ledger/statement.h"

/* All borrowed for the call. */
struct past_question {
    const char *key, *domain; /* the recipient as compared, and its domain */
    const char *stream;
    const struct policy_rule *rule;
    int64_t time, now;
    int64_t event;            /* what it caused is set aside; 0: nothing */
};

void past_prepare(struct statements *statements, sqlite3 *db, struct veil *veil);

/* *history_r without the incident, of which others know. */
int past_read(struct statements *statements, const struct past_question *question,
              struct hygiene_history *history_r, struct error *error) must_check;

#endif
