/* See record.h. */
#include "config.h"

#include "daemon/ledger/record.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/policy.h"

#include <stdlib.h>

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
    ruleset_unref(&old->ruleset);
    policy_unref(&old->policy);
    for (size_t i = 0; i < old->entry_count; i++)
        report_clear(&old->entries[i].report);
    free(old->entries);
    results_clear(&old->results);
    free(old->log);
    free(old);
}
