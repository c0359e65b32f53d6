/* Postfix's delivery lines.
 *
 *   ID: to=<ADDRESS>, [orig_to=<ADDRESS>, ]relay=R, [conn_use=N, ]delay=D,
 *       delays=A/B/C/D, [tls=T, ]dsn=X.Y.Z, status=WORD (TEXT)
 *
 * as every delivery agent writes them, and cleanup and the queue manager for
 * mail that they bounce; without dsn (before 2.3) a line is not read. Any
 * program below "postfix..." is read, and the known agents below any other name
 * (syslog_name): no Postfix program writes "ID: to=<" at the head of its text for
 * anything else.
 *
 * Whoever sends mail chooses ADDRESS, whoever receives it TEXT, and both may
 * hold all of the above. How they are told apart:
 * - Since 3.5 (info_log_addr_form = external) an address is written as on the
 *   wire. A local part with odd characters is a quoted string: read as one, it
 *   cannot end early.
 * - Before, and with "internal", the quotes are missing. So an address ends at
 *   a ">" only with ", orig_to=" or ", relay=" behind it, and the quotes are put
 *   back: `a>, dsn=5.1.1, status=bounced@x` is `"a>, dsn=5.1.1, status=bounced"@x`.
 * - An address that imitates even these leaves its own end, `>, relay=` with a
 *   `status=` somewhere behind, in what is then taken for TEXT. Such a line
 *   reads in two ways and is MAILLOG_AMBIGUOUS, whoever of the two wrote it.
 * - That end may be cut off (Postfix cuts a text at 2000 bytes), and an address
 *   that imitates no more than `>, orig_to=<` leaves none. So a text that is cut
 *   or that long, and any line with orig_to, is doubtful.
 *
 * Fields before status are read strictly one after the other, never searched for.
 * Pure; any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_POSTFIX_LOG_H
#define SUPPRESSD_DAEMON_REPORT_POSTFIX_LOG_H

#include "daemon/report/maillog.h"

int postfix_log_is(struct span program);

/* Also read is what the queue manager says of a message that has become too old,
 *   ID: from=<ADDRESS>, status=expired, returned to sender
 * by how it ends: in front of that ADDRESS may look like anything.
 *
 * Reads line_io->text into the fields of a delivery. A message that a content
 * filter or another MTA on this machine (a loopback address or a socket file)
 * has taken into its queue, or that went to a transport with the name of a
 * filter, is relayed, not delivered: its result comes on another line. */
enum maillog_kind postfix_log_read(struct maillog_line *line_io);

#endif
