/* Postfix's policy delegation (SMTPD_POLICY_README): lines of NAME=VALUE up to
 * an empty line, answered by "action=..." and an empty line.
 *
 * What is asked at another state than RCPT, of another kind, or not understood,
 * is answered DUNNO: the next restriction decides. Of an attribute that is sent
 * twice the first one counts. Pure, any bytes, any thread.
 */
#ifndef SUPPRESSD_DAEMON_GATE_POLICY_H
#define SUPPRESSD_DAEMON_GATE_POLICY_H

#include "daemon/gate/question.h"
#include "daemon/report/span.h"

#include <sys/types.h>

#define POLICY_REQUEST_MAX 32768 /* bytes; Postfix's own attributes hold some hundred each */

/* Bytes of the request at the head of the input and what is in it; 0 when more
 * is to come, -1 when it is too long. scanned: bytes that were looked at before. */
ssize_t policy_frame(struct span input, size_t scanned, struct span *request_r);

/* 0, or -1 when a line is no NAME=VALUE (question_r is then QUESTION_NONE). question_r is the caller's to clear. */
int policy_parse(struct span request, struct question *question_r);

/* data NULL: DUNNO. Owned by the caller. */
char *policy_reply(int understood, const char *data);

#endif
