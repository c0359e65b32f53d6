/* Who is still waiting for which message: the recipients whose last result was
 * a deferral.
 *
 * When Postfix gives up on a message that has become too old, its log names the
 * message only; its recipients are those that were deferred in the attempt just
 * before. A bounded number is remembered, the oldest are forgotten first: then
 * the bounce alone tells of the failure. One owner.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_DEFERRALS_H
#define SUPPRESSD_DAEMON_INTAKE_DEFERRALS_H

#include "daemon/ledger/record.h"
#include "daemon/report/span.h"

#define DEFERRALS_MAX 4096

struct deferrals;

struct deferrals *deferrals_new(void);
void deferrals_free(struct deferrals **deferrals);

/* entry has one delivery, which was deferred. Takes the place of an earlier one. */
void deferrals_note(struct deferrals *deferrals, struct log_entry *entry_take);
/* The recipient of this message has another result. */
void deferrals_forget(struct deferrals *deferrals, const char *host, const char *queue_id, const char *recipient);
/* 0: surely nobody waits for a message with this queue id. */
int deferrals_may_have(const struct deferrals *deferrals, struct span queue_id);
/* Takes out one that waits for this message: 1 and the entry, now the caller's; 0: no more. */
int deferrals_take(struct deferrals *deferrals, const char *host, const char *queue_id, struct log_entry *entry_r);

#endif
