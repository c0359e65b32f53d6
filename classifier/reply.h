/* reply: what a server said, out of whatever it was wrapped in.
 *
 * A reply reaches us as SMTP dialogue ("550-5.1.1 one\r\n550 5.1.1 two"), with
 * its lines glued together ("550-5.1.1 one 550 5.1.1 two"), as a Diagnostic-Code
 * ("smtp; 550 ..."), in a log ("host mx.example.com[192.0.2.1] said: 550 ... (in
 * reply to RCPT TO command)"), in Exim's words ("SMTP error from remote mail
 * server after RCPT TO:<a@example.com>: host mx.example.com [192.0.2.1]: 550 ..."),
 * or somewhere in a letter to people. Of a log line only what the remote server
 * said is kept; of a letter everything, since nobody knows where the reply ends.
 *
 * Codes: RFC 5321 section 4.2; enhanced status: RFC 3463 and 2034. Pure, no
 * allocation, any bytes, any thread.
 */
#ifndef SUPPRESSD_CLASSIFIER_REPLY_H
#define SUPPRESSD_CLASSIFIER_REPLY_H

#include "classifier/classify.h"

#include <stddef.h>

#define REPLY_SLACK 32      /* bytes behind the words, for looking at sixteen at a time */
#define REPLY_TEXT_MAX 8192 /* bytes of the input that are read, and of the words at most */

struct reply {
    int code;          /* 200..599, 0 when there is none */
    char status[12];   /* "5.1.1"; "" when there is none in the text */
    enum stage stage;  /* where in the dialogue, as far as the text says */
    size_t length;     /* bytes of words */
    /* What the server said, as one line of valid UTF-8: code and status taken
     * off each line, white space and control characters folded to single
     * spaces, every mail address reduced to "@" so that nobody's name is taken
     * for a cause. Ended by a NUL. */
    char words[REPLY_TEXT_MAX + REPLY_SLACK];
};

void reply_parse(const char *text, size_t length, struct reply *reply_r);

#endif
