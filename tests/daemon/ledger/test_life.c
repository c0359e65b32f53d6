/* Hygiene over time, on a clock of the test's own: counts, trials, holds and
 * the allow-list, with the real classifier, database and lookup. */
#include "config.h"

#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/policy.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#define DAY 86400LL
#define JOE "joe@example.com"
#define FULL "452 4.2.2 The email account that you tried to reach is over quota"
#define DEAD "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown"
#define NO_DOMAIN "Host or domain name not found. Name service error for name=gmial.com type=A: Host not found"

static struct ruleset *rules;
static struct ledger *ledger;
static struct policy *policy;
static struct counters counters;
static struct error error;
static int64_t now;
static int serial;

static void use_policy(const char *name, const char *stream, long action, long mode, long streams)
{
    struct policy_line line = {.where = "test.conf:1", .action = action, .failures = POLICY_UNSET,
        .days = POLICY_UNSET, .duration = POLICY_UNSET, .scope = POLICY_UNSET, .streams = streams, .mode = mode,
        .recipients = POLICY_UNSET, .after = POLICY_UNSET};

    strcpy(line.name, name);
    strcpy(line.stream, stream);
    ck_assert_msg(!policy_add(policy, &line, &error), "%s", error.text);
}

static void setup(void)
{
    struct ledger_options options = {.ruleset = rules, .counters = &counters};

    database_make();
    options.database = database_path;
    options.policy = policy = policy_new();
    ledger = ledger_open(&options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
    now = 20000 * DAY;
    serial = 0;
}

static void teardown(void)
{
    ledger_close(&ledger);
    policy_unref(&policy);
    database_remove();
}

static void take(struct record *record)
{
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_msg(ledger_record(ledger, record, &error) == 0, "%s", error.text);
    ck_assert_msg(ledger_commit(ledger, &error) == 0, "%s", error.text);
    record_free(&record);
}

/* The decision on a failure of now, each of a message of its own. */
static const char *bounce(const char *recipient, const char *reply)
{
    char queue_id[32];
    struct record *record;

    snprintf(queue_id, sizeof(queue_id), "Q%d", ++serial);
    record = report_one(EVIDENCE_LOCAL, queue_id, recipient, ACTION_FAILED, reply);
    record->time = now;
    record->report.deliveries[0].time = now;
    take(record);
    return database_text("SELECT decision FROM event ORDER BY id DESC LIMIT 1");
}

/* As a line of the followed log. */
static void deliver(const char *recipient)
{
    struct record *record = record_new(RECORD_LOG, now);
    const struct result result = {
        .time = now, .action = ACTION_DELIVERED, .evidence = EVIDENCE_LOCAL,
        .recipient = {recipient, strlen(recipient)}, .queue_id = {"L1", 2}, .remote_mta = SPAN_NONE,
        .status = SPAN_NONE, .reply = SPAN_NONE};

    results_add(&record->results, &result);
    take(record);
}

static void submit(const char *recipient)
{
    struct record *record = record_new(RECORD_SENT, now);

    record->queue_id = xasprintf("S%d", ++serial);
    record->message_id = xstrdup("");
    record->sender = xstrdup("news@example.org");
    record->stream = xstrdup("news");
    record->keys = xcalloc(1, sizeof(*record->keys));
    record->keys[0] = xstrdup(recipient);
    record->count = 1;
    take(record);
}

static void person(enum record_kind kind, const char *key)
{
    struct record *record = record_new(kind, now);

    record->key = xstrdup(key);
    record->stream = xstrdup("");
    record->reason = xstrdup("moved");
    record->note = xstrdup("told by phone");
    record->who = xstrdup("ann");
    take(record);
}

/* Does the gate refuse it? */
static int refused(const char *recipient, const char *stream)
{
    struct lookup *lookup = lookup_open(database_path, &error);
    struct suppressed suppressed;
    int found = lookup_suppressed(lookup, recipient, strchr(recipient, '@') + 1, stream, now, &suppressed, &error);

    ck_assert_int_ge(found, 0);
    lookup_close(&lookup);
    return found;
}

static const char *changes(void)
{
    return database_text("SELECT group_concat(who || ' ' || what, ', ') FROM (SELECT * FROM change ORDER BY id)");
}

START_TEST(failures_add_up_over_days)
{
    for (int i = 0; i < 4; i++, now += 2 * DAY)
        ck_assert_str_eq(bounce(JOE, FULL), "count");
    ck_assert(!refused(JOE, "news"));
    ck_assert_str_eq(bounce(JOE, FULL), "suppress");
    ck_assert_str_eq(database_text("SELECT sentence FROM v_suppressed"),
                     "mailbox-full: The mailbox is over its quota and takes no more mail for now.; failure 5 over 8 "
                     "days without a delivery");
    ck_assert(refused(JOE, "news"));
    ck_assert_int_eq(database_number("SELECT note = (SELECT sentence FROM v_suppressed) FROM change"), 1);
    now += 30 * DAY - 1;
    ck_assert(refused(JOE, ""));
    now++;
    ck_assert(!refused(JOE, ""));
}
END_TEST

START_TEST(five_on_one_day_are_a_bad_day)
{
    for (int i = 0; i < 20; i++, now += 3600)
        ck_assert_str_eq(bounce(JOE, FULL), "count");
    ck_assert_str_eq(bounce("ann@example.com", FULL), "count"); /* of somebody else */
}
END_TEST

START_TEST(a_delivery_begins_the_count_anew)
{
    for (int i = 0; i < 4; i++, now += 2 * DAY)
        bounce(JOE, FULL);
    deliver("JOE@example.com");
    deliver(JOE); /* one write is enough */
    ck_assert_int_eq(database_number("SELECT delivered FROM v_bounces"), now);
    now += 60;
    for (int i = 0; i < 4; i++, now += 2 * DAY)
        ck_assert_str_eq(bounce(JOE, FULL), "count");
    ck_assert_str_eq(bounce(JOE, FULL), "suppress");
}
END_TEST

START_TEST(what_a_relay_takes_is_not_delivered)
{
    struct policy_trial trial = *policy_trial(policy);

    trial.believes_sent = 0;
    policy_set_trial(policy, &trial);
    bounce(JOE, FULL);
    now += DAY;
    deliver(JOE);
    ck_assert_int_eq(database_number("SELECT delivered FROM bounce"), 0);
}
END_TEST

START_TEST(old_news_suppresses_nobody)
{
    struct record *late = report_one(EVIDENCE_LOCAL, "OLD", JOE, ACTION_FAILED, DEAD);

    bounce(JOE, FULL);
    now += 2 * DAY;
    deliver(JOE);
    late->time = now;
    late->report.deliveries[0].time = now - DAY;
    take(late);
    ck_assert(!refused(JOE, ""));
    ck_assert_str_eq(database_text("SELECT sentence FROM event ORDER BY id DESC"),
                     "no-such-user, but a later message was delivered");
}
END_TEST

static void suppress_joe(void)
{
    for (int i = 0; i < 5; i++, now += 2 * DAY)
        bounce(JOE, FULL);
    now += 29 * DAY; /* 31 days after the last */
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 1);
    ck_assert(!refused(JOE, "news"));
}

START_TEST(on_trial_two_messages_pass)
{
    suppress_joe();
    submit(JOE);
    ck_assert(!refused(JOE, "news"));
    submit(JOE);
    ck_assert(refused(JOE, "news"));
    ck_assert_str_eq(database_text("SELECT level || ' ' || trial || ' ' || sends FROM v_suppressed"), "0 2 2");
}
END_TEST

START_TEST(a_delivery_on_trial_releases)
{
    suppress_joe();
    deliver(JOE); /* of a message that nobody counted */
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 1);
    submit(JOE);
    deliver(JOE);
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 0);
    ck_assert_str_eq(changes(), "hygiene suppress, hygiene clear, hygiene release");
    ck_assert_str_eq(database_text("SELECT note FROM change WHERE what = 'release'"), "delivered on trial");
    now += DAY;
    ck_assert_str_eq(bounce(JOE, FULL), "count");
}
END_TEST

START_TEST(a_failure_on_trial_doubles)
{
    suppress_joe();
    submit(JOE);
    ck_assert_str_eq(bounce(JOE, FULL), "suppress");
    ck_assert_int_eq(database_number("SELECT until FROM v_suppressed"), now + 60 * DAY);
    ck_assert_str_eq(database_text("SELECT level || ' ' || sends FROM v_suppressed"), "1 0");
    now += 61 * DAY;
    ck_assert_str_eq(bounce(JOE, FULL), "suppress");
    ck_assert_int_eq(database_number("SELECT until FROM v_suppressed"), now + 120 * DAY);
    for (int i = 0; i < 3; i++) {
        now += 366 * DAY;
        bounce(JOE, FULL);
    }
    ck_assert_int_eq(database_number("SELECT until FROM v_suppressed"), now + 365 * DAY);
}
END_TEST

static void prune(void)
{
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    while (ledger_prune(ledger, &(struct ledger_ages){0}, now, &error) > 0)
        ;
    ck_assert_int_eq(ledger_commit(ledger, &error), 0);
}

START_TEST(silence_on_trial_releases)
{
    suppress_joe();
    now += 100 * DAY;
    prune();
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 1); /* nothing was sent: nothing is known */
    submit(JOE);
    now += 7 * DAY - 1;
    prune();
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 1);
    now++;
    prune();
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 0);
    ck_assert_str_eq(changes(), "hygiene suppress, hygiene release, hygiene clear");
    ck_assert_str_eq(bounce(JOE, FULL), "count");
}
END_TEST

START_TEST(a_release_by_a_person_begins_anew)
{
    for (int i = 0; i < 5; i++, now += 2 * DAY)
        bounce(JOE, FULL);
    person(RECORD_RELEASE, JOE);
    ck_assert(!refused(JOE, ""));
    now += DAY;
    ck_assert_str_eq(bounce(JOE, FULL), "count");
}
END_TEST

START_TEST(a_persons_word_stays)
{
    person(RECORD_SUPPRESS, JOE);
    ck_assert_str_eq(bounce(JOE, DEAD), "count");
    ck_assert_str_eq(database_text("SELECT origin || reason FROM v_suppressed"), "manualmoved");
    prune();
    submit(JOE);
    deliver(JOE);
    ck_assert(refused(JOE, ""));
}
END_TEST

static void complain(const char *recipient)
{
    struct record *record = report_one(EVIDENCE_PROVED, "C1", recipient, ACTION_COMPLAINT, "Feedback-Type: abuse");

    record->time = record->report.deliveries[0].time = now;
    take(record);
}

START_TEST(a_complaint_outranks_failures)
{
    bounce(JOE, DEAD);
    complain(JOE);
    ck_assert_str_eq(database_text("SELECT reason FROM v_suppressed"), "complaint");
    now += DAY;
    bounce(JOE, DEAD);
    ck_assert_str_eq(database_text("SELECT reason FROM v_suppressed"), "complaint");
    ck_assert_str_eq(changes(), "hygiene suppress, hygiene suppress");
}
END_TEST

/* Before the failure, after it, by address and by domain; a person's own entry too. */
START_TEST(who_is_allowed_is_never_refused)
{
    const char *key = _i & 1 ? "@example.com" : JOE;

    if (_i & 2)
        bounce(JOE, DEAD);
    else if (_i & 4)
        person(RECORD_SUPPRESS, _i & 8 ? "@example.com" : JOE);
    person(RECORD_ALLOW, key);
    ck_assert_str_eq(database_text("SELECT recipient || ' ' || who || ' ' || note FROM v_allowed") + strlen(key),
                     " ann told by phone");
    ck_assert_str_eq(bounce(JOE, DEAD), "none");
    complain(JOE);
    ck_assert(!refused(JOE, ""));
    ck_assert(!refused(JOE, "news"));
    person(RECORD_DISALLOW, key);
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_allowed"), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM change WHERE what IN ('allow', 'disallow')"), 2);
    ck_assert_int_eq(refused(JOE, ""), (_i & 2) || (_i & 4));
}
END_TEST

START_TEST(a_domain_is_gone_when_several_agree)
{
    ck_assert_str_eq(bounce("a@gmial.com", NO_DOMAIN), "count");
    ck_assert_str_eq(bounce("a@gmial.com", NO_DOMAIN), "count"); /* the same one again */
    ck_assert_str_eq(bounce("b@gmial.com", NO_DOMAIN), "count");
    ck_assert(!refused("a@gmial.com", ""));
    ck_assert_str_eq(bounce("c@gmial.com", NO_DOMAIN), "suppress");
    ck_assert_str_eq(database_text("SELECT recipient || ' ' || scope FROM v_suppressed"), "@gmial.com domain");
    ck_assert(refused("new@gmial.com", ""));
    ck_assert_str_eq(bounce("d@gmial.com", NO_DOMAIN), "count"); /* suppressed already */
    ck_assert_str_eq(database_text("SELECT domain || ' ' || meant || ' ' || recipients || ' ' || failures FROM v_typo_domains"),
                     "gmial.com gmail.com 4 5");
}
END_TEST

START_TEST(a_domain_is_gone_when_it_stays_away)
{
    ck_assert_str_eq(bounce("a@gmial.com", NO_DOMAIN), "count");
    now += 3 * DAY - 1;
    ck_assert_str_eq(bounce("a@gmial.com", NO_DOMAIN), "count");
    now++;
    ck_assert_str_eq(bounce("a@gmial.com", NO_DOMAIN), "suppress");
    ck_assert(refused("new@gmial.com", ""));
}
END_TEST

/* By the log only: nobody who was delivered has a bounce record. */
START_TEST(a_domain_that_takes_mail_is_not_gone)
{
    bounce("a@gmial.com", NO_DOMAIN);
    bounce("b@gmial.com", NO_DOMAIN);
    now += DAY;
    deliver("z@gmial.com");
    now += 3600;
    ck_assert_str_eq(bounce("c@gmial.com", NO_DOMAIN), "count");
    ck_assert(!refused("a@gmial.com", ""));
}
END_TEST

START_TEST(shadow_mode_records_and_reports)
{
    use_policy("no-such-user", "", POLICY_UNSET, POLICY_SHADOW, POLICY_UNSET);
    ck_assert_str_eq(bounce(JOE, DEAD), "shadow");
    ck_assert(!refused(JOE, ""));
    submit(JOE);
    submit(JOE);
    ck_assert_str_eq(database_text("SELECT recipient || ' ' || state || ' ' || policy || ' ' || sends FROM v_would_be"),
                     JOE " shadow test.conf:1 2");
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 0);
    ck_assert_int_eq(database_number("SELECT suppressed FROM v_bounces"), 0);
    ck_assert_str_eq(bounce(JOE, DEAD), "count"); /* that is on record */
    ck_assert_int_eq(database_number("SELECT sends FROM v_would_be"), 2);
    ck_assert_str_eq(changes(), "settings policy, hygiene shadow");
    complain(JOE); /* is enforced, and takes its place */
    ck_assert(refused(JOE, ""));
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_would_be"), 0);
}
END_TEST

START_TEST(what_is_held_refuses_nobody)
{
    use_policy("no-such-user", "", POLICY_HOLD, POLICY_UNSET, POLICY_UNSET);
    ck_assert_str_eq(bounce(JOE, DEAD), "hold");
    ck_assert(!refused(JOE, ""));
    ck_assert_str_eq(database_text("SELECT state FROM v_would_be"), "held");
    ck_assert_str_eq(changes(), "settings policy, hygiene hold");
}
END_TEST

/* The stream of a failure is that of its sender's domain where no journal knows more. */
START_TEST(a_stream_may_stop_alone)
{
    use_policy("no-such-user", "", POLICY_UNSET, POLICY_UNSET, POLICY_ONE_STREAM);
    bounce(JOE, DEAD);
    ck_assert(refused(JOE, "example.org"));
    ck_assert(!refused(JOE, "receipts"));
    ck_assert(!refused(JOE, ""));
    ck_assert_int_eq(policy_stop_all(policy, "no-such-user", &error), 0);
    bounce(JOE, DEAD);
    ck_assert(refused(JOE, "receipts"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/life");
    TCase *tc = tcase_create("life");
    int failed;

    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, failures_add_up_over_days);
    tcase_add_test(tc, five_on_one_day_are_a_bad_day);
    tcase_add_test(tc, a_delivery_begins_the_count_anew);
    tcase_add_test(tc, what_a_relay_takes_is_not_delivered);
    tcase_add_test(tc, old_news_suppresses_nobody);
    tcase_add_test(tc, on_trial_two_messages_pass);
    tcase_add_test(tc, a_delivery_on_trial_releases);
    tcase_add_test(tc, a_failure_on_trial_doubles);
    tcase_add_test(tc, silence_on_trial_releases);
    tcase_add_test(tc, a_release_by_a_person_begins_anew);
    tcase_add_test(tc, a_persons_word_stays);
    tcase_add_test(tc, a_complaint_outranks_failures);
    tcase_add_loop_test(tc, who_is_allowed_is_never_refused, 0, 16);
    tcase_add_test(tc, a_domain_is_gone_when_several_agree);
    tcase_add_test(tc, a_domain_is_gone_when_it_stays_away);
    tcase_add_test(tc, a_domain_that_takes_mail_is_not_gone);
    tcase_add_test(tc, shadow_mode_records_and_reports);
    tcase_add_test(tc, what_is_held_refuses_nobody);
    tcase_add_test(tc, a_stream_may_stop_alone);
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
