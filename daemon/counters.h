/* What happened since the start: one table of counters for `status` and metrics.
 *
 * Any thread; no order between counters is promised.
 */
#ifndef SUPPRESSD_DAEMON_COUNTERS_H
#define SUPPRESSD_DAEMON_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

enum counter {
    COUNTER_SESSIONS,
    COUNTER_SESSIONS_CROWDED,
    COUNTER_GATE_ASKED,
    COUNTER_GATE_REFUSED,
    COUNTER_GATE_SHADOWED,
    COUNTER_GATE_TROUBLE,
    COUNTER_REPORTS,
    COUNTER_REPORTS_UNPROVEN,
    COUNTER_REPORTS_TEMPFAILED,
    COUNTER_REPORTS_CUT,
    COUNTER_MESSAGES_CROWDED,
    COUNTER_HEADERS_CUT,
    COUNTER_PARTS_CUT,
    COUNTER_DEPTH_CUT,
    COUNTER_RECIPIENTS_CUT,
    COUNTER_ORDINARY,
    COUNTER_EVENTS,
    COUNTER_EVENTS_REPEATED,
    COUNTER_SUPPRESSED,
    COUNTER_WOULD_SUPPRESS,
    COUNTER_GATE_BYPASSED,
    COUNTER_GATE_LATE,
    COUNTER_INCIDENTS_OPENED,
    COUNTER_INCIDENTS_CLOSED,
    COUNTER_ANNOUNCE_FAILED,
    COUNTER_ASIDE,
    COUNTER_ASIDE_DROPPED,
    COUNTER_ADDRESSES_BAD,
    COUNTER_SENT,
    COUNTER_SENT_CUT,
    COUNTER_SENT_DROPPED,
    COUNTER_COMMITS,
    COUNTER_WRITE_FAILURES,
    COUNTER_QUEUE_FULL,
    COUNTER_RELOADS,
    COUNTER_RELOADS_FAILED,
    COUNTER_LOG_LINES,
    COUNTER_LOG_LINES_CUT,
    COUNTER_LOG_AMBIGUOUS,
    COUNTER_RESULTS_COUNTED,
    COUNTER_LMTP_CONNECTIONS,
    COUNTER_LMTP_CONNECTIONS_REFUSED,
    COUNTER_LMTP_IDLE,
    COUNTER_LMTP_MESSAGES,
    COUNTER_LMTP_FAULTS,
    COUNTER_SOCKETMAP_REQUESTS,
    COUNTER_POLICY_REQUESTS,
    COUNTER_GATE_CONNECTIONS,
    COUNTER_GATE_CONNECTIONS_REFUSED,
    COUNTER_GATE_IDLE,
    COUNTER_GATE_FAULTS,
    COUNTER_GATE_DEADLINE,
    COUNTER_CONTROL_CONNECTIONS,
    COUNTER_CONTROL_CONNECTIONS_REFUSED,
    COUNTER_CONTROL_IDLE,
    COUNTER_STATUS_RETRIED,
    COUNTER_STATUS_RETURNED,
    COUNTER_PROVED,
    COUNTER_UNPROVEN,
    COUNTER_TAGS_WRITTEN,
    COUNTER_TAGS_LEFT_OUT,
    COUNTER_TAGS_WRONG,
    COUNTER_TAGS_EXPIRED,
    COUNTER_RETURNS_REFUSED,
    COUNTER_COUNT
};

struct counters {
    _Atomic uint64_t value[COUNTER_COUNT];
};

static inline void counters_add(struct counters *counters, enum counter counter, uint64_t by)
{
    atomic_fetch_add_explicit(&counters->value[counter], by, memory_order_relaxed);
}

static inline uint64_t counters_get(const struct counters *counters, enum counter counter)
{
    return atomic_load_explicit(&counters->value[counter], memory_order_relaxed);
}

const char *counter_name(enum counter counter); /* "gate_refused" */
const char *counter_help(enum counter counter); /* one sentence */

#endif
