/* Reports for tests, put together by hand, and the way into a ledger. */
#ifndef SUPPRESSD_TESTS_DAEMON_LEDGER_REPORTS_H
#define SUPPRESSD_TESTS_DAEMON_LEDGER_REPORTS_H

#include "base/mem.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/record.h"
#include "tests/run.h"

static inline struct record *report_make(enum evidence evidence, const char *queue_id)
{
    struct record *record = record_new(RECORD_REPORT, 1000);

    record->source = SOURCE_MILTER;
    record->evidence = evidence;
    record->report.kind = REPORT_DSN;
    record->report.reporting_mta = xstrdup("mail.example.org");
    record->report.queue_id = xstrdup(queue_id);
    record->report.original_sender = xstrdup("news@example.org");
    return record;
}

static inline void report_add(struct record *record, const char *recipient, enum action action, const char *reply)
{
    struct report *report = &record->report;

    report->deliveries = xrealloc(report->deliveries, (report->count + 1) * sizeof(*report->deliveries));
    report->deliveries[report->count++] = (struct delivery){
        .recipient = xstrdup(recipient), .reply = xstrdup(reply), .action = action, .time = 900};
}

static inline struct record *report_one(enum evidence evidence, const char *queue_id, const char *recipient,
                                        enum action action, const char *reply)
{
    struct record *record = report_make(evidence, queue_id);

    report_add(record, recipient, action, reply);
    return record;
}

/* In a transaction of its own. What it has changed; set_r may be NULL. */
static inline int report_commit(struct ledger *ledger, struct record *record_take, int64_t *set_r)
{
    struct error error;
    int changed;

    ck_assert_msg(ledger_begin(ledger, &error) == 0, "%s", error.text);
    ck_assert_msg(ledger_record(ledger, record_take, &error) == 0, "%s", error.text);
    ck_assert_msg(ledger_commit(ledger, &error) == 0, "%s", error.text);
    changed = record_take->changed_r;
    if (set_r)
        *set_r = record_take->set_r;
    record_free(&record_take);
    return changed;
}

#endif
