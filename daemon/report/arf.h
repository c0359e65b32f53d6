/* Complaints: abuse reports in ARF (RFC 5965) and the forms that are older.
 *
 * Only what a recipient says becomes a delivery: abuse, fraud, virus, opt-out
 * and other feedback do, with reply "Feedback-Type: abuse". "not-spam" takes
 * nothing back that we know of, and authentication failures (RFC 6591) are
 * written by machines about the sender: both give a report without deliveries,
 * for they must not cost anyone his mail.
 *
 * Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_ARF_H
#define SUPPRESSD_DAEMON_REPORT_ARF_H

#include "daemon/report/delivery.h"
#include "daemon/report/field.h"
#include "daemon/report/mime.h"

/* Reads a message/feedback-report part; returned is the reported message's
 * header. Who complained: Original-Rcpt-To, else Removal-Recipient, else the
 * reported message's Original-Recipient mark or its one To. */
void arf_read(const struct part *part, const struct header *returned, struct report *report);

/* Complaints without such a part: Hotmail's (the returned message carries
 * X-HmXmrOriginalRecipient), and mail to an unsubscribe address (RFC 2369)
 * that a mail program wrote. 1 when it was one, else 0. */
int arf_read_unmarked(const struct header *header, const struct header *returned,
                      struct report *report);

#endif
