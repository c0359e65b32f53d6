/* The verdict on one delivery result.
 *
 * The words of a failure or delay go to the classifier. What is neither says
 * by its action already what it is: delivered, a complaint (of the kind that
 * its Feedback-Type names, RFC 5965), an automatic reply. Pure; the thread of
 * the classifier.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_JUDGE_H
#define SUPPRESSD_DAEMON_LEDGER_JUDGE_H

#include "classifier/classify.h"
#include "daemon/report/delivery.h"

/* domain: the recipient's, NULL where it has none. */
void judge(struct classifier *classifier, const struct delivery *delivery, const char *domain,
           struct verdict *verdict_r);

#endif
