/* Hygiene: what follows from one delivery result.
 *
 * Pure: the same verdict and facts give the same decision. Any thread.
 *
 * The rules today: only a final failure on trusted evidence can act; a reason
 * whose hygiene is "suppress" then suppresses the address at once and for
 * good, whatever the fault of others never does.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_HYGIENE_H
#define SUPPRESSD_DAEMON_LEDGER_HYGIENE_H

#include "classifier/classify.h"
#include "daemon/report/delivery.h"

enum decision_kind {
    DECISION_NONE,     /* recorded, nothing follows */
    DECISION_COUNT,    /* a failure that counts against the recipient */
    DECISION_SUPPRESS, /* the recipient is refused from now on */
    DECISION_UNPROVEN, /* recorded only: anyone could have sent it */
};

struct decision {
    enum decision_kind kind;
    char sentence[240]; /* explains it to a person */
};

/* What is known beside the verdict. */
struct hygiene_facts {
    enum action action;
    enum evidence evidence;
    int suppressed; /* the recipient is suppressed already */
};

void hygiene_decide(const struct verdict *verdict, const struct hygiene_facts *facts,
                    struct decision *decision_r);

const char *decision_name(enum decision_kind kind); /* "none", "count", "suppress", "unproven" */

#endif
