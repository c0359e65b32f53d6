/* See gate.h. */
#include "config.h"

#include "daemon/gate/gate.h"

#include "base/mem.h"
#include "daemon/ledger/lookup.h"
#include "daemon/log.h"

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

static enum gate_answer refuse(struct gate *gate, const struct settings *settings,
                               const struct address *address, const struct suppressed *suppressed,
                               struct gate_reply *reply_r)
{
    if (settings->gate_mode == GATE_SHADOW) {
        counters_add(gate->counters, COUNTER_GATE_SHADOWED, 1);
        log_line(LOG_NOTE, "gate: shadow mode: would refuse <%s>: %s", address->given, suppressed->reason);
        return GATE_PASS;
    }
    counters_add(gate->counters, COUNTER_GATE_REFUSED, 1);
    log_line(LOG_NOTE, "gate: refused <%s>: %s", address->given, suppressed->reason);
    gate_reply_format(settings->gate_reply, address->given, suppressed->reason, suppressed->since, reply_r);
    return GATE_REFUSE;
}

enum gate_answer gate_ask(struct gate *gate, const struct settings *settings,
                          const struct address *address, const char *stream, int64_t now,
                          struct gate_reply *reply_r)
{
    enum gate_answer answer = GATE_PASS;
    struct suppressed suppressed;
    struct lookup *lookup;
    struct error error;
    int found;

    if (settings->gate_mode == GATE_OFF)
        return GATE_PASS;
    counters_add(gate->counters, COUNTER_GATE_ASKED, 1);
    if (!(lookup = lookup_pool_take(gate->pool, &error))) {
        note_trouble(gate, &error);
        return GATE_PASS;
    }
    found = lookup_suppressed(lookup, address->key, address->key + address->domain, stream, now,
                              &suppressed, &error);
    if (found < 0)
        note_trouble(gate, &error);
    else
        note_recovery(gate);
    if (found > 0)
        answer = refuse(gate, settings, address, &suppressed, reply_r);
    lookup_pool_give(gate->pool, lookup, found < 0);
    return answer;
}
