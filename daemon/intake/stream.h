/* Streams: which kind of mail is this?
 *
 * By a header field of the message, by the port or name of the daemon that took
 * it, else by the domain of the envelope sender. Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_STREAM_H
#define SUPPRESSD_DAEMON_INTAKE_STREAM_H

#include "base/error.h"

#define STREAM_MAX 200 /* bytes of a stream's name */
#define STREAM_NONE (-1)

/* fields: "Feedback-ID, List-Id". The place of name in it, 0 the foremost, or
 * STREAM_NONE. Case does not matter. */
int stream_field(const char *fields, const char *name);

/* What the value of the field says: of List-Id the identifier in brackets (RFC
 * 2919), of Feedback-ID the last part, which names the sender and is the same
 * throughout a stream, else all of it. Freed by the caller. */
char *stream_of_field(const char *name, const char *value);

/* ports: "587=receipts, news-daemon=news". The stream of this port or daemon
 * (NULL: not known), or NULL. Freed by the caller. */
char *stream_of_port(const char *ports, const char *port, const char *daemon);
int stream_check_ports(const char *ports, struct error *error) must_check;

#endif
