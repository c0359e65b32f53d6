/* See outcome.h. */
#include "config.h"

#include "daemon/ledger/outcome.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "daemon/ledger/hygiene.h"
#include "daemon/ledger/judge.h"
#include "daemon/ledger/past.h"
#include "daemon/ledger/policy.h"
#include "daemon/ledger/proof.h"
#include "daemon/ledger/store.h"
#include "daemon/ledger/tally.h"
#include "daemon/ledger/typo.h"
#include "daemon/ledger/watch.h"
#include "daemon/ledger/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is found out about the result. */
struct finding {
    const struct record *record;
    const struct delivery *delivery; /* once it is judged: as it may be stored */
    struct delivery hidden;          /* reply and original_recipient owned, in a hashed database */
    const struct address *address;
    int uncounted;
    struct proof proof; /* whose evidence is the result's, if not the record's */
    struct verdict verdict;
    struct policy_rule rule; /* the one that holds for the verdict */
    struct decision decision;
    char key[300];
    char *stream, *message_id; /* owned; message_id NULL: not known */
    int64_t incident;          /* that holds the suppression; 0: none */
};

static int is_trusted(const struct finding *finding)
{
    return finding->proof.evidence != EVIDENCE_UNPROVEN;
}

/* The stream of the message that failed: from the journal, else the domain of
 * its sender, else none. */
static int find_stream(struct outcome_rooms *rooms, struct finding *finding, struct error *error)
{
    const struct report *report = &finding->record->report;
    const char *at = report->original_sender ? strrchr(report->original_sender, '@') : NULL;
    const char *queue_id = finding->proof.evidence == EVIDENCE_PROVED ? NULL : report->queue_id; /* another host's */
    int found = store_sent_stream(rooms->store, queue_id, report->original_message_id,
                                  finding->address->key, &finding->stream, error);

    if (!found)
        finding->stream = xstrdup(at ? at + 1 : "");
    return found < 0 ? -1 : 0;
}

/* A log does not name it; the journal may. */
static int find_message_id(struct outcome_rooms *rooms, struct finding *finding, struct error *error)
{
    const struct report *report = &finding->record->report;
    char *stream = NULL;
    int found;

    if (report->original_message_id && *report->original_message_id)
        finding->message_id = xstrdup(report->original_message_id);
    if (finding->message_id || !report->queue_id || finding->record->evidence == EVIDENCE_UNPROVEN)
        return 0;
    found = store_sent_by_queue_id(rooms->store, report->queue_id, &stream, &finding->message_id, error);
    free(stream);
    return found < 0 ? -1 : 0;
}

/* What tells this message from others at the reporting MTA. A report that
 * names neither queue id nor Message-ID stands for itself: by the queue id
 * that our MTA gave the report, or else by when it came. */
static void make_key(struct finding *finding)
{
    const struct record *record = finding->record;
    const struct report *report = &record->report;

    if (*finding->proof.key)
        snprintf(finding->key, sizeof(finding->key), "%s", finding->proof.key);
    else if (report->queue_id && *report->queue_id)
        snprintf(finding->key, sizeof(finding->key), "%s", report->queue_id);
    else if (report->original_message_id && *report->original_message_id)
        snprintf(finding->key, sizeof(finding->key), "<%s>", report->original_message_id);
    else if (record->queue_id && *record->queue_id)
        snprintf(finding->key, sizeof(finding->key), "report %s", record->queue_id);
    else
        snprintf(finding->key, sizeof(finding->key), "report at %lld", (long long)record->time);
}

static int find_rows(struct outcome_rooms *rooms, const struct finding *finding, struct store_event *event,
                     struct error *error)
{
    const struct address *address = finding->address;
    const char *version = classifier_version(rooms->classifier);

    if (!rooms->ruleset &&
        store_ruleset(rooms->store, version, finding->record->time, &rooms->ruleset, error))
        return -1;
    event->ruleset = rooms->ruleset;
    if (finding->delivery->reply && *finding->delivery->reply &&
        store_reply(rooms->store, finding->delivery->reply, &event->reply, error))
        return -1;
    return store_address(rooms->store, address->key, address->given, address->key + address->domain,
                         &event->address, error);
}

/* All but the decision, which depends on what is known. */
static void fill_event(const struct finding *finding, struct store_event *event_r)
{
    const struct record *record = finding->record;
    const struct report *report = &record->report;
    const struct delivery *delivery = finding->delivery;
    const struct verdict *verdict = &finding->verdict;

    *event_r = (struct store_event){
        .time = delivery->time ? delivery->time : record->time,
        .recorded = record->time,
        .original_recipient = delivery->original_recipient,
        .action = action_name(delivery->action),
        .reason = reason_info(verdict->reason)->name,
        .persistence = persistence_name(verdict->persistence),
        .rule = verdict->rule,
        .provider = verdict->provider,
        .code = verdict->code,
        .status = *verdict->status ? verdict->status : delivery->status,
        .stage = stage_name(verdict->stage),
        .reporting_mta = report->reporting_mta ? report->reporting_mta : "",
        .remote_mta = delivery->remote_mta,
        .message_key = finding->key,
        .queue_id = report->queue_id,
        .message_id = finding->message_id,
        .sender = report->original_sender,
        .stream = finding->stream,
        .source = source_name(record->source),
        .evidence = evidence_name(finding->proof.evidence),
        .trusted = is_trusted(finding),
    };
}

/* As the map delivery-status does for status_return. */
static int was_made_final(const struct finding *finding)
{
    const char *status = finding->delivery->status;

    return finding->verdict.code / 100 == 4 && status && *status == '5';
}

static const char *domain_of(const struct finding *finding)
{
    return finding->address->key + finding->address->domain;
}

/* What came before, setting aside a suppression that this very event (0: it is
 * new) has caused already. */
static int read_history(struct outcome_rooms *rooms, const struct finding *finding, const struct hygiene_facts *facts,
                        int64_t event_id, struct hygiene_history *history_r, struct error *error)
{
    const struct past_question question = {
        .key = finding->address->key,
        .domain = domain_of(finding),
        .stream = finding->stream,
        .rule = &finding->rule,
        .time = facts->time,
        .now = facts->now,
        .event = event_id,
    };

    *history_r = (struct hygiene_history){0};
    if (!hygiene_needs_history(&finding->verdict, facts, &finding->rule))
        return 0;
    return store_past(rooms->store, &question, history_r, error);
}

static int decide(struct outcome_rooms *rooms, struct finding *finding, int64_t event_id,
                  struct store_event *event, struct error *error)
{
    const struct hygiene_facts facts = {
        .action = finding->delivery->action,
        .evidence = finding->proof.evidence,
        .time = event->time,
        .now = finding->record->time,
        .no_stream = !*finding->stream,
        .made_final = was_made_final(finding),
    };
    struct hygiene_history history;
    char incident[40];

    policy_find(rooms->policy, finding->verdict.reason, finding->stream, finding->verdict.provider, &finding->rule);
    if (read_history(rooms, finding, &facts, event_id, &history, error))
        return -1;
    finding->incident = watch_holding(rooms->watch, finding->verdict.provider, domain_of(finding),
                                      finding->verdict.reason);
    snprintf(incident, sizeof(incident), "incident %lld", (long long)finding->incident);
    history.incident = finding->incident ? incident : NULL;
    hygiene_decide(&finding->verdict, &facts, &finding->rule, policy_trial(rooms->policy), &history,
                   &finding->decision);
    event->decision = decision_name(finding->decision.kind);
    event->sentence = finding->decision.sentence;
    return 0;
}

static int is_suppression(enum decision_kind kind)
{
    return kind == DECISION_SUPPRESS || kind == DECISION_HOLD || kind == DECISION_SHADOW;
}

/* What an incident holds goes to it, not among the suppressions. */
static int add_suppression(struct outcome_rooms *rooms, const struct finding *finding, int64_t event, int64_t failed,
                           struct error *error)
{
    const struct decision *decision = &finding->decision;
    /* The key of a domain is its "@" in the address and all behind it. */
    size_t from = decision->scope == POLICY_DOMAIN ? finding->address->domain - 1 : 0;
    const struct store_suppression suppression = {
        .key = finding->address->key + from,
        .stream = decision->streams == POLICY_ONE_STREAM ? finding->stream : "",
        .reason = reason_info(finding->verdict.reason)->name,
        .origin = "automatic",
        .note = "",
        .why = decision->sentence,
        .who = "hygiene",
        .since = finding->record->time,
        .until = decision->until,
        .event = event,
        .state = state_name(decision_state(decision->kind)),
        .policy = finding->rule.where,
        .level = decision->level,
        .trial = policy_trial(rooms->policy)->sends,
    };

    counters_add(rooms->counters, decision->kind == DECISION_SUPPRESS ? COUNTER_SUPPRESSED : COUNTER_WOULD_SUPPRESS, 1);
    if (decision->kind == DECISION_HOLD && finding->incident)
        return store_hold(rooms->store, finding->incident, &suppression, failed, error);
    if (decision->kind == DECISION_SUPPRESS &&
        store_held_failed(rooms->store, suppression.key, suppression.stream, suppression.since, error))
        return -1;
    return store_suppress(rooms->store, &suppression, error);
}

/* The recipient's or its domain's fault for good, and not in a gate's own words (hygiene.c). */
static int is_hard(const struct store_event *event)
{
    enum reason reason;

    return reason_from_name(event->reason, &reason) && reason_info(reason)->hygiene == HYGIENE_SUPPRESS &&
           !(event->rule && hygiene_is_own_refusal(event->rule));
}

static int note_typo(struct outcome_rooms *rooms, const struct finding *finding, struct error *error)
{
    const char *domain = finding->address->key + finding->address->domain, *meant;

    if (!policy_blames_recipient(finding->verdict.reason) || !(meant = typo_meant(domain)))
        return 0;
    return store_note_typo(rooms->store, domain, meant, error);
}

/* Consequences of a new event: the bounce record, and a suppression if so decided. */
static int act(struct outcome_rooms *rooms, const struct finding *finding, const struct store_event *event,
               int64_t id, struct error *error)
{
    if (!is_trusted(finding))
        return 0;
    if (finding->delivery->action == ACTION_FAILED &&
        (store_count_bounce(rooms->store, event->address, is_hard(event), finding->record->time, id, error) ||
         note_typo(rooms, finding, error)))
        return -1;
    if (is_suppression(finding->decision.kind))
        return add_suppression(rooms, finding, id, event->time, error);
    return 0;
}

/* A final failure that our MTA tells of was an attempt of its own; its
 * attempts that did not end the matter are counted from the log, line by line. */
static int is_attempt(const struct finding *finding, const struct store_event *event)
{
    return finding->delivery->action == ACTION_FAILED && (!strcmp(event->evidence, evidence_name(EVIDENCE_LOCAL)) ||
                                                          !strcmp(event->source, source_name(SOURCE_LOG)));
}

static void count(struct outcome_rooms *rooms, const struct finding *finding, const struct store_event *event, int by)
{
    int attempt = is_attempt(finding, event);
    const struct bucket bucket = {
        .time = event->time,
        .provider = event->provider ? event->provider : "",
        .domain = domain_of(finding),
        .stream = event->stream,
        .action = event->action,
        .reason = event->reason,
        .trusted = event->trusted,
        .attempts = attempt ? by : 0,
        .reports = attempt ? 0 : by,
    };

    if (!finding->uncounted)
        tally_add(rooms->tally, &bucket);
}

static int was_suppression(const char *decision)
{
    for (int kind = 0; kind < DECISION_KINDS; kind++)
        if (!strcmp(decision, decision_name((enum decision_kind)kind)))
            return is_suppression((enum decision_kind)kind);
    return 0;
}

/* A richer text has given another verdict: what followed from the old one is
 * put right. A person who has meanwhile released the address is not overruled. */
static int change_mind(struct outcome_rooms *rooms, const struct finding *finding, const struct store_event *event,
                       const struct store_known *known, struct error *error)
{
    int hard = is_hard(event) - is_hard(&known->event), released = 0;
    int suppressed = was_suppression(known->event.decision);
    int suppress = is_suppression(finding->decision.kind);
    char note[200];

    if (hard && store_move_bounce(rooms->store, known->event.address, hard, error))
        return -1;
    snprintf(note, sizeof(note), "a fuller reply to the same message says %s", event->reason);
    if (suppressed && (released = store_held_drop(rooms->store, finding->address->key, domain_of(finding) - 1, known->id,
                                                  note, finding->record->time, error)) < 0)
        return -1;
    if (suppressed && !released &&
        (released = store_release_event(rooms->store, known->id, note, finding->record->time, error)) < 0)
        return -1;
    if (suppress && (released || !suppressed))
        return add_suppression(rooms, finding, known->id, event->time, error);
    return 0;
}

static enum witness_weight weigh(const struct finding *finding, const struct store_event *event,
                                 const struct store_known *known)
{
    const struct telling news = {event->rule, finding->delivery->reply}, old = {known->event.rule, known->reply};

    if (!known->event.trusted)
        return WITNESS_REPLACES;
    return witness_is_richer(&news, &old) ? WITNESS_CORRECTS : WITNESS_FILLS;
}

/* Leaves in the sentence what the poorer text said. */
static void explain_correction(struct finding *finding, const struct store_known *known)
{
    size_t length = strlen(finding->decision.sentence), room = sizeof(finding->decision.sentence) - length;

    snprintf(finding->decision.sentence + length, room, " (a poorer text said %s)", known->event.reason);
}

static int correct(struct outcome_rooms *rooms, struct finding *finding, struct store_event *event,
                   const struct store_known *known, struct error *error)
{
    enum witness_weight weight = weigh(finding, event, known);
    int changed = weight == WITNESS_CORRECTS && strcmp(event->reason, known->event.reason) != 0;
    struct store_event merged;

    if (weight != WITNESS_FILLS && decide(rooms, finding, known->id, event, error))
        return -1;
    if (changed)
        explain_correction(finding, known);
    witness_merge(&known->event, event, weight, &merged);
    if (store_put_event(rooms->store, known->id, &merged, error))
        return -1;
    count(rooms, finding, &known->event, -1);
    count(rooms, finding, &merged, 1);
    if (weight == WITNESS_REPLACES)
        return act(rooms, finding, &merged, known->id, error);
    return changed ? change_mind(rooms, finding, &merged, known, error) : 0;
}

/* Told of again. Deferrals differ from attempt to attempt, so only of a final
 * failure one text is better than the other. */
static int take_witness(struct outcome_rooms *rooms, struct finding *finding, struct store_event *event,
                        const struct store_known *known, struct error *error)
{
    int proves = event->trusted && !known->event.trusted; /* which is news */

    counters_add(rooms->counters, proves ? COUNTER_EVENTS : COUNTER_EVENTS_REPEATED, 1);
    if (store_add_witness(rooms->store, known->id, event->source, event->evidence, error))
        return -1;
    if (!event->trusted || (known->event.trusted && finding->delivery->action != ACTION_FAILED))
        return 0;
    return correct(rooms, finding, event, known, error);
}

/* Goes past the watch before it is decided: what opens an incident is held by it. */
static int pass_watch(struct outcome_rooms *rooms, const struct finding *finding, const struct store_event *event,
                      struct error *error)
{
    const struct watched result = {
        .key = finding->address->key,
        .domain = domain_of(finding),
        .provider = event->provider ? event->provider : "",
        .action = finding->delivery->action,
        .reason = finding->verdict.reason,
        .time = event->time,
    };

    if (finding->uncounted || !event->trusted || !is_attempt(finding, event))
        return 0;
    return watch_result(rooms->watch, &result, finding->record->time, error);
}

static int add(struct outcome_rooms *rooms, struct finding *finding, struct store_event *event, struct error *error)
{
    int64_t id;

    if (pass_watch(rooms, finding, event, error) || decide(rooms, finding, 0, event, error) ||
        store_add_event(rooms->store, event, &id, error))
        return -1;
    counters_add(rooms->counters, COUNTER_EVENTS, 1);
    count(rooms, finding, event, 1);
    return act(rooms, finding, event, id, error);
}

/* The words have been judged as they came: from here on they are those that are stored. */
static int hide_words(struct outcome_rooms *rooms, struct finding *finding, struct error *error)
{
    const struct delivery *told = finding->delivery;

    if (!store_is_hidden(rooms->store))
        return 0;
    finding->hidden = *told;
    finding->delivery = &finding->hidden;
    finding->hidden.reply = finding->hidden.original_recipient = NULL;
    if (store_hidden(rooms->store, told->reply, finding->address->key, &finding->hidden.reply, error))
        return -1;
    return store_hidden(rooms->store, told->original_recipient, finding->address->key,
                        &finding->hidden.original_recipient, error);
}

static int record_finding(struct outcome_rooms *rooms, struct finding *finding, struct error *error)
{
    int local = finding->record->evidence == EVIDENCE_LOCAL, found, failed;
    struct store_known known;
    struct store_event event;

    if (proof_find(rooms->store, rooms->keyring, finding->record, finding->address->key, &finding->proof, error))
        return -1;
    if (finding->proof.evidence != EVIDENCE_LOCAL)
        counters_add(rooms->counters, is_trusted(finding) ? COUNTER_PROVED : COUNTER_UNPROVEN, 1);
    make_key(finding);
    judge(rooms->classifier, finding->delivery, domain_of(finding), &finding->verdict);
    if (hide_words(rooms, finding, error) || find_stream(rooms, finding, error) || find_message_id(rooms, finding, error))
        return -1;
    fill_event(finding, &event);
    if (find_rows(rooms, finding, &event, error) ||
        (found = store_find_event(rooms->store, &event, local, &known, error)) < 0)
        return -1;
    if (!found)
        return add(rooms, finding, &event, error);
    failed = take_witness(rooms, finding, &event, &known, error);
    store_known_clear(&known);
    return failed;
}

int outcome_record(struct outcome_rooms *rooms, const struct record *record, const struct delivery *delivery,
                   const struct address *address, int uncounted, struct error *error)
{
    struct finding finding = {
        .record = record, .delivery = delivery, .address = address, .uncounted = uncounted};
    int failed = record_finding(rooms, &finding, error);

    free(finding.hidden.reply);
    free(finding.hidden.original_recipient);
    free(finding.stream);
    free(finding.message_id);
    return failed;
}
