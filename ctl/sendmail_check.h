/* Does a Sendmail configuration have suppressd beside it, and would it stop mail?
 *
 * Pure: a cf and what suppressd's settings want of it, in; findings out, which
 * the caller clears. One thread.
 */
#ifndef SUPPRESSD_CTL_SENDMAIL_CHECK_H
#define SUPPRESSD_CTL_SENDMAIL_CHECK_H

#include "base/error.h"
#include "ctl/findings.h"
#include "ctl/sendmail_cf.h"

/* What suppressd is, in Sendmail's words. */
struct sendmail_wish {
    char *milter;       /* "local:/path", "inet:port@host" */
    char *lmtp;         /* "FILE /path", "TCP host port"; NULL: no lmtp_socket */
    const char *domain; /* that bounces come back to; NULL: not told */
    long ack_timeout;   /* seconds */
};

/* From milter_socket and lmtp_socket. ERROR_INPUT when they cannot be said in a .mc file. */
int sendmail_wish_make(const char *milter_socket, const char *lmtp_socket,
                       struct sendmail_wish *wish_r, struct error *error) must_check;
void sendmail_wish_clear(struct sendmail_wish *wish);

void sendmail_check(const struct sendmail_cf *cf, const struct sendmail_wish *wish,
                    struct findings *findings);

#endif
