/* See gate.h. */
#include "config.h"

#include "daemon/gate/gate.h"

#include "base/mem.h"
#include "daemon/ledger/lookup.h"
#include "daemon/log.h"

#include <stdio.h>
#include <stdlib.h>

struct gate {
    struct lookup_pool *pool;
    struct counters *counters;
    _Atomic int trouble; /* the last lookup failed: said once, not for every recipient */
};

struct gate *gate_new(struct lookup_pool *pool, struct counters *counters)
{
    struct gate *gate = xcalloc(1, sizeof(*gate));

    gate->pool = pool;
    gate->counters = counters;
    return gate;
}

void gate_free(struct gate **gate)
{
    free(*gate);
    *gate = NULL;
}

static void note_trouble(struct gate *gate, const struct error *error)
{
    counters_add(gate->counters, COUNTER_GATE_TROUBLE, 1);
    if (!gate->trouble)
        log_line(LOG_ERROR, "gate: recipients pass unchecked: %s", error->text);
    gate->trouble = 1;
}

static void note_recovery(struct gate *gate)
{
    if (gate->trouble)
        log_line(LOG_NOTE, "gate: the database answers again");
    gate->trouble = 0;
}

enum gate_answer gate_refuse(struct gate *gate, const struct settings *settings, const struct address *address,
                             const struct gate_finding *finding, struct gate_reply *reply_r)
{
    if (settings->gate_mode == GATE_SHADOW) {
        counters_add(gate->counters, COUNTER_GATE_SHADOWED, 1);
        log_line(LOG_NOTE, "gate: shadow mode: would refuse <%s>: %s", address->given, finding->reason);
        return GATE_PASS;
    }
    counters_add(gate->counters, COUNTER_GATE_REFUSED, 1);
    log_line(LOG_NOTE, "gate: refused <%s>: %s", address->given, finding->reason);
    gate_reply_format(settings->gate_reply, address->given, finding->reason, finding->since, reply_r);
    return GATE_REFUSE;
}

int gate_is_submission(const struct settings *settings, const char *sender, int trusted, int authenticated)
{
    return *sender && (trusted || (authenticated && settings->trust_authenticated));
}

int gate_look(struct gate *gate, const struct settings *settings, const struct address *address, const char *stream,
              int64_t now, struct gate_finding *finding_r)
{
    struct suppressed suppressed;
    struct lookup *lookup;
    struct error error;
    int found;

    if (settings->gate_mode == GATE_OFF)
        return 0;
    counters_add(gate->counters, COUNTER_GATE_ASKED, 1);
    if (!(lookup = lookup_pool_take(gate->pool, &error))) {
        note_trouble(gate, &error);
        return 0;
    }
    lookup_limit(lookup, (int)settings->gate_deadline);
    found = lookup_suppressed(lookup, address->key, address->key + address->domain, stream, now,
                              &suppressed, &error);
    if (found < 0)
        note_trouble(gate, &error);
    else
        note_recovery(gate);
    if (found > 0) {
        snprintf(finding_r->reason, sizeof(finding_r->reason), "%s", suppressed.reason);
        finding_r->since = suppressed.since;
    }
    lookup_pool_give(gate->pool, lookup, found < 0);
    return found > 0;
}

enum gate_answer gate_ask(struct gate *gate, const struct settings *settings,
                          const struct address *address, const char *stream, int64_t now,
                          struct gate_reply *reply_r)
{
    struct gate_finding finding;

    return gate_look(gate, settings, address, stream, now, &finding)
               ? gate_refuse(gate, settings, address, &finding, reply_r) : GATE_PASS;
}
