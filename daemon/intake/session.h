/* One conversation with an MTA: what is learned from it and what follows.
 *
 * milter.c turns libmilter's callbacks into these calls; nothing here knows
 * libmilter. A session belongs to the thread that serves its connection. Facts
 * leave it only inside self-contained records for the writer.
 *
 * Three kinds of message pass through:
 *  - submitted mail (a client that logged in, a trusted network, or sendmail(1)):
 *    its recipients are asked about at the gate (SMTP only: an MTA cannot refuse
 *    a single recipient of sendmail(1)) and its envelope is remembered. Where a
 *    header names the stream, or a header may bypass the gate, RCPT TO is too
 *    early for the answer: at the end of the headers the message is refused when
 *    every recipient is suppressed. Beside others a suppressed recipient then
 *    passes, logged and counted: to take it out of the envelope (smfi_delrcpt)
 *    would lose it without a word, to refuse the message would stop the others;
 *  - reports (null sender, or multipart/report): collected, parsed, recorded.
 *    The MTA's own count as local evidence, all others as unproven, until the
 *    ledger finds them proved. A tag of ours is taken off their recipients;
 *  - everything else: left alone as early as the protocol allows.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_SESSION_H
#define SUPPRESSD_DAEMON_INTAKE_SESSION_H

#include "daemon/counters.h"
#include "daemon/gate/gate.h"
#include "daemon/settings.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct budget;
struct keyring;
struct session;
struct writer;

/* What sessions share; borrowed for their lives. */
struct session_rooms {
    struct gate *gate;
    struct writer *writer;
    struct counters *counters;
    struct budget *memory;   /* of messages that come in */
    struct keyring *keyring; /* of the signed envelope sender */
};

/* What to do with the rest of a message. */
enum session_answer {
    SESSION_CONTINUE, /* more, please */
    SESSION_SKIP,     /* no more of the body, but the end of the message */
    SESSION_ACCEPT,   /* done with this message: it passes */
    SESSION_PUT_OFF,  /* temporary failure: the MTA shall bring it again */
    SESSION_REFUSE,   /* with the reply that was filled in */
};

/* Takes a count of settings. hostname and address as the MTA gives them
 * (address NULL: unknown); mta is the MTA's own host name (macro j), or NULL. */
struct session *session_open(const struct session_rooms *rooms, struct settings *settings,
                             const char *hostname, const struct sockaddr *address, const char *mta);
void session_close(struct session **session);
/* Port and name of the MTA's daemon that took the connection; NULL: not known. */
void session_daemon(struct session *session, const char *port, const char *name);

/* There are too many: from now on it takes next to nothing. Mail passes, nobody is
 * looked up, and reports are put off. */
void session_crowd_out(struct session *session);

/* A message begins. sender "<a@b>" or "<>"; authenticated: the client logged in. */
void session_mail(struct session *session, const char *sender, int authenticated);
enum session_answer session_rcpt(struct session *session, const char *recipient, int64_t now,
                                 struct gate_reply *reply_r);
void session_header(struct session *session, const char *name, const char *value);
/* The gate's answer that had to wait for the headers: CONTINUE, or REFUSE the message. */
enum session_answer session_gate(struct session *session, int64_t now, struct gate_reply *reply_r);
/* CONTINUE: the body is wanted; SKIP: only the end; ACCEPT: neither. */
enum session_answer session_end_of_headers(struct session *session);
enum session_answer session_body(struct session *session, const char *bytes, size_t length);
/* What the MTA is to change in the message's envelope, asked at its end, before
 * session_end_of_message. sender (without brackets; NULL: it stays) is signed;
 * each of the recipients in from (as the MTA named it) becomes the one in to,
 * without its tag. All borrowed until the message is ended. */
struct session_envelope {
    const char *sender;
    size_t count;
    char *const *from, *const *to;
};
void session_envelope(struct session *session, int64_t now, struct session_envelope *envelope_r);

/* queue_id may be NULL. Waits for the disk when the message is a report. */
enum session_answer session_end_of_message(struct session *session, const char *queue_id, int64_t now);
/* Instead of session_end_of_message while the daemon stops: PUT_OFF for a report, else ACCEPT. */
enum session_answer session_give_up(struct session *session);
/* Forgets the message, not the connection. */
void session_abort(struct session *session);

#endif
