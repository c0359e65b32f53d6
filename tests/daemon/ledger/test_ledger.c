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

/* Whichever comes first: the forged one is a witness and has no say. */
START_TEST(a_forged_report_has_no_say)
{
    for (int i = 0; i < 2; i++)
        record_take(report_one(_i == i ? EVIDENCE_UNPROVEN : EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED,
                               _i == i ? LISTED : DEAD));
    ck_assert_str_eq(database_text("SELECT count(*) || ' ' || witnesses || ' ' || reason || ' ' || evidence FROM event"),
                     "1 2 no-such-user local");
    ck_assert_str_eq(database_text("SELECT told_by FROM event"),
                     _i ? "milter/local, milter/unproven" : "milter/unproven, milter/local");
    ck_assert_str_eq(database_text("SELECT reason || ' ' || told_by FROM v_suppressed"),
                     _i ? "no-such-user milter/local, milter/unproven" : "no-such-user milter/unproven, milter/local");
    ck_assert_str_eq(database_text("SELECT hard || ' ' || other FROM bounce"), "1 0");
    ck_assert_str_eq(database_text("SELECT group_concat(reason || trusted || events || attempts) FROM v_daily"),
                     "no-such-user111");
}
END_TEST

START_TEST(forgeries_do_not_pile_up)
{
    for (int i = 0; i < 5; i++) {
        struct record *record = report_one(EVIDENCE_UNPROVEN, "Q1", "joe@example.com", ACTION_FAILED, DEAD);

        free(record->report.reporting_mta);
        record->report.reporting_mta = xasprintf("host%d.example.net", i);
        record_take(record);
    }
    ck_assert_str_eq(database_text("SELECT count(*) || ' ' || witnesses || ' ' || told_by FROM event"), "1 5 milter/unproven");
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT count(*) || ' ' || reporting_mta || ' ' || decision FROM event"),
                     "1 mail.example.org suppress");
}
END_TEST

/* Its words would suppress; they are nobody's. */
START_TEST(a_forged_report_never_makes_a_suppression)
{
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, "550"));
    record_take(report_one(EVIDENCE_UNPROVEN, "Q1", "joe@example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT reason || ' ' || decision || ' ' || witnesses FROM event"), "unclassified none 2");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
}
END_TEST

/* The words that came first and those that came next; what stands, and what was changed on the way. */
static const struct {
    const char *first, *next, *reason, *decision, *changes;
    int hard, other;
} corrections[] = {
    {"550", DEAD, "no-such-user", "suppress", "suppress no-such-user", 1, 0},
    {DEAD, "550", "no-such-user", "suppress", "suppress no-such-user", 1, 0},
    {"550 5.1.1 User unknown", LISTED " and more", "ip-blocklisted", "none",
     "suppress no-such-user,release no-such-user", 0, 1},
    {LISTED " and more", "550 5.1.1 User unknown", "ip-blocklisted", "none", "", 0, 1},
    {"550 5.1.1 User unknown", "550 5.2.1 The mailbox of this user has been disabled by its owner", "inactive-mailbox",
     "suppress", "suppress no-such-user,release no-such-user,suppress inactive-mailbox", 1, 0},
    {NULL, LISTED, "ip-blocklisted", "none", "", 0, 1},
};

START_TEST(the_richest_text_wins)
{
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, corrections[_i].first));
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, corrections[_i].next));
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
    ck_assert_str_eq(database_text("SELECT reason FROM event"), corrections[_i].reason);
    ck_assert_str_eq(database_text("SELECT decision FROM event"), corrections[_i].decision);
    ck_assert_str_eq(database_text("SELECT group_concat(what || ' ' || reason) FROM (SELECT * FROM change ORDER BY id)"),
                     corrections[_i].changes);
    ck_assert_int_eq(database_number("SELECT hard FROM bounce"), corrections[_i].hard);
    ck_assert_int_eq(database_number("SELECT other FROM bounce"), corrections[_i].other);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), !strcmp(corrections[_i].decision, "suppress"));
    ck_assert_str_eq(database_text("SELECT group_concat(reason) FROM v_daily"), corrections[_i].reason);
    ck_assert_int_eq(database_number("SELECT sum(events) FROM v_daily"), 1);
}
END_TEST

START_TEST(a_change_of_mind_is_explained)
{
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, "550 5.1.1 User unknown"));
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, LISTED " and more"));
    ck_assert_ptr_nonnull(strstr(database_text("SELECT sentence FROM event"), "(a poorer text said no-such-user)"));
    ck_assert_str_eq(database_text("SELECT who || ': ' || note FROM change WHERE what = 'release'"),
                     "hygiene: a fuller reply to the same message says ip-blocklisted");
}
END_TEST

START_TEST(a_person_is_not_overruled_by_a_fuller_text)
{
    struct record *record = record_new(RECORD_RELEASE, 1001);

    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, "550 5.1.1 User unknown"));
    record->key = xstrdup("joe@example.com");
    record->stream = xstrdup("");
    record->note = xstrdup("he is well");
    record->who = xstrdup("me");
    record_take(record);
    record_take(report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, DEAD));
    ck_assert_str_eq(database_text("SELECT p.text FROM event e JOIN reply p ON p.id = e.reply"), DEAD);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
}
END_TEST

static void remember_message(const char *queue_id, const char *message_id, const char *key)
{
    struct record *sent = record_new(RECORD_SENT, 500);

    sent->queue_id = xstrdup(queue_id);
    sent->message_id = xstrdup(message_id);
    sent->sender = xstrdup("news@example.org");
    sent->stream = xstrdup("newsletter");
    sent->keys = xcalloc(1, sizeof(*sent->keys));
    sent->keys[0] = xstrdup(key);
    sent->count = 1;
    record_take(sent);
}

static struct record *from_elsewhere(enum evidence evidence, const char *message_id, const char *reply)
{
    struct record *record = report_one(evidence, "R77", "joe@example.com", ACTION_FAILED, reply);

    free(record->report.reporting_mta);
    record->report.reporting_mta = xstrdup("relay.example.net");
    record->report.original_message_id = xstrdup(message_id);
    return record;
}

static void log_failed(const char *queue_id, const char *reply)
{
    struct record *record = record_new(RECORD_LOG, 1000);

    record->log = xstrdup("/var/log/mail.log");
    record->entries = xcalloc(1, sizeof(*record->entries));
    record->entry_count = 1;
    record->entries[0].evidence = EVIDENCE_LOCAL;
    record->entries[0].report = (struct report){
        .deliveries = xcalloc(1, sizeof(struct delivery)), .count = 1, .reporting_mta = xstrdup("mail"),
        .queue_id = xstrdup(queue_id)};
    record->entries[0].report.deliveries[0] =
        (struct delivery){.recipient = xstrdup("joe@example.com"), .reply = xstrdup(reply), .time = 900};
    record_take(record);
}

/* By queue id the log and our MTA's own report find each other; by Message-ID,
 * which the journal knows of the log's queue id, the report from elsewhere. */
START_TEST(log_own_report_and_one_from_elsewhere_are_one_event)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct record *own;

    remember_message("Q1", "m1@example.org", "joe@example.com");
    for (int i = 0; i < 3; i++) {
        if (orders[_i][i] == 0)
            log_failed("Q1", "550");
        if (orders[_i][i] == 2)
            record_take(from_elsewhere(EVIDENCE_PROVED, "m1@example.org", DEAD));
        if (orders[_i][i] != 1)
            continue;
        own = report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, "550");
        own->report.original_message_id = xstrdup("m1@example.org");
        record_take(own);
    }
    ck_assert_str_eq(database_text("SELECT count(*) || ' ' || witnesses || ' ' || reason || ' ' || evidence || ' ' || stream"
                                   " FROM event"), "1 3 no-such-user local newsletter");
    ck_assert_int_eq(database_number("SELECT length(told_by) - length(replace(told_by, ',', '')) FROM event"), 2);
    ck_assert_int_eq(database_number("SELECT sum(hard) + 10 * sum(other) FROM bounce"), 1);
    ck_assert_str_eq(database_text("SELECT group_concat(recipient || origin) FROM v_suppressed"), "joe@example.comautomatic");
    ck_assert_str_eq(database_text("SELECT group_concat(reason || events || attempts || recipients) FROM v_daily"),
                     "no-such-user111");
}
END_TEST

START_TEST(a_message_that_is_submitted_twice_fails_twice)
{
    for (int i = 0; i < 2; i++) {
        struct record *record = report_one(EVIDENCE_LOCAL, i ? "Q2" : "Q1", "joe@example.com", ACTION_FAILED, LISTED);

        record->report.original_message_id = xstrdup("m1@example.org");
        record_take(record);
    }
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 2);
}
END_TEST

static void add_result(struct record *record, enum action action, const char *recipient, const char *queue_id,
                       const char *reply)
{
    const struct result result = {.time = 7300, .action = action, .evidence = EVIDENCE_LOCAL,
                                  .recipient = span_of(recipient), .queue_id = span_of(queue_id),
                                  .remote_mta = span_of("aspmx.l.google.com"), .reply = span_of(reply)};

    results_add(&record->results, &result);
}

START_TEST(results_of_the_log_are_counted_without_events)
{
    struct record *record = record_new(RECORD_LOG, 8000);

    remember_message("Q1", "m1@example.org", "joe@example.com");
    record->log = xstrdup("/var/log/mail.log");
    for (int i = 0; i < 20; i++)
        add_result(record, ACTION_DELAYED, "late@Example.com", "Q1", "452 4.2.2 The recipient's inbox is out of storage space");
    add_result(record, ACTION_DELIVERED, "joe@example.com", "Q1", NULL);
    add_result(record, ACTION_DELIVERED, "ann@example.com", "Q2", NULL);
    add_result(record, ACTION_RELAYED, "joe@example.com", "Q1", NULL);
    add_result(record, ACTION_DELIVERED, "root", "Q2", NULL);
    record_take(record);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM address"), 0);
    ck_assert_str_eq(database_text("SELECT group_concat(hour || provider || domain || ' ' || stream || ' ' || action || reason || attempts,"
                                   " ', ') FROM (SELECT * FROM v_hourly ORDER BY action, domain, stream)"),
                     "7200googleexample.com newsletter delayedmailbox-full20, 7200google  delivereddelivered1, "
                     "7200googleexample.com  delivereddelivered1, 7200googleexample.com newsletter delivereddelivered1, "
                     "7200googleexample.com newsletter relayeddelivered1");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_RESULTS_COUNTED), 24);
    ck_assert_str_eq(database_text("SELECT day || ' ' || provider || ' ' || attempts || ' ' || delivered || ' ' || deferred || ' '"
                                   " || failed || ' ' || share_delivered FROM v_provider_health"),
                     "1970-01-01 google 23 3 20 0 0.1304");
}
END_TEST

START_TEST(old_counts_are_folded_by_pruning)
{
    struct record *record = record_new(RECORD_LOG, 8000);
    int more;

    record->log = xstrdup("/var/log/mail.log");
    add_result(record, ACTION_DELIVERED, "ann@example.com", "Q2", NULL);
    record_take(record);
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_prune(ledger, &(struct ledger_ages){.rollup = 7200}, 0, &error), 0);
    ck_assert_int_eq(ledger_prune(ledger, &(struct ledger_ages){.rollup = 7201}, 0, &error), 1);
    while ((more = ledger_prune(ledger, &(struct ledger_ages){.rollup = 7201}, 0, &error)) > 0)
        ;
    ck_assert_int_eq(more, 0);
    ck_assert_int_eq(ledger_commit(ledger, &error), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM rollup"), 0);
    ck_assert_str_eq(database_text("SELECT day || ' ' || provider || ' ' || delivered FROM v_provider_health"),
                     "1970-01-01 google 1");
}
END_TEST

/* A batch that is rolled back is counted when it comes again, and once. */
START_TEST(a_rollback_counts_nothing)
{
    struct record *record = record_new(RECORD_LOG, 8000);

    record->log = xstrdup("/var/log/mail.log");
    add_result(record, ACTION_DELIVERED, "ann@example.com", "Q2", NULL);
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, record, &error), 0);
    ledger_rollback(ledger);
    ck_assert_int_eq(database_number("SELECT count(*) FROM rollup"), 0);
    record_take(record);
    ck_assert_int_eq(database_number("SELECT sum(attempts) FROM rollup"), 1);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_RESULTS_COUNTED), 1);
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
    tcase_add_loop_test(tc, a_forged_report_has_no_say, 0, 2);
    tcase_add_test(tc, forgeries_do_not_pile_up);
    tcase_add_test(tc, a_forged_report_never_makes_a_suppression);
    tcase_add_loop_test(tc, the_richest_text_wins, 0, sizeof(corrections) / sizeof(corrections[0]));
    tcase_add_test(tc, a_change_of_mind_is_explained);
    tcase_add_test(tc, a_person_is_not_overruled_by_a_fuller_text);
    tcase_add_loop_test(tc, log_own_report_and_one_from_elsewhere_are_one_event, 0, 6);
    tcase_add_test(tc, a_message_that_is_submitted_twice_fails_twice);
    tcase_add_test(tc, results_of_the_log_are_counted_without_events);
    tcase_add_test(tc, old_counts_are_folded_by_pruning);
    tcase_add_test(tc, a_rollback_counts_nothing);
    tcase_add_test(tc, reports_without_ids_are_told_apart_by_the_report);
    tcase_add_test(tc, each_recipient_of_a_report_has_its_own_fate);
    tcase_add_test(tc, the_stream_comes_from_the_message_that_was_sent);
    tcase_add_test(tc, a_suppression_of_one_stream_does_not_hold_off_that_of_all);
    tcase_add_test(tc, a_rollback_is_not_counted);
    tcase_add_test(tc, days_are_counted_by_reason);
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
