/* See record.h. */
#include "config.h"

#include "daemon/ledger/record.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/plan.h"
#include "daemon/ledger/policy.h"

#include <stdlib.h>
#include <string.h>

#define ALLOCATION 16 /* what the allocator keeps beside each */

struct record *record_new(enum record_kind kind, int64_t now)
{
    struct record *record = xcalloc(1, sizeof(*record));

    record->kind = kind;
    record->time = now;
    return record;
}

void record_free(struct record **record)
{
    struct record *old = *record;

    *record = NULL;
    if (!old)
        return;
    report_clear(&old->report);
    for (size_t i = 0; old->keys && i < old->count; i++)
        free(old->keys[i]);
    free(old->keys);
    for (size_t i = 0; old->parts && i < old->count; i++)
        record_free(&old->parts[i]);
    free(old->parts);
    free(old->bytes);
    free(old->queue_id);
    free(old->message_id);
    free(old->sender);
    free(old->tagged);
    free(old->stream);
    free(old->key);
    free(old->reason);
    free(old->note);
    free(old->who);
    free(old->ids);
    plan_free(&old->plan);
    ruleset_unref(&old->ruleset);
    policy_unref(&old->policy);
    for (size_t i = 0; i < old->entry_count; i++)
        report_clear(&old->entries[i].report);
    free(old->entries);
    results_clear(&old->results);
    free(old->log);
    free(old);
}

static size_t weigh(const char *text)
{
    return text ? strlen(text) + 1 + ALLOCATION : 0;
}

static size_t weigh_report(const struct report *report)
{
    size_t weight = weigh(report->reporting_mta) + weigh(report->queue_id) + weigh(report->original_sender) +
                    weigh(report->original_message_id) + weigh(report->complaint) + weigh(report->problem);

    for (size_t i = 0; i < report->count; i++) {
        const struct delivery *delivery = &report->deliveries[i];

        weight += sizeof(*delivery) + weigh(delivery->recipient) + weigh(delivery->original_recipient) +
                  weigh(delivery->reply) + weigh(delivery->status) + weigh(delivery->remote_mta);
    }
    return weight;
}

size_t record_weight(const struct record *record)
{
    size_t weight = sizeof(*record) + weigh_report(&record->report) + (record->packed ? record->packed : record->size) +
                    record->results.text_size + record->results.size * sizeof(struct result);

    for (size_t i = 0; record->keys && i < record->count; i++)
        weight += sizeof(*record->keys) + weigh(record->keys[i]);
    for (size_t i = 0; record->parts && i < record->count; i++)
        weight += record_weight(record->parts[i]);
    for (size_t i = 0; i < record->entry_count; i++)
        weight += sizeof(record->entries[i]) + weigh_report(&record->entries[i].report);
    return weight;
}
