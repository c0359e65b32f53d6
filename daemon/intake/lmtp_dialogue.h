/* The server's side of LMTP (RFC 2033): bytes in, replies and messages out.
 *
 * Knows no socket, loop or clock: lmtp.c carries the bytes. Input may be cut
 * anywhere. Offered are PIPELINING, ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8 and
 * SIZE without a limit: of a message that is too large the head is kept, for a
 * bounce that is refused is lost. Only CR LF ends a line and only CR LF "." CR
 * LF a message: what a sender smuggles behind a bare LF stays text.
 *
 * Bounded: a command line, the recipients of a message, faults a connection.
 * One owner.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_LMTP_DIALOGUE_H
#define SUPPRESSD_DAEMON_INTAKE_LMTP_DIALOGUE_H

#include "daemon/counters.h"
#include "daemon/intake/collect.h"
#include "daemon/report/span.h"

#include <stddef.h>

#define LMTP_LINE_MAX 2048      /* of a command, without its end */
#define LMTP_RECIPIENTS_MAX 1000
#define LMTP_FAULTS_MAX 20      /* then the connection is over */

struct lmtp_dialogue;

enum lmtp_step {
    LMTP_MORE,    /* all input was taken */
    LMTP_MESSAGE, /* a message is whole: wants lmtp_dialogue_answer, takes nothing before */
    LMTP_OVER     /* send what is to be said, then hang up; takes nothing more */
};

/* Begins with the greeting. host: our name; limits: of a message. counters borrowed. */
struct lmtp_dialogue *lmtp_dialogue_new(const char *host, const struct collect_limits *limits,
                                        struct counters *counters);
void lmtp_dialogue_free(struct lmtp_dialogue **dialogue);

/* Takes *taken_r bytes of the input: all of them, unless a step is reached. */
enum lmtp_step lmtp_dialogue_take(struct lmtp_dialogue *dialogue, const char *bytes, size_t length, size_t *taken_r);

/* At LMTP_MESSAGE: the message, without dot-stuffing, its envelope sender, and
 * the first recipient that bears a tag (daemon/tag.h) or NULL; all stay the
 * dialogue's, until it is answered. */
struct collect *lmtp_dialogue_message(struct lmtp_dialogue *dialogue, const char **sender_r, const char **tagged_r);

/* Answers each recipient. recorded 0: the MTA shall come again. */
void lmtp_dialogue_answer(struct lmtp_dialogue *dialogue, int recorded);

/* The connection is to end for our own sake: reply is "421 4.3.2 ...". */
void lmtp_dialogue_end(struct lmtp_dialogue *dialogue, const char *reply);

/* What is to be sent, valid until the next call; lmtp_dialogue_said forgets it. */
struct span lmtp_dialogue_replies(const struct lmtp_dialogue *dialogue);
void lmtp_dialogue_said(struct lmtp_dialogue *dialogue);

#endif
