/* Whom a message went to, by the address that its sender gave for its return:
 *
 *   news+ann=example.com@lists.example.org             "+" and "=" (Postfix, Mailman)
 *   news-return-17-ann=example.com@lists.example.org   ezmlm
 *
 * mean ann@example.com. Only what reads in one way is read: rewritten senders
 * (SRS0=, prvs=) look alike and mean somebody else, and where a number stands
 * before the recipient ("+1234-ab12-ann=") nobody knows where it ends. Pure.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_VERP_H
#define SUPPRESSD_DAEMON_REPORT_VERP_H

#include "daemon/report/span.h"

/* The recipient (the caller's, free), or NULL when the address tells none. */
char *verp_recipient(struct span address);

#endif
