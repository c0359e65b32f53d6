/* See delivery.h. */
#include "config.h"

#include "daemon/report/delivery.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const action_names[ACTION_COUNT] = {
    [ACTION_FAILED] = "failed",
    [ACTION_DELAYED] = "delayed",
    [ACTION_DELIVERED] = "delivered",
    [ACTION_RELAYED] = "relayed",
    [ACTION_EXPANDED] = "expanded",
    [ACTION_COMPLAINT] = "complaint",
    [ACTION_AUTO_REPLY] = "auto-reply",
};

static const char *const source_names[SOURCE_COUNT] = {
    [SOURCE_MILTER] = "milter",
    [SOURCE_LMTP] = "lmtp",
    [SOURCE_LOG] = "log",
    [SOURCE_INGEST] = "ingest",
};

static const char *const evidence_names[EVIDENCE_COUNT] = {
    [EVIDENCE_UNPROVEN] = "unproven",
    [EVIDENCE_PROVED] = "proved",
    [EVIDENCE_LOCAL] = "local",
};

static const char *const report_kind_names[REPORT_KIND_COUNT] = {
    [REPORT_DSN] = "dsn",
    [REPORT_BOUNCE] = "bounce",
    [REPORT_COMPLAINT] = "complaint",
    [REPORT_AUTO_REPLY] = "auto-reply",
    [REPORT_MDN] = "mdn",
    [REPORT_ORDINARY] = "ordinary",
    [REPORT_BROKEN] = "broken",
};

void delivery_clear(struct delivery *delivery)
{
    free(delivery->recipient);
    free(delivery->original_recipient);
    free(delivery->reply);
    free(delivery->status);
    free(delivery->remote_mta);
    memset(delivery, 0, sizeof(*delivery));
}

void report_clear(struct report *report)
{
    size_t i;

    for (i = 0; i < report->count; i++)
        delivery_clear(&report->deliveries[i]);
    free(report->deliveries);
    free(report->complaint);
    free(report->reporting_mta);
    free(report->queue_id);
    free(report->original_sender);
    free(report->original_message_id);
    free(report->problem);
    memset(report, 0, sizeof(*report));
}

const char *action_name(enum action action)
{
    assert(action < ACTION_COUNT);
    return action_names[action];
}

const char *source_name(enum source source)
{
    assert(source < SOURCE_COUNT);
    return source_names[source];
}

const char *evidence_name(enum evidence evidence)
{
    assert(evidence < EVIDENCE_COUNT);
    return evidence_names[evidence];
}

const char *report_kind_name(enum report_kind kind)
{
    assert(kind < REPORT_KIND_COUNT);
    return report_kind_names[kind];
}

enum source source_from_name(const char *name)
{
    int i;

    for (i = 0; i < SOURCE_COUNT; i++)
        if (!strcmp(name, source_names[i]))
            return (enum source)i;
    return SOURCE_INGEST;
}

enum evidence evidence_from_name(const char *name)
{
    int i;

    for (i = 0; i < EVIDENCE_COUNT; i++)
        if (!strcmp(name, evidence_names[i]))
            return (enum evidence)i;
    return EVIDENCE_UNPROVEN;
}
