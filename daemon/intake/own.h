/* Did this host's own MTA write this DSN?
 *
 * It does so with the null sender and in this very host's name; but so can
 * anybody. Where the way on which it came does not tell, the message must show
 * where it began: of its Received fields, of which there must be one, each was
 * written by this host and for a message from this host. An MTA puts its own
 * field before those that a client has sent, with the client's address in it:
 * what came from outside always shows it, whatever else it claims. Whoever may
 * hand in mail on the loopback is believed. Pure, but for own_name.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_OWN_H
#define SUPPRESSD_DAEMON_INTAKE_OWN_H

#include "daemon/report/delivery.h"
#include "daemon/report/field.h"

/* A machine's report with the null sender in the name of host. sender without
 * brackets; NULL: unknown. */
int own_dsn(const struct report *report, const char *sender, const char *host);

/* The message's Received fields show that it began on host. */
int own_way(const struct header *header, const char *host);

/* One Received field: written by host, for a message that began on it. */
int own_received(struct span received, const char *host);

/* What this host's MTA calls itself: set, unless that is ""; else the machine's
 * name, in full where the system knows it, "" when it has none. May ask the resolver. */
void own_name(const char *set, char *name_r, size_t size);

#endif
