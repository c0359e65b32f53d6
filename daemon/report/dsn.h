/* Delivery status notifications: the machine-readable part of a bounce.
 *
 * RFC 3464 (and RFC 6533 for addresses beyond ASCII), as MTAs really write it:
 * fields of several recipients without a blank line between them, blank lines
 * between the fields of one, per-message and per-recipient fields in one group,
 * addresses without a type, actions and statuses with remarks behind them.
 *
 * Which address is which:
 *
 *   recipient           Final-Recipient: the address that failed at the MTA
 *                       which reports. This is what to act on. For the MTA's
 *                       own bounce it is the address behind all of its aliases,
 *                       so that one dead member never costs a whole list its
 *                       address. Where Final-Recipient is missing or holds no
 *                       mail address (an X.400 name, a spool file), it is
 *                       Original-Recipient.
 *   original_recipient  Original-Recipient: as the sender gave it (ORCPT of RFC
 *                       3461). When a remote host forwarded the mail, this is
 *                       the address that we sent to, and the one to look for in
 *                       the journal of sent messages; that the forwarding ended
 *                       at a dead address does not make this one dead.
 *
 * Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_DSN_H
#define SUPPRESSD_DAEMON_REPORT_DSN_H

#include "daemon/report/delivery.h"
#include "daemon/report/field.h"
#include "daemon/report/mime.h"

/* Adds what a message/delivery-status part says to *report: reporting_mta,
 * queue_id, original_sender and the deliveries. A recipient counts only with an
 * address and an action (or a status from which the action follows). Of a part
 * that was cut off, the last, incomplete line is left out. Returns how many
 * recipients were taken. nameless_r (NULL: not wanted) gets what is said of the
 * only recipient whose name is no mail address, recipient NULL and the rest
 * owned by the caller; its status is NULL when there is none. */
size_t dsn_read(const struct part *part, struct report *report, struct delivery *nameless_r);

/* Adds what the header of the returned message says: original_message_id,
 * original_sender (Return-Path) and, when the topmost Received field was written
 * by the reporting MTA, its queue_id. Fills only what is not yet known. */
void dsn_read_returned(const struct header *header, struct report *report);

/* Appends an empty delivery; NULL, and REPORT_CUT_RECIPIENTS, when there are report->max already. */
struct delivery *report_add(struct report *report);

#endif
