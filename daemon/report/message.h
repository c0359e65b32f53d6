/* A message's bytes in, the deliveries it reports out.
 *
 * The front door of the message parsers: tells what kind of message it is and
 * hands it to the parser of that kind.
 *
 *   dsn      delivery status notifications: what machines write for machines
 *   bounce   the same for people, where the former is missing or of no use
 *   arf      complaints; ses: Amazon's notices as JSON
 *
 * Below them: mime (parts), field (header fields), notice (a bounce's own text
 * without the returned message), scan and passage (addresses and causes in
 * running text), unnamed and verp (whom a notice means that names nobody), signs
 * (by what one knows a kind), span (bytes of others).
 *
 * Nothing in here tells who wrote the message. Only a REPORT_DSN of one's own
 * MTA should ever act without further proof: the other kinds are read out of
 * text that anyone can word. Pure; any thread, after message_init.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_MESSAGE_H
#define SUPPRESSD_DAEMON_REPORT_MESSAGE_H

#include "daemon/report/delivery.h"
#include "daemon/report/field.h"

#include <stddef.h>

#define MESSAGE_HEADER_MAX HEADER_BYTES_MAX
#define MESSAGE_RECIPIENTS_MAX 10000
#define MESSAGE_PARTS_MAX 200
#define MESSAGE_DEPTH_MAX 20
#define MESSAGE_REPLY_MAX 4096 /* bytes kept of one reply */

/* How much of a message is looked at; what lies beyond is told by report->cut. */
struct message_limits {
    size_t header;     /* bytes of its header; what is longer has no body */
    size_t parts;      /* MIME parts */
    size_t depth;      /* multiparts one within another */
    size_t recipients; /* of one report */
};

#define MESSAGE_LIMITS_USUAL {MESSAGE_HEADER_MAX, MESSAGE_PARTS_MAX, MESSAGE_DEPTH_MAX, MESSAGE_RECIPIENTS_MAX}

extern const struct message_limits message_limits_usual;

/* Once, before the first message_parse, in the main thread. */
void message_init(void);

/* Fills *report_r, which the caller clears with report_clear. Never fails:
 * what cannot be understood is REPORT_BROKEN with its problem named. The
 * bytes may be cut off at the end; what is whole before the cut is used.
 * limits NULL: the usual ones. */
void message_parse(const char *bytes, size_t length, const struct message_limits *limits, struct report *report_r);

#endif
