/* See ledger.h. */
#include "config.h"

#include "daemon/ledger/ledger.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/hygiene.h"
#include "daemon/ledger/judge.h"
#include "daemon/ledger/store.h"
#include "daemon/report/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ledger {
    struct store *store;
    struct classifier *classifier;
    struct counters *counters;
    struct counters batch; /* added to counters when the batch is committed */
    int64_t ruleset;       /* row of the rule set in use; 0: look it up */
    int strict;
};

/* What is found out about one delivery on its way into the store. */
struct finding {
    const struct record *record;
    const struct delivery *delivery;
    struct address address;
    struct verdict verdict;
    struct decision decision;
    char *stream; /* owned */
};

static void count(struct ledger *ledger, enum counter counter)
{
    counters_add(&ledger->batch, counter, 1);
}

/* The stream of the message that failed: from the journal, else the domain of
 * its sender, else none. */
static int find_stream(struct ledger *ledger, struct finding *finding, struct error *error)
{
    const struct report *report = &finding->record->report;
    const char *at = report->original_sender ? strrchr(report->original_sender, '@') : NULL;
    int found = store_sent_stream(ledger->store, report->queue_id, report->original_message_id,
                                  finding->address.key, &finding->stream, error);

    if (!found)
        finding->stream = xstrdup(at ? at + 1 : "");
    return found < 0 ? -1 : 0;
}

/* What tells this message from others at the reporting MTA. A report that
 * names neither queue id nor Message-ID stands for itself: by the queue id
 * that our MTA gave the report, or else by when it came. */
static void message_key(const struct record *record, char *key_r, size_t size)
{
    const struct report *report = &record->report;

    if (report->queue_id && *report->queue_id)
        snprintf(key_r, size, "%s", report->queue_id);
    else if (report->original_message_id && *report->original_message_id)
        snprintf(key_r, size, "<%s>", report->original_message_id);
    else if (record->queue_id && *record->queue_id)
        snprintf(key_r, size, "report %s", record->queue_id);
    else
        snprintf(key_r, size, "report at %lld", (long long)record->time);
}

static int is_trusted(const struct finding *finding)
{
    return finding->record->evidence != EVIDENCE_UNPROVEN;
}

static int add_suppression(struct ledger *ledger, const struct finding *finding, int64_t event,
                           struct error *error)
{
    const struct store_suppression suppression = {
        .key = finding->address.key,
        .stream = "",
        .reason = reason_info(finding->verdict.reason)->name,
        .origin = "automatic",
        .note = "",
        .who = "hygiene",
        .since = finding->record->time,
        .event = event,
    };

    count(ledger, COUNTER_SUPPRESSED);
    return store_suppress(ledger->store, &suppression, error);
}

/* Consequences of a new event: the bounce record, and a suppression if so decided. */
static int act(struct ledger *ledger, const struct finding *finding, int64_t address, int64_t event,
               struct error *error)
{
    int hard = reason_info(finding->verdict.reason)->hygiene == HYGIENE_SUPPRESS;

    if (!is_trusted(finding))
        return 0;
    if (finding->delivery->action == ACTION_FAILED &&
        store_count_bounce(ledger->store, address, hard, finding->record->time, event, error))
        return -1;
    if (finding->decision.kind == DECISION_SUPPRESS)
        return add_suppression(ledger, finding, event, error);
    return 0;
}

static int find_rows(struct ledger *ledger, const struct finding *finding, struct store_event *event,
                     struct error *error)
{
    const struct address *address = &finding->address;
    const char *version = classifier_version(ledger->classifier);

    if (!ledger->ruleset &&
        store_ruleset(ledger->store, version, finding->record->time, &ledger->ruleset, error))
        return -1;
    event->ruleset = ledger->ruleset;
    if (finding->delivery->reply && *finding->delivery->reply &&
        store_reply(ledger->store, finding->delivery->reply, &event->reply, error))
        return -1;
    return store_address(ledger->store, address->key, address->given, address->key + address->domain,
                         &event->address, error);
}

static void fill_event(const struct finding *finding, const char *key, struct store_event *event_r)
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
        .message_key = key,
        .queue_id = report->queue_id,
        .message_id = report->original_message_id,
        .sender = report->original_sender,
        .stream = finding->stream,
        .source = source_name(record->source),
        .evidence = evidence_name(record->evidence),
        .trusted = is_trusted(finding),
        .decision = decision_name(finding->decision.kind),
        .sentence = finding->decision.sentence,
    };
}

static int decide(struct ledger *ledger, struct finding *finding, struct error *error)
{
    struct hygiene_facts facts = {
        .action = finding->delivery->action,
        .evidence = finding->record->evidence,
    };

    hygiene_decide(&finding->verdict, &facts, &finding->decision);
    if (finding->decision.kind != DECISION_SUPPRESS)
        return 0;
    /* Of every stream: one that holds for a single stream is not what would follow here. */
    facts.suppressed = store_suppressed(ledger->store, finding->address.key, "",
                                        finding->record->time, error);
    if (facts.suppressed > 0)
        hygiene_decide(&finding->verdict, &facts, &finding->decision);
    return facts.suppressed < 0 ? -1 : 0;
}

/* 1 and *id_r: added; 0: known; -1. What our own MTA says comes by log and by DSN. */
static int add_event(struct ledger *ledger, const struct finding *finding,
                     const struct store_event *event, int64_t *id_r, struct error *error)
{
    int known = 0;

    if (finding->record->evidence == EVIDENCE_LOCAL)
        known = store_add_witness(ledger->store, event, error);
    if (known)
        return known < 0 ? -1 : 0;
    return store_add_event(ledger->store, event, id_r, error);
}

static int record_finding(struct ledger *ledger, struct finding *finding, struct error *error)
{
    char key[300];
    struct store_event event;
    int64_t id;
    int added;

    message_key(finding->record, key, sizeof(key));
    judge(ledger->classifier, finding->delivery, finding->address.key + finding->address.domain, &finding->verdict);
    if (find_stream(ledger, finding, error) || decide(ledger, finding, error))
        return -1;
    fill_event(finding, key, &event);
    if (find_rows(ledger, finding, &event, error))
        return -1;
    if ((added = add_event(ledger, finding, &event, &id, error)) < 0)
        return -1;
    count(ledger, added ? COUNTER_EVENTS : COUNTER_EVENTS_REPEATED);
    return added ? act(ledger, finding, event.address, id, error) : 0;
}

static int record_report(struct ledger *ledger, const struct record *record, struct error *error)
{
    int failed = 0;

    count(ledger, COUNTER_REPORTS);
    if (record->evidence == EVIDENCE_UNPROVEN)
        count(ledger, COUNTER_REPORTS_UNPROVEN);
    for (size_t i = 0; i < record->report.count && !failed; i++) {
        struct finding finding = {.record = record, .delivery = &record->report.deliveries[i]};
        const char *recipient = finding.delivery->recipient;
        struct error bad;

        if (!recipient || address_parse(recipient, strlen(recipient), ledger->strict, &finding.address, &bad))
            count(ledger, COUNTER_ADDRESSES_BAD);
        else
            failed = record_finding(ledger, &finding, error);
        free(finding.stream);
    }
    return failed;
}

/* Each line is a report of its own; the position goes with them. */
static int record_log(struct ledger *ledger, const struct record *record, struct error *error)
{
    for (size_t i = 0; i < record->entry_count; i++) {
        const struct record one = {
            .kind = RECORD_REPORT,
            .time = record->time,
            .report = record->entries[i].report,
            .source = SOURCE_LOG,
            .evidence = record->entries[i].evidence,
        };

        if (record_report(ledger, &one, error))
            return -1;
    }
    return store_put_position(ledger->store, record->log, &record->position, record->time, error);
}

static int record_aside(struct ledger *ledger, const struct record *record, struct error *error)
{
    count(ledger, COUNTER_ASIDE);
    return store_keep_aside(ledger->store, record->time, source_name(record->source),
                            evidence_name(record->evidence),
                            record->report.problem ? record->report.problem : "not understood",
                            record->sender ? record->sender : "", record->bytes, record->size, error);
}

static int record_sent(struct ledger *ledger, const struct record *record, struct error *error)
{
    count(ledger, COUNTER_SENT);
    return store_add_sent(ledger->store, record->time, record->queue_id, record->message_id,
                          record->sender, record->stream, (const char *const *)record->keys,
                          record->count, error);
}

static int record_suppress(struct ledger *ledger, const struct record *record, struct error *error)
{
    const struct store_suppression suppression = {
        .key = record->key,
        .stream = record->stream,
        .reason = record->reason,
        .origin = "manual",
        .note = record->note,
        .who = record->who,
        .since = record->time,
        .until = record->until,
    };

    return store_suppress(ledger->store, &suppression, error);
}

static int record_release(struct ledger *ledger, struct record *record, struct error *error)
{
    record->changed_r = store_release(ledger->store, record->key, record->stream, record->who,
                                      record->note, record->time, error);
    return record->changed_r < 0 ? -1 : 0;
}

int ledger_use_rules(struct ledger *ledger, struct ruleset *ruleset, struct error *error)
{
    struct classifier *classifier = classifier_open(ruleset, error);

    if (!classifier)
        return -1;
    classifier_close(&ledger->classifier);
    ledger->classifier = classifier;
    ledger->ruleset = 0;
    return 0;
}

int ledger_record(struct ledger *ledger, struct record *record, struct error *error)
{
    switch (record->kind) {
    case RECORD_REPORT:
        return record_report(ledger, record, error);
    case RECORD_ASIDE:
        return record_aside(ledger, record, error);
    case RECORD_SENT:
        return record_sent(ledger, record, error);
    case RECORD_SUPPRESS:
        return record_suppress(ledger, record, error);
    case RECORD_RELEASE:
        return record_release(ledger, record, error);
    case RECORD_LOG:
        return record_log(ledger, record, error);
    case RECORD_RULES:
        break; /* not a matter of the database: ledger_use_rules */
    }
    return error_set(error, ERROR_INPUT, "unknown kind of record %d", (int)record->kind);
}

int ledger_prune(struct ledger *ledger, int64_t sent_before, int64_t aside_bytes, struct error *error)
{
    return store_prune(ledger->store, sent_before, aside_bytes, error);
}

int ledger_begin(struct ledger *ledger, struct error *error)
{
    memset(&ledger->batch, 0, sizeof(ledger->batch));
    if (!store_begin(ledger->store, error))
        return 0;
    counters_add(ledger->counters, COUNTER_WRITE_FAILURES, 1);
    return -1;
}

int ledger_commit(struct ledger *ledger, struct error *error)
{
    if (store_commit(ledger->store, error))
        return -1;
    for (int i = 0; i < COUNTER_COUNT; i++)
        counters_add(ledger->counters, (enum counter)i, counters_get(&ledger->batch, (enum counter)i));
    counters_add(ledger->counters, COUNTER_COMMITS, 1);
    return 0;
}

void ledger_rollback(struct ledger *ledger)
{
    ledger->ruleset = 0; /* its row may have been made in this transaction */
    counters_add(ledger->counters, COUNTER_WRITE_FAILURES, 1);
    store_rollback(ledger->store);
}

struct ledger *ledger_open(const struct ledger_options *options, struct error *error)
{
    struct ledger *ledger = xcalloc(1, sizeof(*ledger));

    ledger->strict = options->strict_local_part;
    ledger->counters = options->counters;
    if (!(ledger->store = store_open(options->database, options->strict_local_part, error)) ||
        (options->ruleset && ledger_use_rules(ledger, options->ruleset, error)))
        ledger_close(&ledger);
    return ledger;
}

void ledger_close(struct ledger **ledger)
{
    struct ledger *old = *ledger;

    *ledger = NULL;
    if (!old)
        return;
    classifier_close(&old->classifier);
    store_close(&old->store);
    free(old);
}
