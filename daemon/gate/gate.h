/* The gate: may mail go to this recipient?
 *
 * One lookup and one wording for all ways in. Fails open: when the database is
 * in trouble, or takes longer than gate_deadline, the recipient passes, and it
 * is counted and logged, once until it answers again. Any thread.
 */
#ifndef SUPPRESSD_DAEMON_GATE_GATE_H
#define SUPPRESSD_DAEMON_GATE_GATE_H

#include "daemon/counters.h"
#include "daemon/gate/gate_reply.h"
#include "daemon/report/address.h"
#include "daemon/settings.h"

#include <stdint.h>

struct gate;
struct lookup_pool;

enum gate_answer { GATE_PASS, GATE_REFUSE };

/* Both borrowed for the gate's life. */
struct gate *gate_new(struct lookup_pool *pool, struct counters *counters);
void gate_free(struct gate **gate);

/* A recipient that is suppressed for a stream. */
struct gate_finding {
    char reason[64];
    int64_t since;
};

/* gate_ask in its two steps, for who must know of all recipients before it
 * refuses one. gate_look: 1 and *finding_r, or 0. gate_refuse logs and counts. */
int gate_look(struct gate *gate, const struct settings *settings, const struct address *address, const char *stream,
              int64_t now, struct gate_finding *finding_r);
enum gate_answer gate_refuse(struct gate *gate, const struct settings *settings, const struct address *address,
                             const struct gate_finding *finding, struct gate_reply *reply_r);
/* Whether mail is being sent from here, so that the gate concerns itself with
 * it: not the null sender's, and the client is trusted or logged in. */
int gate_is_submission(const struct settings *settings, const char *sender, int trusted, int authenticated);

/* GATE_REFUSE fills *reply_r. In shadow mode it logs what it would have done
 * and passes; when it is off it looks nothing up. */
enum gate_answer gate_ask(struct gate *gate, const struct settings *settings,
                          const struct address *address, const char *stream, int64_t now,
                          struct gate_reply *reply_r);

#endif
