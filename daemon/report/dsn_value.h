/* What stands in the fields of a delivery report: typed addresses, statuses,
 * host names (RFC 3464 2.1.2). Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_DSN_VALUE_H
#define SUPPRESSD_DAEMON_REPORT_DSN_VALUE_H

#include "daemon/report/span.h"

/* "type; value": the type is one word. The value, all of it without a type. */
struct span dsn_without_type(struct span value);

/* "rfc822; joe@example.com (Joe)" to "joe@example.com"; "utf-8; j\x{F6}e@..." to
 * UTF-8 (RFC 6533 3); with xtext, "joe+2Btag@..." to "joe+tag@..." (RFC 3461 4).
 * Owned by the caller; NULL when it is no mail address. */
char *dsn_address(struct span value, int xtext);

/* "5.1.1 (unknown)" to "5.1.1"; NULL when there is none at the start of text. */
char *dsn_status(struct span text);

/* The first enhanced status of a failure (4.x.x, 5.x.x) in running text, as in
 * "unknown (#5.1.1)"; 1 and status_r, or 0. */
int dsn_status_within(const char *text, char status_r[12]);

/* "dns; mx.example.com. (192.0.2.1)" to "mx.example.com"; NULL when empty. */
char *dsn_host(struct span value);

/* The same right behind a reply code: "550 5.7.1 blocked", "550-'5.7.1 ...". */
int dsn_status_behind_code(const char *text, char status_r[12]);

#endif
