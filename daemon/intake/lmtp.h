/* LMTP: an MTA hands over the mail of a bounce domain, or its own bounces.
 *
 * Sockets for lmtp_dialogue.h, on the main loop, which never waits for the
 * disk: a message goes to the writer, and its recipients are answered with 250
 * when the commit has been acknowledged; meanwhile nothing more is read from
 * that connection. When the queue is full or the disk fails the answer is 451,
 * and the MTA comes again. Mail that reports on nothing is accepted and
 * counted. What cannot be understood is kept aside.
 *
 * What arrives may have come from anywhere: it is unproven evidence, until the
 * ledger finds proof, unless lmtp_trust says that this host's own DSNs are to be
 * known again (own.h).
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_LMTP_H
#define SUPPRESSD_DAEMON_INTAKE_LMTP_H

#include "base/error.h"
#include "daemon/counters.h"
#include "daemon/settings.h"

struct budget;
struct event_base;
struct lmtp;
struct writer;

/* All borrowed, and outlive the room; settings are counted. */
struct lmtp_rooms {
    struct event_base *base;
    struct writer *writer;
    struct counters *counters;
    struct budget *memory; /* of messages that come in */
    const char *host; /* this host's name as its MTA says it */
};

/* Listens on settings->lmtp_socket, which is not "". NULL and error. */
struct lmtp *lmtp_open(const struct lmtp_rooms *rooms, struct settings *settings, struct error *error) must_check;

/* New connections see these; a count is taken. */
void lmtp_set_settings(struct lmtp *lmtp, struct settings *settings);

/* After writer_stop: gives the answers that have become due. */
void lmtp_close(struct lmtp **lmtp);

#endif
