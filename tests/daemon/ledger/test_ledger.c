/* daemon/ledger/ledger: from a report to event, bounce record and suppression,
 * with the real classifier and a real database. */
#include "config.h"

#include "daemon/ledger/ledger.h"

#include "classifier/ruleset.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#define DEAD "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown"
#define LISTED "550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org"

static struct ruleset *rules; /* compiled once, for all tests */
static struct ledger *ledger;
static struct counters counters;
static struct error error;

static void setup(void)
{
    struct ledger_options options = {.ruleset = rules, .counters = &counters};

    database_make();
    options.database = database_path;
    ledger = ledger_open(&options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
}

static void teardown(void)
{
    ledger_close(&ledger);
    database_remove();
}

static void record_take(struct record *record)
{
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_msg(ledger_record(ledger, record, &error) == 0, "%s", error.text);
    ck_assert_msg(ledger_commit(ledger, &error) == 0, "%s", error.text);
    record_free(&record);
}

static const struct {
    enum evidence evidence;
    enum action action;
    const char *reply, *reason, *decision;
    int suppressed, bounces; /* rows that follow */
} outcomes[] = {
    {EVIDENCE_LOCAL, ACTION_FAILED, DEAD, "no-such-user", "suppress", 1, 1},
    {EVIDENCE_PROVED, ACTION_FAILED, DEAD, "no-such-user", "suppress", 1, 1},
    {EVIDENCE_UNPROVEN, ACTION_FAILED, DEAD, "no-such-user", "unproven", 0, 0},
    {EVIDENCE_LOCAL, ACTION_DELAYED, DEAD, "no-such-user", "none", 0, 0},
    {EVIDENCE_LOCAL, ACTION_FAILED, LISTED, "ip-blocklisted", "none", 0, 1},
    {EVIDENCE_LOCAL, ACTION_FAILED, "550", "unclassified", "none", 0, 1},
    {EVIDENCE_LOCAL, ACTION_FAILED, "", "unclassified", "none", 0, 1},
    {EVIDENCE_LOCAL, ACTION_FAILED, NULL, "unclassified", "none", 0, 1},
    {EVIDENCE_LOCAL, ACTION_DELIVERED, "250 2.0.0 Ok", NULL, "none", 0, 0},
};

START_TEST(each_result_has_its_consequence)
{
    record_take(report_one(outcomes[_i].evidence, "Q1", "Joe@Example.com", outcomes[_i].action, outcomes[_i].reply));
    if (outcomes[_i].reason)
        ck_assert_str_eq(database_text("SELECT reason FROM event"), outcomes[_i].reason);
    ck_assert_str_eq(database_text("SELECT decision FROM event"), outcomes[_i].decision);
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), outcomes[_i].suppressed);
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_bounces"), outcomes[_i].bounces);
}
END_TEST

START_TEST(a_suppression_leads_to_its_evidence)
{
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "Joe@Example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT recipient || ' ' || reason || ' ' || subject || ' ' || origin FROM v_suppressed"),
                     "joe@example.com no-such-user recipient automatic");
    ck_assert_str_eq(database_text("SELECT reply FROM v_suppressed"), DEAD);
    ck_assert_str_eq(database_text("SELECT ruleset FROM v_suppressed"), ruleset_version(rules));
    ck_assert_int_gt(database_number("SELECT length(rule) FROM v_suppressed"), 3);
    ck_assert_int_gt(database_number("SELECT length(sentence) FROM v_suppressed"), 10);
    ck_assert_str_eq(database_text("SELECT who || ' ' || what FROM change"), "hygiene suppress");
    ck_assert_str_eq(database_text("SELECT recipient || hard || other || last_reason || suppressed FROM v_bounces"),
                     "joe@example.com10no-such-user1");
}
END_TEST

START_TEST(the_same_failure_twice_is_one_event)
{
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, DEAD));
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "JOE@example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT count(*) || ' ' || max(witnesses) FROM event"), "1 2");
    ck_assert_int_eq(database_number("SELECT hard FROM bounce"), 1);
    record_take(report_one(EVIDENCE_LOCAL, "Q2", "joe@example.com", ACTION_FAILED, DEAD));
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 2);
    ck_assert_int_eq(database_number("SELECT hard FROM bounce"), 2);
    ck_assert_int_eq(database_number("SELECT count(*) FROM change"), 1);
}
END_TEST

START_TEST(a_forged_report_does_not_stand_in_for_the_real_one)
{
    record_take(report_one(EVIDENCE_UNPROVEN, "Q1", "joe@example.com", ACTION_FAILED, LISTED));
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, DEAD));
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 2);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
}
END_TEST

START_TEST(reports_without_ids_are_told_apart_by_the_report)
{
    for (int i = 0; i < 2; i++) {
        struct record *record = report_one(EVIDENCE_LOCAL, NULL, "joe@example.com", ACTION_FAILED, i ? DEAD : LISTED);

        record->queue_id = xstrdup(i ? "R2" : "R1");
        record_take(record);
    }
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 2);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
}
END_TEST

START_TEST(each_recipient_of_a_report_has_its_own_fate)
{
    struct record *record = report_make(EVIDENCE_LOCAL, "Q1");

    report_add(record, "dead@example.com", ACTION_FAILED, DEAD);
    report_add(record, "late@example.com", ACTION_DELAYED, "451 4.7.1 try again later");
    report_add(record, "listed@example.com", ACTION_FAILED, LISTED);
    report_add(record, "no address", ACTION_FAILED, DEAD);
    report_add(record, NULL, ACTION_FAILED, DEAD);
    record_take(record);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 3);
    ck_assert_str_eq(database_text("SELECT group_concat(recipient) FROM v_suppressed"), "dead@example.com");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_ADDRESSES_BAD), 2);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_SUPPRESSED), 1);
}
END_TEST

START_TEST(the_stream_comes_from_the_message_that_was_sent)
{
    struct record *sent = record_new(RECORD_SENT, 500);

    sent->queue_id = xstrdup("Q1");
    sent->sender = xstrdup("news@example.org");
    sent->stream = xstrdup("newsletter");
    sent->keys = xcalloc(1, sizeof(*sent->keys));
    sent->keys[0] = xstrdup("joe@example.com");
    sent->count = 1;
    record_take(sent);
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, DEAD));
    record_take(report_one(EVIDENCE_LOCAL, "Q2", "joe@example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT group_concat(stream) FROM (SELECT stream FROM event ORDER BY id)"),
                     "newsletter,example.org");
}
END_TEST

START_TEST(a_suppression_of_one_stream_does_not_hold_off_that_of_all)
{
    struct record *record = record_new(RECORD_SUPPRESS, 500);

    record->key = xstrdup("joe@example.com");
    record->stream = xstrdup("example.org");
    record->reason = xstrdup("opt-out");
    record->note = xstrdup("");
    record->who = xstrdup("me");
    record_take(record);
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT group_concat(stream || '=' || reason) FROM"
                                   " (SELECT * FROM suppression ORDER BY stream)"),
                     "=no-such-user,example.org=opt-out");
}
END_TEST

START_TEST(a_rollback_is_not_counted)
{
    struct record *record = report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, DEAD);

    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, record, &error), 0);
    ledger_rollback(ledger);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_EVENTS), 0);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_WRITE_FAILURES), 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 0);
    record_take(record); /* and can be recorded again */
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
}
END_TEST

START_TEST(what_was_not_understood_is_kept)
{
    struct record *record = record_new(RECORD_ASIDE, 1000);

    record->report.problem = xstrdup("no recipient fields");
    record->bytes = xstrdup("From: x\n\nbody");
    record->size = strlen(record->bytes);
    record->sender = xstrdup("");
    record_take(record);
    ck_assert_str_eq(database_text("SELECT problem || ' ' || size || ' ' || bytes FROM aside"),
                     "no recipient fields 13 From: x\n\nbody");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_ASIDE), 1);
}
END_TEST

START_TEST(days_are_counted_by_reason)
{
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "a@example.com", ACTION_FAILED, DEAD));
    record_take(report_one(EVIDENCE_LOCAL, "Q2", "b@example.com", ACTION_FAILED, DEAD));
    record_take(report_one(EVIDENCE_LOCAL, "Q3", "b@example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT day || ' ' || reason || ' ' || events || ' ' || recipients FROM v_daily"),
                     "1970-01-01 no-such-user 3 2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/ledger");
    TCase *tc = tcase_create("ledger");
    int failed;

    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_result_has_its_consequence, 0, sizeof(outcomes) / sizeof(outcomes[0]));
    tcase_add_test(tc, a_suppression_leads_to_its_evidence);
    tcase_add_test(tc, the_same_failure_twice_is_one_event);
    tcase_add_test(tc, a_forged_report_does_not_stand_in_for_the_real_one);
    tcase_add_test(tc, reports_without_ids_are_told_apart_by_the_report);
    tcase_add_test(tc, each_recipient_of_a_report_has_its_own_fate);
    tcase_add_test(tc, the_stream_comes_from_the_message_that_was_sent);
    tcase_add_test(tc, a_suppression_of_one_stream_does_not_hold_off_that_of_all);
    tcase_add_test(tc, a_rollback_is_not_counted);
    tcase_add_test(tc, what_was_not_understood_is_kept);
    tcase_add_test(tc, days_are_counted_by_reason);
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
