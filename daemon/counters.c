/* See counters.h. */
#include "config.h"

#include "daemon/counters.h"

static const struct {
    const char *name, *help;
} table[COUNTER_COUNT] = {
    [COUNTER_SESSIONS] = {"sessions", "milter sessions opened"},
    [COUNTER_SESSIONS_CROWDED] = {"sessions_crowded", "of these, beyond milter_connections_max: mail passed unchecked, bounces were put off"},
    [COUNTER_GATE_ASKED] = {"gate_asked", "recipients of mail being sent that the gate looked up"},
    [COUNTER_GATE_REFUSED] = {"gate_refused", "recipients refused because they are suppressed"},
    [COUNTER_GATE_SHADOWED] = {"gate_shadowed", "recipients that shadow mode would have refused"},
    [COUNTER_GATE_TROUBLE] = {"gate_trouble", "recipients let through because the database failed or took too long"},
    [COUNTER_REPORTS] = {"reports", "bounces and complaints taken"},
    [COUNTER_REPORTS_UNPROVEN] = {"reports_unproven", "of these, handed in by somebody without proof"},
    [COUNTER_REPORTS_TEMPFAILED] = {"reports_tempfailed", "bounces put off because they could not be recorded"},
    [COUNTER_REPORTS_CUT] = {"reports_cut", "messages of which only the first report_size_max bytes were read"},
    [COUNTER_MESSAGES_CROWDED] = {"messages_crowded", "messages of which messages_memory_max left room for the beginning only"},
    [COUNTER_HEADERS_CUT] = {"headers_cut", "messages of whose header only the first header_size_max bytes were read"},
    [COUNTER_PARTS_CUT] = {"parts_cut", "messages of which only the first mime_parts_max parts were read"},
    [COUNTER_DEPTH_CUT] = {"depth_cut", "messages that were read no deeper than mime_depth_max"},
    [COUNTER_RECIPIENTS_CUT] = {"recipients_cut", "reports of which not all recipients were read (report_recipients_max); kept aside besides"},
    [COUNTER_ORDINARY] = {"ordinary", "messages looked at that say nothing of a delivery"},
    [COUNTER_EVENTS] = {"events", "delivery results recorded"},
    [COUNTER_EVENTS_REPEATED] = {"events_repeated", "delivery results that were known already"},
    [COUNTER_SUPPRESSED] = {"suppressed", "suppressions added by hygiene"},
    [COUNTER_WOULD_SUPPRESS] = {"would_suppress", "suppressions that are held or in shadow mode"},
    [COUNTER_GATE_BYPASSED] = {"gate_bypassed", "suppressed recipients let through by the bypass header"},
    [COUNTER_GATE_LATE] = {"gate_late", "suppressed recipients let through: known only after the header, beside others"},
    [COUNTER_INCIDENTS_OPENED] = {"incidents_opened", "incidents opened"},
    [COUNTER_INCIDENTS_CLOSED] = {"incidents_closed", "incidents closed"},
    [COUNTER_ANNOUNCE_FAILED] = {"announce_failed", "incidents of which incident_program or incident_address could not be told"},
    [COUNTER_ASIDE] = {"aside", "messages kept aside because they were not understood, or not in full"},
    [COUNTER_ASIDE_DROPPED] = {"aside_dropped", "messages let go of, or not kept aside, because of aside_bytes_max"},
    [COUNTER_ADDRESSES_BAD] = {"addresses_bad", "reported recipients that are no address"},
    [COUNTER_SENT] = {"sent", "submitted messages remembered"},
    [COUNTER_SENT_CUT] = {"sent_cut", "recipients of submitted messages not remembered, beyond message_recipients_max"},
    [COUNTER_SENT_DROPPED] = {"sent_dropped", "submitted messages not remembered because the queue was full or the disk failed"},
    [COUNTER_COMMITS] = {"commits", "transactions committed"},
    [COUNTER_WRITE_FAILURES] = {"write_failures", "transactions that failed"},
    [COUNTER_QUEUE_FULL] = {"queue_full", "records refused because the queue was full"},
    [COUNTER_RELOADS] = {"reloads", "settings and rules reloaded"},
    [COUNTER_RELOADS_FAILED] = {"reloads_failed", "reloads refused because settings or rules are wrong"},
    [COUNTER_LOG_LINES] = {"log_lines", "lines of the mail log read"},
    [COUNTER_LOG_LINES_CUT] = {"log_lines_cut", "of these, longer than log_line_max and read in part"},
    [COUNTER_LOG_AMBIGUOUS] = {"log_ambiguous", "of these, deliveries that read in two ways and were passed over"},
    [COUNTER_RESULTS_COUNTED] = {"results_counted", "delivered and deferred results counted from the mail log"},
    [COUNTER_LMTP_CONNECTIONS] = {"lmtp_connections", "LMTP connections taken"},
    [COUNTER_LMTP_CONNECTIONS_REFUSED] = {"lmtp_connections_refused", "LMTP connections refused because there were too many"},
    [COUNTER_LMTP_IDLE] = {"lmtp_idle", "LMTP connections ended because they were silent for too long"},
    [COUNTER_LMTP_MESSAGES] = {"lmtp_messages", "messages that came in by LMTP"},
    [COUNTER_LMTP_FAULTS] = {"lmtp_faults", "LMTP commands refused: wrong, too long or too many"},
    [COUNTER_SOCKETMAP_REQUESTS] = {"socketmap_requests", "questions asked by socketmap"},
    [COUNTER_POLICY_REQUESTS] = {"policy_requests", "questions asked by policy delegation"},
    [COUNTER_GATE_CONNECTIONS] = {"gate_connections", "socketmap and policy connections taken"},
    [COUNTER_GATE_CONNECTIONS_REFUSED] = {"gate_connections_refused", "socketmap and policy connections closed because there were too many"},
    [COUNTER_GATE_IDLE] = {"gate_idle", "socketmap and policy connections ended because they were silent for too long"},
    [COUNTER_GATE_FAULTS] = {"gate_faults", "socketmap and policy requests that were not understood"},
    [COUNTER_GATE_DEADLINE] = {"gate_deadline_passed", "socketmap and policy questions left unanswered because gate_deadline had passed"},
    [COUNTER_CONTROL_CONNECTIONS] = {"control_connections", "control connections (suppressctl) taken"},
    [COUNTER_CONTROL_CONNECTIONS_REFUSED] = {"control_connections_refused", "control connections closed because there were too many"},
    [COUNTER_CONTROL_IDLE] = {"control_idle", "control connections ended because they were silent for too long"},
    [COUNTER_STATUS_RETRIED] = {"status_retried", "final failures that status_retry has Postfix try again"},
    [COUNTER_STATUS_RETURNED] = {"status_returned", "temporary refusals that status_return made final"},
    [COUNTER_PROVED] = {"proved", "results in others' reports that a sent message proves"},
    [COUNTER_UNPROVEN] = {"unproven", "results that nothing proves; they suppress nobody"},
    [COUNTER_TAGS_WRITTEN] = {"tags_written", "envelope senders signed"},
    [COUNTER_TAGS_LEFT_OUT] = {"tags_left_out", "envelope senders in tag_domains left unsigned: too long, quoted, or the MTA refused"},
    [COUNTER_TAGS_WRONG] = {"tags_wrong", "recipients with a tag that this host did not make"},
    [COUNTER_TAGS_EXPIRED] = {"tags_expired", "recipients with a tag older than proof_age"},
    [COUNTER_RETURNS_REFUSED] = {"returns_refused", "recipients refused because nothing was sent in their name"},
};

const char *counter_name(enum counter counter)
{
    return table[counter].name;
}

const char *counter_help(enum counter counter)
{
    return table[counter].help;
}
