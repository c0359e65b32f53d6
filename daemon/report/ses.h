/* Amazon SES event notices that SNS delivers as mail: a JSON object as text.
 *
 * Source: the SES developer guide, "Amazon SNS notification contents". Of a
 * complaint SES lists everybody of that provider to whom the message went, for
 * it often does not know who complained: with more than one, nobody is taken.
 *
 * Pure, any thread.
 */
#ifndef SUPPRESSD_DAEMON_REPORT_SES_H
#define SUPPRESSD_DAEMON_REPORT_SES_H

#include "daemon/report/delivery.h"
#include "daemon/report/span.h"

/* Fills kind and deliveries; 1 when text was such a notice, else 0 and nothing
 * is changed. */
int ses_read(struct span text, struct report *report);

#endif
