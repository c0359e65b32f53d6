/* Bounces for people: recipients and replies out of running text.
 *
 * Only addresses that the mail system itself names as recipients are taken,
 * by where they stand: at the head of a line with the reply behind them, behind
 * a label ("RCPT TO:", "Unknown user:"), or in an SMTP reply in the transcript.
 * The best of these ranks is taken and the others are left alone. An address of
 * the sender's is never taken for a recipient while there is another.
 *
 * Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_BOUNCE_H
#define SUPPRESSD_DAEMON_REPORT_BOUNCE_H

#include "daemon/report/delivery.h"
#include "daemon/report/field.h"
#include "daemon/report/notice.h"

#define BOUNCE_RECIPIENTS_MAX 500 /* read from one text */

/* header is the bounce's own, returned that of the returned message (count 0
 * where there is none). Adds one delivery a recipient to *report, failed or
 * delayed. Returns how many. */
size_t bounce_read(const struct notice *notice, const struct header *header,
                   const struct header *returned, struct report *report);

/* Gives the deliveries of a DSN that has no Diagnostic-Code the notice's words. */
void bounce_fill_replies(const struct notice *notice, struct report *report);

/* Status fields (RFC 3464) that stand in the text instead of in a part of their
 * own. Returns how many recipients were taken. */
size_t bounce_read_fields(const struct notice *notice, struct report *report);

#endif
