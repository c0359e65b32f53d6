/* Socketmap, the protocol of socketmap_table(5) of Postfix: netstrings.
 *
 *     LENGTH:MAP KEY,     is answered by     LENGTH:OK DATA,
 *                                            LENGTH:NOTFOUND ,
 *                                            LENGTH:PERM REASON,
 *
 * TEMP and TIMEOUT are never said: either would make Postfix put mail off. PERM
 * is the answer to a map that does not exist, a mistake in main.cf that would
 * else pass unseen.
 *
 * Maps: suppression (for transport_maps), recipient-access (for
 * check_recipient_access), delivery-status (for default_delivery_status_filter).
 * Pure, any bytes, any thread.
 */
#ifndef SUPPRESSD_DAEMON_GATE_SOCKETMAP_H
#define SUPPRESSD_DAEMON_GATE_SOCKETMAP_H

#include "daemon/gate/question.h"
#include "daemon/report/span.h"

#include <sys/types.h>

#define SOCKETMAP_REQUEST_MAX 100000 /* bytes of MAP KEY, as many as Postfix takes in an answer */

/* Bytes of the whole request at the head of the input and what is in it; 0
 * when more is to come, -1 when there never will be one. scanned is of no use here. */
ssize_t socketmap_frame(struct span input, size_t scanned, struct span *request_r);

/* 0, or -1 when there is no such map (question_r is then QUESTION_NONE). question_r is the caller's to clear. */
int socketmap_parse(struct span request, struct question *question_r);

/* known: what socketmap_parse said; data NULL: nothing found. Owned by the caller. */
char *socketmap_reply(int known, const char *data);

#endif
