/* What a mail system wrote to people: the text of a bounce, without the
 * message that it returns. Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_NOTICE_H
#define SUPPRESSD_DAEMON_REPORT_NOTICE_H

#include "daemon/report/mime.h"

#define NOTICE_TEXT_MAX 65536 /* bytes of text that are looked at */

struct notice {
    char *text;           /* UTF-8; owned */
    struct span own;      /* in text: the mail system's words */
    struct span returned; /* in text: the message returned in the same text; or SPAN_NONE */
};

/* Joins the text parts in front of the returned message, HTML only where there
 * is no plain text, and cuts off a message that follows in the text itself. */
void notice_read(const struct mime *mime, struct notice *notice_r);
void notice_clear(struct notice *notice);

#endif
