/* Did this host's own MTA write this DSN?
 *
 * It does so with the null sender and in this very host's name; but so can
 * anybody. Where the way on which it came does not tell, the message must show
 * where it began: it has one Received field, which this host wrote for mail of
 * its own. An MTA puts a field of its own before those that it is given: by SMTP
 * with the client's address, by sendmail(1) with the user, so that whatever
 * somebody hands in, on the loopback or from a shell, shows it. Pure, but for
 * own_name.
 */
#ifndef SUPPRESSD_DAEMON_INTAKE_OWN_H
#define SUPPRESSD_DAEMON_INTAKE_OWN_H

#include "daemon/report/delivery.h"
#include "daemon/report/field.h"

/* A machine's report with the null sender in the name of host. sender without
 * brackets; NULL: unknown. */
int own_dsn(const struct report *report, const char *sender, const char *host);

/* The message's Received fields show that host's MTA wrote it, and gave it to nobody in between. */
int own_way(const struct header *header, const char *host);

/* One Received field: written by host, for a message of its MTA's own. */
int own_received(struct span received, const char *host);

/* What this host's MTA calls itself: set, unless that is ""; else the machine's
 * name, in full where the system knows it, "" when it has none. May ask the resolver. */
void own_name(const char *set, char *name_r, size_t size);

#endif
