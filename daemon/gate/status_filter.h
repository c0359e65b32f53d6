/* The delivery status filter: what Postfix shall log, and do, instead of the
 * status and text of a delivery (default_delivery_status_filter of postconf(5)).
 *
 *     5.7.1 host mx.example[192.0.2.1] said: 550 5.7.1 blocked (in reply to RCPT TO command)
 *     4.7.1 host ... (in reply to RCPT TO command) (suppressd: ip-reputation, was 5.7.1)
 *
 * The reason is appended; only the first digit ever changes, from 5 to 4 for a
 * reason in status_retry, from 4 to 5 for one in status_return where a server
 * itself refused (its reply has a 4yz code). What the remote server said stays
 * whole, so that log, bounce and classifier read the same as without; the
 * classifier takes what is appended off again (classifier/unwrap.c). A result
 * that was made final here is known again by that reply (hygiene.h).
 */
#ifndef SUPPRESSD_DAEMON_GATE_STATUS_FILTER_H
#define SUPPRESSD_DAEMON_GATE_STATUS_FILTER_H

#include "base/error.h"
#include "daemon/counters.h"

struct classifier;
struct settings;

/* -1 unless text is a list of reasons, between commas; final: of those that
 * may be made final. Any thread. */
int status_filter_check(const char *text, int final, struct error *error) must_check;

/* NULL: it stays as it is (a success, a refusal of our own gate, no status).
 * Owned by the caller. The classifier's thread. */
char *status_filter(struct classifier *classifier, const struct settings *settings, const char *line,
                    struct counters *counters);

#endif
