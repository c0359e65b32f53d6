/* Sendmail's delivery lines.
 *
 *   ID: to=<ADDRESS>,<ADDRESS>, [ctladdr=WHO, ]delay=D, xdelay=D, mailer=M, pri=P,
 *       relay=HOST. [ADDRESS], [tls...=T, ]dsn=X.Y.Z, [reply=REPLY, ]stat=TEXT
 *
 * One line a transaction, for all its recipients, or several where these are
 * too many: "to=<A>,<B>, [more], delay=..."; also of sm-mta, sm-msp-queue
 * and the like. A line without dsn is not read.
 *
 * Addresses stand as in the envelope, odd local parts as quoted strings, and
 * are read as such; a list ends at the first ", " outside of one. The fields
 * are read one after the other, never searched for. What the action is, dsn
 * and the first word of stat say, and dsn stands before anything that the
 * receiver has written.
 *
 * Pure; any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_SENDMAIL_LOG_H
#define SUPPRESSD_DAEMON_REPORT_SENDMAIL_LOG_H

#include "daemon/report/maillog.h"

int sendmail_log_is(struct span program);

/* Reads line_io->text into the fields of a delivery. The reply is reply= where
 * there is one that is a refusal, else stat=. What another MTA on this machine,
 * or a filter with one behind it, has taken into its queue is relayed, not delivered. */
enum maillog_kind sendmail_log_read(struct maillog_line *line_io);

#endif
