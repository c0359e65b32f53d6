/* By what one knows a bounce, an automatic answer, a mere delay: tables of the
 * signs that mail systems give. Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_SIGNS_H
#define SUPPRESSD_DAEMON_REPORT_SIGNS_H

#include "daemon/report/field.h"

enum bounce_sign {
    BOUNCE_NONE,
    BOUNCE_WORDED,  /* its subject sounds like one */
    BOUNCE_OFFICE,  /* a postmaster wrote it, which may be a person */
    BOUNCE_SENT,    /* a mail system wrote it */
    BOUNCE_CERTAIN, /* both, or the system lists whom it could not reach */
};

enum bounce_sign signs_bounce(const struct header *header);

/* The text speaks of a failed delivery: proof only beside a null sender or a
 * returned message, for people speak of such things too. */
int signs_failure(struct span text);

/* RFC 3834, and what is customary instead of it. Ask signs_bounce first: many
 * mail systems mark their bounces as automatic replies, too. */
int signs_auto_reply(const struct header *header);

/* An automatic reply that asks the sender to prove to be a person. */
int signs_challenge(const struct header *header, struct span text);

/* The notice says that all went well, and of nothing that did not. */
int signs_success(struct span subject, struct span text);

/* The notice says that delivery goes on being tried. */
int signs_delay(struct span subject, struct span text);

#endif
