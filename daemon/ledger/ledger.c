/* See ledger.h. */
#include "config.h"

#include "daemon/ledger/ledger.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/aside.h"
#include "daemon/ledger/edit.h"
#include "daemon/ledger/judge.h"
#include "daemon/ledger/outcome.h"
#include "daemon/ledger/policy.h"
#include "daemon/ledger/proof.h"
#include "daemon/ledger/store.h"
#include "daemon/ledger/taken.h"
#include "daemon/ledger/tally.h"
#include "daemon/ledger/watch.h"
#include "daemon/report/address.h"
#include "daemon/report/message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct ledger {
    struct store *store;
    struct outcome_rooms rooms; /* classifier and tally are the ledger's own */
    struct counters *counters;
    struct counters batch; /* added to counters when the batch is committed */
    int64_t aside_bytes_max;
    struct message_limits reading; /* of what was kept aside */
    int strict;
    int told_policy; /* 0: it may be another than the one on record */
    int on_trial; /* in this batch: there may be suppressions that a delivery ends */
};

static void count(struct ledger *ledger, enum counter counter)
{
    counters_add(&ledger->batch, counter, 1);
}

/* Counting begins anew and a trial is passed. Of the mail that is delivered
 * hardly any is to a recipient with a bounce record or on trial. */
static int take_delivered(struct ledger *ledger, const struct address *address, int has_bounced, int64_t time,
                          int64_t now, struct error *error)
{
    if (!policy_trial(ledger->rooms.policy)->believes_sent)
        return 0;
    if (has_bounced && store_begin_anew(ledger->store, address->key, time, NULL, now, error) < 0)
        return -1;
    return !ledger->on_trial ? 0 : store_clear_trial(ledger->store, address->key, address->key + address->domain,
                                                     time, now, error);
}

static int record_delivery(struct ledger *ledger, const struct record *record, const struct delivery *delivery,
                           int uncounted, struct error *error)
{
    const char *recipient = delivery->recipient;
    struct address address;
    struct error bad;

    if (!recipient || address_parse(recipient, strlen(recipient), ledger->strict, &address, &bad)) {
        count(ledger, COUNTER_ADDRESSES_BAD);
        return 0;
    }
    if (outcome_record(&ledger->rooms, record, delivery, &address, uncounted, error))
        return -1;
    if (delivery->action != ACTION_DELIVERED || record->evidence == EVIDENCE_UNPROVEN)
        return 0;
    return take_delivered(ledger, &address, 1, delivery->time ? delivery->time : record->time, record->time, error);
}

/* A complaint that leaves out who complains, or all but the domain of it. */
static int is_redacted(const struct report *report)
{
    return report->kind == REPORT_COMPLAINT && report->complaint &&
           (!report->count || (report->count == 1 && report->deliveries[0].recipient &&
                               !strncasecmp(report->deliveries[0].recipient, "redacted", 8)));
}

/* From whoever alone was sent the message: 1 when it was recorded, 0, -1. */
static int record_redacted(struct ledger *ledger, const struct record *record, struct error *error)
{
    struct delivery delivery = {.action = ACTION_COMPLAINT, .time = record->report.time};
    int found = proof_complainant(ledger->store, ledger->rooms.keyring, record, &delivery.recipient, error);

    if (found <= 0)
        return found;
    delivery.reply = xasprintf("Feedback-Type: %s", record->report.complaint);
    found = record_delivery(ledger, record, &delivery, 0, error) ? -1 : 1;
    delivery_clear(&delivery);
    return found;
}

static int record_report(struct ledger *ledger, const struct record *record, int uncounted, struct error *error)
{
    uint64_t proved = counters_get(&ledger->batch, COUNTER_PROVED);
    int failed = 0, done = is_redacted(&record->report) ? record_redacted(ledger, record, error) : 0;

    if (done < 0)
        return -1;
    count(ledger, COUNTER_REPORTS);
    for (size_t i = 0; i < record->report.count && !done && !failed; i++)
        failed = record_delivery(ledger, record, &record->report.deliveries[i], uncounted, error);
    if (record->evidence == EVIDENCE_UNPROVEN && counters_get(&ledger->batch, COUNTER_PROVED) == proved)
        count(ledger, COUNTER_REPORTS_UNPROVEN);
    return failed;
}

/* The stream of a message and its queue id, kept for the next line, which is
 * often of the same message. */
struct last_message {
    struct span queue_id;
    char *stream; /* owned; NULL: not known */
};

static int find_stream(struct ledger *ledger, struct span queue_id, struct last_message *last_io, struct error *error)
{
    char *message_id = NULL;
    int found;

    if (last_io->queue_id.start && last_io->queue_id.length == queue_id.length &&
        !memcmp(last_io->queue_id.start, queue_id.start, queue_id.length))
        return 0;
    free(last_io->stream);
    *last_io = (struct last_message){queue_id, NULL};
    found = store_sent_by_queue_id(ledger->store, queue_id.start, &last_io->stream, &message_id, error);
    free(message_id);
    return found < 0 ? -1 : 0;
}

/* Results whose recipients the database is asked for together. */
struct counted {
    struct result result;
    struct address address;
    int is_address;    /* "root" is none, and has no domain */
    int has_bounced;   /* of one that is delivered: it has a bounce record */
};

static int is_taken(const struct counted *counted)
{
    return counted->is_address && counted->result.evidence != EVIDENCE_UNPROVEN &&
           counted->result.action == ACTION_DELIVERED;
}

static size_t read_counted(const struct ledger *ledger, const struct results *results, size_t from,
                           struct counted counted_r[STORE_TOGETHER])
{
    size_t count = results->count - from < STORE_TOGETHER ? results->count - from : STORE_TOGETHER;
    struct error bad;

    for (size_t i = 0; i < count; i++) {
        struct counted *counted = &counted_r[i];

        results_get(results, from + i, &counted->result);
        counted->has_bounced = 0;
        counted->is_address = !address_parse(counted->result.recipient.start, counted->result.recipient.length,
                                             ledger->strict, &counted->address, &bad);
    }
    return count;
}

/* What will be asked of those that are delivered, of all at once. */
static int expect(struct ledger *ledger, struct counted *counted, size_t count, struct error *error)
{
    const char *keys[STORE_TOGETHER];
    int has_bounced[STORE_TOGETHER] = {0};
    size_t asked = 0;

    for (size_t i = 0; i < count; i++)
        if (is_taken(&counted[i]))
            keys[asked++] = counted[i].address.key;
    if (watch_expect(ledger->rooms.watch, keys, asked, error) ||
        (policy_trial(ledger->rooms.policy)->believes_sent &&
         store_have_bounced(ledger->store, keys, asked, has_bounced, error)))
        return -1;
    for (size_t i = count; i--;)
        if (is_taken(&counted[i]))
            counted[i].has_bounced = has_bounced[--asked];
    return 0;
}

/* Into the tally, and past the watch. */
static int count_result(struct ledger *ledger, const struct counted *counted, const char *stream, int64_t now,
                        struct error *error)
{
    const struct result *result = &counted->result;
    const struct address *address = &counted->address;
    const struct delivery delivery = {
        .action = result->action,
        .reply = (char *)(uintptr_t)result->reply.start,
        .status = (char *)(uintptr_t)result->status.start,
        .remote_mta = (char *)(uintptr_t)result->remote_mta.start,
    };
    struct bucket bucket = {.time = result->time, .domain = "", .stream = stream, .attempts = 1};
    struct watched watched = {.key = "", .action = result->action, .time = result->time};
    struct verdict verdict;

    if (counted->is_address)
        bucket.domain = address->key + address->domain, watched.key = address->key;
    judge(ledger->rooms.classifier, &delivery, bucket.domain, &verdict);
    bucket.provider = verdict.provider;
    bucket.action = action_name(result->action);
    bucket.reason = reason_info(verdict.reason)->name;
    bucket.trusted = result->evidence != EVIDENCE_UNPROVEN;
    tally_add(ledger->rooms.tally, &bucket);
    watched.domain = bucket.domain;
    watched.provider = bucket.provider;
    watched.reason = verdict.reason;
    if (bucket.trusted && watch_result(ledger->rooms.watch, &watched, now, error))
        return -1;
    return is_taken(counted) ? take_delivered(ledger, address, counted->has_bounced, result->time, now, error) : 0;
}

static int count_together(struct ledger *ledger, const struct counted *counted, size_t count,
                          struct last_message *last_io, int64_t now, struct error *error)
{
    int failed = 0;

    for (size_t i = 0; i < count && !failed; i++)
        if (!(failed = find_stream(ledger, counted[i].result.queue_id, last_io, error)))
            failed = count_result(ledger, &counted[i], last_io->stream ? last_io->stream : "", now, error);
    return failed;
}

static int count_results(struct ledger *ledger, const struct results *results, int64_t now, struct error *error)
{
    struct last_message last = {SPAN_NONE, NULL};
    struct counted counted[STORE_TOGETHER];
    int failed = 0;

    for (size_t i = 0; i < results->count && !failed; i += STORE_TOGETHER) {
        size_t count = read_counted(ledger, results, i, counted);

        failed = expect(ledger, counted, count, error) ||
                 count_together(ledger, counted, count, &last, now, error) ? -1 : 0;
    }
    free(last.stream);
    counters_add(&ledger->batch, COUNTER_RESULTS_COUNTED, results->count);
    return failed;
}

/* Each line is a report of its own; the position goes with them. */
static int record_log(struct ledger *ledger, const struct record *record, struct error *error)
{
    for (size_t i = 0; i < record->entry_count; i++) {
        const struct log_entry *entry = &record->entries[i];
        const struct record one = {
            .kind = RECORD_REPORT,
            .time = record->time,
            .report = entry->report,
            .source = SOURCE_LOG,
            .evidence = entry->evidence,
        };

        if (record_report(ledger, &one, entry->uncounted, error))
            return -1;
    }
    if (count_results(ledger, &record->results, record->time, error))
        return -1;
    return store_put_position(ledger->store, record->log, &record->position, record->time, error);
}

static void count_dropped(struct ledger *ledger)
{
    counters_add(&ledger->batch, COUNTER_ASIDE_DROPPED, aside_dropped(store_aside(ledger->store)));
}

static int record_aside(struct ledger *ledger, struct record *record, struct error *error)
{
    count(ledger, COUNTER_ASIDE);
    aside_pack(record); /* unless that was done where there is more time */
    if (aside_keep(store_aside(ledger->store), record, ledger->aside_bytes_max, error))
        return -1;
    count_dropped(ledger);
    return 0;
}

/* What is understood by now becomes events and is no longer kept, unless there is
 * more in it than may be read. 1: something has changed; 0: nothing, or it is not there; -1. */
static int retry(struct ledger *ledger, int64_t id, struct error *error)
{
    struct aside *aside = store_aside(ledger->store);
    struct record *again = NULL;
    int result = aside_read(aside, id, &ledger->reading, &again, error);

    if (result <= 0)
        return result;
    if (again->kind == RECORD_ASIDE)
        result = aside_set_problem(aside, id, again->report.problem, error);
    else if (!(result = record_report(ledger, again, 0, error)))
        result = again->report.cut & REPORT_CUT_RECIPIENTS
                     ? aside_set_problem(aside, id, again->report.problem, error)
                     : aside_drop(aside, id, error);
    record_free(&again);
    return result;
}

static int record_retry(struct ledger *ledger, struct record *record, struct error *error)
{
    int result = 0, changed = 0;

    for (size_t i = 0; i < record->id_count && result >= 0; i++) {
        result = record->kind == RECORD_RETRY ? retry(ledger, record->ids[i], error)
                                              : aside_drop(store_aside(ledger->store), record->ids[i], error);
        changed |= result > 0;
    }
    record->changed_r = changed;
    return result < 0 ? -1 : 0;
}

static int record_sent(struct ledger *ledger, const struct record *record, struct error *error)
{
    const struct store_sent sent = {
        .time = record->time,
        .queue_id = record->queue_id,
        .message_id = record->message_id,
        .stream = record->stream,
        .keys = (const char *const *)record->keys,
        .count = record->count,
        .several = record->several,
        .tag = record->tag,
    };

    count(ledger, COUNTER_SENT);
    for (size_t i = 0; i < record->count; i++) {
        const char *at = strrchr(record->keys[i], '@');
        int counted = store_note_send(ledger->store, record->keys[i], at ? at + 1 : "", record->stream, record->time,
                                      error);

        if (counted < 0)
            return -1;
        ledger->on_trial |= counted; /* its delivery may be told of in this very batch */
    }
    return store_add_sent(ledger->store, &sent, error);
}

int ledger_use_rules(struct ledger *ledger, struct ruleset *ruleset, struct error *error)
{
    struct classifier *classifier = classifier_open(ruleset, error);

    if (!classifier)
        return -1;
    classifier_close(&ledger->rooms.classifier);
    ledger->rooms.classifier = classifier;
    ledger->rooms.ruleset = 0;
    return 0;
}

void ledger_use_policy(struct ledger *ledger, struct policy *policy)
{
    struct policy *old = ledger->rooms.policy;

    ledger->rooms.policy = policy_ref(policy);
    ledger->told_policy = 0;
    policy_unref(&old);
}

/* A person's, that may look at anything or change it. */
static int is_request(enum record_kind kind)
{
    return kind != RECORD_REPORT && kind != RECORD_ASIDE && kind != RECORD_SENT && kind != RECORD_LOG;
}

/* What the settings say from now on stands among the changes, for decisions follow from it. */
static int tell_policy(struct ledger *ledger, struct error *error)
{
    char *text = policy_text(ledger->rooms.policy);
    int failed = store_tell_policy(ledger->store, text, (int64_t)time(NULL), error);

    free(text);
    return failed;
}

int ledger_record(struct ledger *ledger, struct record *record, struct error *error)
{
    uint64_t before = counters_get(&ledger->batch, COUNTER_EVENTS);
    int result;

    if (is_request(record->kind) && taken_settle(store_taken(ledger->store), error))
        return -1;
    if (edit_is(record->kind))
        return edit_record(ledger->store, ledger->rooms.watch, record, error);
    switch (record->kind) {
    case RECORD_REPORT:
        result = record_report(ledger, record, 0, error);
        if (!result && record->packed)
            result = record_aside(ledger, record, error); /* what could not be read of it */
        record->changed_r = counters_get(&ledger->batch, COUNTER_EVENTS) > before;
        return result;
    case RECORD_ASIDE:
        return record_aside(ledger, record, error);
    case RECORD_SENT:
        return record_sent(ledger, record, error);
    case RECORD_RETRY:
    case RECORD_DROP:
        return record_retry(ledger, record, error);
    case RECORD_LOG:
        result = record_log(ledger, record, error);
        record->changed_r = (int)(counters_get(&ledger->batch, COUNTER_EVENTS) - before);
        return result;
    default:
        break; /* RECORD_RULES is not a matter of the database: ledger_use_rules */
    }
    return error_set(error, ERROR_INPUT, "unknown kind of record %d", (int)record->kind);
}

void ledger_limit_aside(struct ledger *ledger, int64_t bytes_max, const struct message_limits *reading)
{
    ledger->aside_bytes_max = bytes_max;
    ledger->reading = *reading;
}

int ledger_prune(struct ledger *ledger, const struct ledger_ages *before, int64_t now, struct error *error)
{
    int settled = taken_settle(store_taken(ledger->store), error);
    int more = settled < 0 ? -1 : store_prune(ledger->store, before->sent, ledger->aside_bytes_max, error);
    int folded = more < 0 ? -1 : store_fold(ledger->store, before->rollup, error);
    int64_t needed = now - policy_memory(ledger->rooms.policy);
    int64_t events = before->events < needed ? before->events : needed;
    int retained = folded < 0 ? -1 : store_retain(ledger->store, events, before->unproven, now, error);
    int quiet = retained < 0 ? -1 : store_release_quiet(ledger->store, policy_trial(ledger->rooms.policy)->quiet, now, error);

    count_dropped(ledger);
    return quiet < 0 ? -1 : more | folded | retained | quiet;
}

int ledger_begin(struct ledger *ledger, struct error *error)
{
    memset(&ledger->batch, 0, sizeof(ledger->batch));
    tally_clear(ledger->rooms.tally);
    if (!store_begin(ledger->store, error)) {
        if ((ledger->on_trial = store_on_trial(ledger->store, error)) >= 0 &&
            (ledger->told_policy || !tell_policy(ledger, error)))
            return 0;
        store_rollback(ledger->store);
    }
    counters_add(ledger->counters, COUNTER_WRITE_FAILURES, 1);
    return -1;
}

struct flush {
    struct store *store;
    struct error *error;
};

static int write_bucket(const struct bucket *bucket, void *context)
{
    const struct flush *flush = context;

    return store_count(flush->store, bucket, flush->error);
}

/* Each bucket once a transaction, however many results of it there are. */
int ledger_commit(struct ledger *ledger, struct error *error)
{
    struct flush flush = {ledger->store, error};

    if (tally_each(ledger->rooms.tally, write_bucket, &flush) || store_commit(ledger->store, error))
        return -1;
    for (int i = 0; i < COUNTER_COUNT; i++)
        counters_add(ledger->counters, (enum counter)i, counters_get(&ledger->batch, (enum counter)i));
    counters_add(ledger->counters, COUNTER_COMMITS, 1);
    ledger->told_policy = 1;
    watch_committed(ledger->rooms.watch);
    return 0;
}

void ledger_rollback(struct ledger *ledger)
{
    ledger->rooms.ruleset = 0; /* its row may have been made in this transaction */
    counters_add(ledger->counters, COUNTER_WRITE_FAILURES, 1);
    store_rollback(ledger->store);
    watch_undone(ledger->rooms.watch);
}

int ledger_due(const struct ledger *ledger, int64_t now)
{
    return watch_due(ledger->rooms.watch, now);
}

int ledger_tick(struct ledger *ledger, int64_t now, struct error *error)
{
    return watch_tick(ledger->rooms.watch, now, error);
}

void ledger_listen(struct ledger *ledger, incident_listener *listener, void *context)
{
    watch_listen(ledger->rooms.watch, listener, context);
}

/* The setting and the database must agree; only what holds nobody yet can follow.
 * 1: they do; 0: they do when it is opened again; -1. */
static int check_addresses(struct store *store, const struct ledger_options *options, struct error *error)
{
    int empty;

    if (options->hashed == store_is_hidden(store))
        return 1;
    if (!options->hashed)
        return error_set(error, ERROR_INPUT, "database %s: its addresses are hashed, from which there is no way back: set "
                         "addresses = hashed", options->database);
    if ((empty = store_is_empty(store, error)) < 0)
        return -1;
    if (!empty)
        return error_set(error, ERROR_INPUT, "database %s holds addresses, and addresses = hashed: stop suppressd and run "
                         "'suppressctl hash'", options->database);
    return store_hide(store, options->database, options->strict_local_part, error);
}

static struct store *open_store(const struct ledger_options *options, struct error *error)
{
    struct store *store = store_open(options->database, options->strict_local_part, error);
    int agree = store ? check_addresses(store, options, error) : 1;

    if (agree <= 0)
        store_close(&store);
    return agree ? store : store_open(options->database, options->strict_local_part, error);
}

struct ledger *ledger_open(const struct ledger_options *options, struct error *error)
{
    struct ledger *ledger = xcalloc(1, sizeof(*ledger));

    ledger->strict = options->strict_local_part;
    ledger->aside_bytes_max = INT64_MAX;
    ledger->reading = message_limits_usual;
    ledger->counters = options->counters;
    ledger->rooms.counters = &ledger->batch;
    ledger->rooms.keyring = options->keyring;
    ledger->rooms.tally = tally_new();
    ledger->rooms.policy = options->policy ? policy_ref(options->policy) : policy_new();
    ledger->told_policy = !options->policy;
    if (!(ledger->rooms.store = ledger->store = open_store(options, error)) ||
        !(ledger->rooms.watch = watch_open(ledger->store, options->incidents, &ledger->batch, error)) ||
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
    classifier_close(&old->rooms.classifier);
    tally_free(&old->rooms.tally);
    policy_unref(&old->rooms.policy);
    watch_free(&old->rooms.watch);
    store_close(&old->store);
    free(old);
}
