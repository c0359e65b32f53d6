/* Addresses in running text, and what kind of place each stands in. Pure. */
#ifndef SUPPRESSD_DAEMON_REPORT_SCAN_H
#define SUPPRESSD_DAEMON_REPORT_SCAN_H

#include "daemon/report/span.h"

/* How plainly a text says that an address is a recipient; the higher the plainer. */
enum rank {
    RANK_NONE,
    RANK_TOLD,     /* "We could not reach joe@example.com": nothing says that it is another's;
                      worth what the sentence around it says */
    RANK_CODED,    /* "550 5.1.1 <joe@example.com>... User unknown", "RCPT TO:<joe@example.com>" */
    RANK_LABELLED, /* "Unknown user: joe@example.com" */
    RANK_LISTED,   /* at the head of its line: "<joe@example.com>: host said ..." */
};

/* The next address within text, quoted local parts included; 1 or 0. */
int scan_address(struct span text, struct span *address_r);

/* Takes the next address off *rest_io, with all in front of it; 1 or 0. */
int scan_next(struct span *rest_io, struct span *address_r);

/* The address of a field that holds exactly one; 1 or 0. */
int scan_only(struct span value, struct span *address_r);

/* What the line says of the address in it. before is where the line, or what
 * stands behind an earlier address in it, begins. *after_r is what follows the
 * address and its brackets, to the end of the line. */
enum rank scan_rank(struct span line, struct span before, struct span address, struct span *after_r);

/* The line says that what comes next is the sender, or somebody to write to. */
int scan_introduces_other(struct span line);

/* The place of an SMTP reply code (4yz, 5yz) in text, else of an enhanced status, or NULL. */
const char *scan_code(struct span text);

/* The line says that those who come next did get the message. */
int scan_introduces_success(struct span line);

/* What stands around the address in its line. */
struct span scan_near(struct span line, struct span address);

/* The line holds one address and nothing else. */
int scan_bare(struct span line);

/* The words are those of a failure: "unknown", "exceeds". */
int scan_tells_failure(struct span text);

#endif
