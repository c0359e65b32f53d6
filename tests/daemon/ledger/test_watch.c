/* daemon/ledger/watch: incidents through the ledger, with a real database. */
#include "config.h"

#include "daemon/ledger/watch.h"

#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#define NOON INT64_C(1606219200)
#define HOUR 3600
#define MX "gmail-smtp-in.l.google.com"
#define DEAD "550-5.1.1 The email account that you tried to reach does not exist. Please try"

static struct ruleset *rules; /* compiled once, for all tests */
static struct ledger *ledger;
static struct counters counters;
static struct error error;
static int opened, closed;
static char heard[64];

static void listen_to(const struct incident_notice *notice, void *context)
{
    (void)context;
    opened += !strcmp(notice->what, "open");
    closed += !strcmp(notice->what, "close");
    snprintf(heard, sizeof(heard), "%s %s %s", notice->kind, notice->scope, notice->name);
}

static void open_it(void)
{
    struct ledger_options options = {.ruleset = rules, .counters = &counters, .database = database_path};

    ledger = ledger_open(&options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
    ledger_listen(ledger, listen_to, NULL);
}

static void setup(void)
{
    database_make();
    open_it();
    opened = closed = 0;
}

static void teardown(void)
{
    ledger_close(&ledger);
    database_remove();
}

static int commit(struct record *record)
{
    return report_commit(ledger, record, NULL);
}

/* The log tells that u<from> ... u<to - 1> have taken mail. */
static void deliver(int from, int to, int64_t time)
{
    struct record *record = record_new(RECORD_LOG, time);
    char recipient[40];

    record->log = xstrdup("/var/log/mail.log");
    for (int i = from; i < to; i++) {
        struct result result = {.time = time, .action = ACTION_DELIVERED, .evidence = EVIDENCE_LOCAL,
                                .remote_mta = span_of(MX), .reply = span_of("250 2.0.0 OK")};

        snprintf(recipient, sizeof(recipient), "u%d@gmail.com", i);
        result.recipient = span_of(recipient);
        results_add(&record->results, &result);
    }
    commit(record);
}

static struct record *failures(int from, int to, int64_t time, const char *prefix)
{
    static int number;
    char text[64];
    struct record *record;

    snprintf(text, sizeof(text), "Q%d", ++number);
    record = report_make(EVIDENCE_LOCAL, text);
    record->time = time;
    for (int i = from; i < to; i++) {
        snprintf(text, sizeof(text), "%s%d@gmail.com", prefix, i);
        report_add(record, text, ACTION_FAILED, DEAD);
        record->report.deliveries[i - from].remote_mta = xstrdup(MX);
        record->report.deliveries[i - from].time = time;
    }
    return record;
}

static void fails(int from, int to, int64_t time)
{
    commit(failures(from, to, time, "u"));
}

static void tick(int64_t now)
{
    if (!ledger_due(ledger, now))
        return;
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_msg(ledger_tick(ledger, now, &error) == 0, "%s", error.text);
    ck_assert_int_eq(ledger_commit(ledger, &error), 0);
}

static const char *states(void)
{
    return database_text("SELECT held || ' held, ' || waiting || ' waiting, ' || confirmed || ' confirmed, ' || dropped"
                         " || ' dropped' FROM v_incidents");
}

/* u0 to u99 take mail the day before; then u0 to u29 are refused as dead. */
static void have_an_outage(void)
{
    deliver(0, 100, NOON - 86400);
    for (int i = 0; i < 30; i++)
        fails(i, i + 1, NOON + i);
    ck_assert_int_eq(opened, 1);
}

static int gate_refuses(const char *key)
{
    struct lookup *lookup = lookup_open(database_path, &error);
    struct suppressed suppressed;
    int refused;

    ck_assert_ptr_nonnull(lookup);
    refused = lookup_suppressed(lookup, key, "gmail.com", "", NOON + 100, &suppressed, &error);
    lookup_close(&lookup);
    return refused;
}

START_TEST(an_outage_suppresses_nobody)
{
    have_an_outage();
    ck_assert_str_eq(heard, "provider-outage provider google");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    ck_assert_str_eq(states(), "30 held, 0 waiting, 0 confirmed, 0 dropped");
    ck_assert_int_gt(database_number("SELECT got_through FROM v_incidents"), 0);
    ck_assert_int_lt(database_number("SELECT got_through FROM v_incidents"), 10);
    ck_assert_int_eq(gate_refuses("u0@gmail.com"), 0);
    ck_assert_int_eq(gate_refuses("u29@gmail.com"), 0);
    ck_assert_str_eq(database_text("SELECT decision FROM event ORDER BY id DESC LIMIT 1"), "hold");
    ck_assert_str_eq(database_text("SELECT group_concat(what, ' ') FROM change WHERE key = 'u0@gmail.com'"),
                     "suppress hold");
    ck_assert_str_eq(database_text("SELECT what FROM change WHERE key = 'u29@gmail.com'"), "hold");
}
END_TEST

START_TEST(a_bought_list_is_suppressed)
{
    deliver(0, 100, NOON - 86400);
    for (int i = 0; i < 40; i++)
        commit(failures(i, i + 1, NOON + i, "bought"));
    ck_assert_int_eq(opened, 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 40);
}
END_TEST

START_TEST(what_becomes_of_the_held)
{
    have_an_outage();
    deliver(0, 10, NOON + 2 * HOUR);            /* took mail: dropped at once */
    deliver(30, 60, NOON + 3 * HOUR);
    fails(10, 12, NOON + 3 * HOUR);              /* failed again when all was normal */
    ck_assert_str_eq(states(), "20 held, 0 waiting, 0 confirmed, 10 dropped");
    tick(NOON + 5 * HOUR);
    ck_assert_int_eq(closed, 1);
    ck_assert_str_eq(states(), "0 held, 18 waiting, 2 confirmed, 10 dropped");
    ck_assert_str_eq(database_text("SELECT closed_by FROM v_incidents"), "quiet");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 2);
    fails(12, 13, NOON + 6 * HOUR);              /* the next failure confirms, the next delivery drops */
    deliver(13, 14, NOON + 6 * HOUR);
    ck_assert_str_eq(states(), "0 held, 16 waiting, 3 confirmed, 11 dropped");
    ck_assert_int_eq(gate_refuses("u12@gmail.com"), 1);
    ck_assert_int_eq(gate_refuses("u13@gmail.com"), 0);
    ck_assert_int_eq(gate_refuses("u14@gmail.com"), 0);
    /* All of it is in the history of each. */
    ck_assert_str_eq(database_text("SELECT group_concat(what, ' ') FROM change WHERE key = 'u10@gmail.com'"),
                     "hold hold suppress");
    ck_assert_str_eq(database_text("SELECT group_concat(what, ' ') FROM change WHERE key = 'u13@gmail.com'"),
                     "hold wait drop clear");
    ck_assert_str_eq(database_text("SELECT group_concat(what, ' ') FROM change WHERE key = 'u14@gmail.com'"), "hold wait");
}
END_TEST

static int by_hand(int64_t id, int rollback, int64_t now)
{
    struct record *record = record_new(RECORD_INCIDENT, now);

    record->incident = id;
    record->rollback = rollback;
    record->who = xstrdup("alice");
    return commit(record);
}

START_TEST(closing_and_rolling_back_by_hand)
{
    have_an_outage();
    fails(0, 2, NOON + HOUR);
    ck_assert_int_eq(by_hand(1, 0, NOON + 2 * HOUR), 1);
    ck_assert_int_eq(by_hand(1, 0, NOON + 2 * HOUR), 0);
    ck_assert_int_eq(closed, 1);
    ck_assert_str_eq(states(), "0 held, 28 waiting, 2 confirmed, 0 dropped");
    ck_assert_int_eq(by_hand(1, 1, NOON + 3 * HOUR), 2);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    ck_assert_str_eq(states(), "0 held, 0 waiting, 0 confirmed, 30 dropped");
    ck_assert_str_eq(database_text("SELECT who || ' ' || what || ' ' || note FROM change ORDER BY id DESC LIMIT 1"),
                     "alice release rollback of incident 1");
    ck_assert_int_eq(by_hand(9, 0, NOON), 0);
    ck_assert_int_eq(by_hand(9, 1, NOON), 0);
}
END_TEST

START_TEST(a_fuller_reply_drops_what_is_held)
{
    struct record *record;

    have_an_outage();
    record = failures(29, 30, NOON + 60, "u");
    free(record->report.queue_id);
    record->report.queue_id = xstrdup(database_text("SELECT queue_id FROM event ORDER BY id DESC LIMIT 1"));
    free(record->report.deliveries[0].reply);
    record->report.deliveries[0].reply = xstrdup(
        "550-5.7.1 Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam "
        "sent to Gmail, this message has been blocked. See https://support.google.com/mail/?p=UnsolicitedMessageError");
    commit(record);
    ck_assert_str_eq(database_text("SELECT reason FROM event ORDER BY id DESC LIMIT 1"), "spam-content");
    ck_assert_str_eq(states(), "29 held, 0 waiting, 0 confirmed, 1 dropped");
}
END_TEST

START_TEST(a_restart_forgets_nothing)
{
    deliver(0, 100, NOON - 86400);
    fails(0, 3, NOON);
    tick(NOON + HOUR);
    ledger_close(&ledger);
    open_it();
    fails(3, 6, NOON + 10);
    ck_assert_int_eq(opened, 1); /* of six failures three were seen before */
    ledger_close(&ledger);
    open_it();
    fails(6, 7, NOON + 20);
    ck_assert_str_eq(states(), "7 held, 0 waiting, 0 confirmed, 0 dropped");
    ck_assert_int_eq(database_number("SELECT count(*) FROM incident"), 1);
}
END_TEST

START_TEST(what_is_rolled_back_did_not_happen)
{
    struct record *record;

    deliver(0, 100, NOON - 86400);
    tick(NOON - 80000);
    record = failures(0, 30, NOON, "u");
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, record, &error), 0);
    ledger_rollback(ledger);
    ck_assert_int_eq(opened, 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM incident"), 0);
    commit(record);
    ck_assert_int_eq(opened, 1);
    ck_assert_str_eq(states(), "30 held, 0 waiting, 0 confirmed, 0 dropped");
}
END_TEST

START_TEST(an_address_takes_few_bytes)
{
    deliver(0, 20000, NOON);
    ck_assert_int_eq(by_hand(9, 0, NOON), 0); /* to their places, before a person's request */
    ck_assert_int_eq(database_number("SELECT count(*) FROM taken"), 20000);
    ck_assert_int_le(database_number("SELECT sum(pgsize) / 20000 FROM dbstat WHERE name = 'taken'"), 25);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("watch");
    TCase *watch = tcase_create("watch");
    int failed;

    if (!(rules = ruleset_load(NULL, NULL, &error)))
        return EXIT_FAILURE;
    tcase_set_timeout(watch, 60);
    tcase_add_checked_fixture(watch, setup, teardown);
    tcase_add_test(watch, an_outage_suppresses_nobody);
    tcase_add_test(watch, a_bought_list_is_suppressed);
    tcase_add_test(watch, what_becomes_of_the_held);
    tcase_add_test(watch, closing_and_rolling_back_by_hand);
    tcase_add_test(watch, a_fuller_reply_drops_what_is_held);
    tcase_add_test(watch, a_restart_forgets_nothing);
    tcase_add_test(watch, what_is_rolled_back_did_not_happen);
    tcase_add_test(watch, an_address_takes_few_bytes);
    suite_add_tcase(suite, watch);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
