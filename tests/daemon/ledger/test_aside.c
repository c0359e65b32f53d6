/* daemon/ledger/aside: what is kept of reports that are not understood, who makes
 * room for whom, and what becomes of them when they are read again. */
#include "config.h"

#include "daemon/ledger/aside.h"

#include "base/embed.h"
#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/store.h"
#include "daemon/report/message.h"
#include "tests/daemon/database.h"

#include <inttypes.h>

#define NONSENSE "From: MAILER-DAEMON@mx.example.net\nTo: news@example.com\nSubject: Undelivered Mail\n" \
                 "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nnot a word\n--b--\n"
#define UNDERSTOOD "From: MAILER-DAEMON@mx.example.net\nTo: news@example.com\n" \
                   "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" \
                   "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n" \
                   "Final-Recipient: rfc822; gone@example.net\nAction: failed\nStatus: 5.1.1\n" \
                   "Diagnostic-Code: smtp; 550 5.1.1 user unknown\n\n" \
                   "Final-Recipient: rfc822; slow@example.net\nAction: delayed\nStatus: 4.2.0\n\n--b--\n"
#define ONE_OF_THREE(name) "Final-Recipient: rfc822; " name "@example.com\nAction: failed\nStatus: 5.1.1\n\n"
#define THREE "From: MAILER-DAEMON@mx.example.net\n" \
              "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" \
              "--b\nContent-Type: message/delivery-status\n\n" ONE_OF_THREE("a") ONE_OF_THREE("b") ONE_OF_THREE("c") "--b--\n"
/* Made for machines in no part of it: read out of the text. */
#define IN_WORDS "From: MAILER-DAEMON@mx.example.net\nTo: news@example.com\nSubject: Undelivered Mail\n\n" \
                 "<gone@example.net>: 550 5.1.1 user unknown\n"

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

static void take(struct record *record)
{
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_msg(ledger_record(ledger, record, &error) == 0, "%s", error.text);
    ck_assert_msg(ledger_commit(ledger, &error) == 0, "%s", error.text);
}

static void keep(int64_t time, enum evidence evidence, const char *bytes)
{
    struct record *record = record_new(RECORD_ASIDE, time);

    record->evidence = evidence;
    record->report.problem = xstrdup("no recipient fields");
    record->bytes = xstrdup(bytes);
    record->size = strlen(bytes);
    record->sender = xstrdup("");
    record->queue_id = xstrdup("R1");
    take(record);
    record_free(&record);
}

static int change(enum record_kind kind, int64_t id)
{
    struct record *record = record_new(kind, 5000);
    int changed;

    record->ids = xcalloc(1, sizeof(*record->ids));
    record->ids[0] = id;
    record->id_count = 1;
    take(record);
    changed = record->changed_r;
    record_free(&record);
    return changed;
}

static const struct {
    const char *name;
    enum report_kind kind;
    const char *recipient, *other;
    int wanted;
} reports[] = {
    {"broken", REPORT_BROKEN, NULL, NULL, 1},
    {"a receipt", REPORT_MDN, NULL, NULL, 0},
    {"an address", REPORT_DSN, "joe@example.com", NULL, 0},
    {"no address", REPORT_DSN, "joe", NULL, 1},
    {"one of two is an address", REPORT_DSN, "joe", "ann@example.com", 0},
    {"none of two is an address", REPORT_BOUNCE, "joe", "ann at example.com", 1},
};

START_TEST(what_names_nobody_is_wanted)
{
    struct report report = {.kind = reports[_i].kind};

    report.deliveries = xcalloc(2, sizeof(*report.deliveries));
    report.count = (size_t)(reports[_i].recipient != NULL) + (reports[_i].other != NULL);
    report.deliveries[0].recipient = xstrdup(reports[_i].recipient);
    report.deliveries[1].recipient = xstrdup(reports[_i].other);
    ck_assert_msg(aside_wants(&report) == reports[_i].wanted, "%s", reports[_i].name);
    ck_assert(!report.count || !reports[_i].wanted || strstr(report.problem, "address"));
    report_clear(&report);
}
END_TEST

START_TEST(a_message_is_kept_compressed_and_comes_out_whole)
{
    char *filler = xmalloc(40001), *bytes, *again;
    struct lookup *lookup;
    size_t size;

    memset(filler, 'x', 40000);
    filler[40000] = '\0';
    bytes = xasprintf("From: x\n\n%s", filler);
    keep(1000, EVIDENCE_UNPROVEN, bytes);
    ck_assert_str_eq(database_text("SELECT problem || ' ' || size || ' ' || count || ' ' || queue_id FROM aside"),
                     "no recipient fields 40009 1 R1");
    ck_assert_int_lt(database_number("SELECT length(bytes) FROM aside"), 400);
    lookup = lookup_open(database_path, &error);
    ck_assert_int_eq(lookup_aside_message(lookup, 1, &again, &size, &error), 1);
    ck_assert_uint_eq(size, 40009);
    ck_assert_str_eq(again, bytes);
    free(again);
    ck_assert_int_eq(lookup_aside_message(lookup, 2, &again, &size, &error), 0);
    lookup_close(&lookup);
    free(filler);
    free(bytes);
}
END_TEST

/* By the way it took, its time and its boundary each copy is another one. */
START_TEST(a_repeat_is_counted_and_not_kept)
{
    for (int i = 0; i < 1000; i++) {
        char *bytes = xasprintf("Received: by mx id %d\nDate: day %d\nMessage-ID: <%d@x>\nFrom: MAILER-DAEMON@x\n"
                                "Content-Type: multipart/report; boundary=b%d\n\n--b%d\n\nnot a word\n--b%d--\n",
                                i, i, i, i, i, i);

        keep(1000 + i, EVIDENCE_UNPROVEN, bytes);
        free(bytes);
    }
    ck_assert_str_eq(database_text("SELECT count(*) || ' ' || count || ' ' || time || ' ' || last FROM aside"),
                     "1 1000 1000 1999");
    keep(3000, EVIDENCE_UNPROVEN, "From: MAILER-DAEMON@x\n\nnot two words\n");
    keep(3000, EVIDENCE_UNPROVEN, "From: MAILER-DAEMON@y\n\nnot two words\n");
    keep(3000, EVIDENCE_LOCAL, "From: MAILER-DAEMON@y\n\nnot two words\n");
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 4);
}
END_TEST

static void keep_noise(int64_t time, enum evidence evidence, unsigned seed)
{
    char bytes[1001];

    for (size_t i = 0; i < 1000; i++)
        bytes[i] = (char)('!' + (seed = seed * 1103515245u + 12345u) / 65536 % 90);
    bytes[1000] = '\0';
    keep(time, evidence, bytes);
}

START_TEST(what_is_kept_is_bounded_and_proof_goes_last)
{
    uint64_t dropped;

    ledger_limit_aside(ledger, 4000, &message_limits_usual);
    keep_noise(1, EVIDENCE_LOCAL, 1);
    for (int i = 2; i < 50; i++)
        keep_noise(i, EVIDENCE_UNPROVEN, (unsigned)i);
    ck_assert_int_le(database_number("SELECT sum(length(bytes)) FROM aside"), 4000);
    ck_assert_str_eq(database_text("SELECT group_concat(time) FROM (SELECT time FROM aside ORDER BY id)"), "1,47,48,49");
    keep(60, EVIDENCE_UNPROVEN, "small");
    ledger_limit_aside(ledger, 3, &message_limits_usual); /* larger by itself: nothing makes room for it */
    dropped = counters_get(&counters, COUNTER_ASIDE_DROPPED);
    ck_assert_int_eq(database_number("SELECT max(id) - count(*) FROM aside"), (long)dropped);
    keep(61, EVIDENCE_LOCAL, "not so small");
    ck_assert_int_eq(database_number("SELECT max(time) FROM aside"), 60);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_ASIDE_DROPPED), dropped + 1);
}
END_TEST

/* What was read counts, the rest waits for a higher limit. */
START_TEST(what_has_too_many_recipients_is_read_in_part)
{
    struct message_limits reading = message_limits_usual;
    struct record *record = record_new(RECORD_REPORT, 1000);

    reading.recipients = 2;
    record->bytes = xstrdup(THREE);
    record->size = strlen(THREE);
    record->queue_id = xstrdup("R1");
    record->evidence = EVIDENCE_LOCAL;
    message_parse(record->bytes, record->size, &reading, &record->report);
    aside_pack(record);
    take(record);
    record_free(&record);
    ck_assert_str_eq(database_text("SELECT group_concat(recipient) FROM v_bounces"), "a@example.com,b@example.com");
    ck_assert_str_eq(database_text("SELECT problem FROM aside"), "recipients beyond the first 2 were not read");
    ledger_limit_aside(ledger, 100000, &reading);
    change(RECORD_RETRY, 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 2);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 1);
    ledger_limit_aside(ledger, 100000, &message_limits_usual);
    ck_assert(change(RECORD_RETRY, 1));
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 3);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 0);
}
END_TEST

START_TEST(room_is_counted_anew_after_a_rollback)
{
    struct record *record = record_new(RECORD_ASIDE, 1);

    ledger_limit_aside(ledger, 1500, &message_limits_usual);
    record->bytes = xmalloc(1400);
    for (size_t i = 0; i < 1400; i++)
        record->bytes[i] = (char)(i * i * 7 + i / 3);
    record->size = 1400;
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, record, &error), 0);
    ledger_rollback(ledger);
    record_free(&record);
    keep_noise(2, EVIDENCE_UNPROVEN, 2);
    ck_assert_str_eq(database_text("SELECT group_concat(time) FROM aside"), "2");
}
END_TEST

START_TEST(what_is_understood_by_now_becomes_events)
{
    keep(1000, EVIDENCE_LOCAL, UNDERSTOOD);
    ck_assert_int_eq(change(RECORD_RETRY, 1), 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 0);
    ck_assert_str_eq(database_text("SELECT group_concat(action || ' ' || evidence || ' ' || recorded || ' ' || decision)"
                                   " FROM (SELECT * FROM event ORDER BY id)"),
                     "failed local 1000 suppress,delayed local 1000 none");
    ck_assert_str_eq(database_text("SELECT recipient || ' ' || since FROM v_suppressed"), "gone@example.net 1000");
    ck_assert_int_eq(change(RECORD_RETRY, 1), 0);
    ck_assert_int_eq(database_number("SELECT max(witnesses) FROM event"), 1);
}
END_TEST

START_TEST(without_proof_it_suppresses_nobody)
{
    keep(1000, EVIDENCE_UNPROVEN, UNDERSTOOD);
    keep(1000, EVIDENCE_LOCAL, IN_WORDS);
    ck_assert_int_eq(change(RECORD_RETRY, 1), 1);
    ck_assert_int_eq(change(RECORD_RETRY, 2), 1);
    ck_assert_int_eq(database_number("SELECT count(DISTINCT address) FROM event"), 2);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event WHERE evidence <> 'unproven'"), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
}
END_TEST

START_TEST(what_is_not_understood_stays_with_its_new_problem)
{
    keep(1000, EVIDENCE_LOCAL, NONSENSE);
    keep(1000, EVIDENCE_LOCAL, "Subject: hello\n\nhow are you?\n");
    ck_assert_int_eq(change(RECORD_RETRY, 1), 0);
    ck_assert_int_eq(change(RECORD_RETRY, 2), 0);
    ck_assert_str_eq(database_text("SELECT group_concat(problem, '; ') FROM aside"),
                     "the report has no delivery status part; says nothing of any delivery");
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 0);
}
END_TEST

START_TEST(events_and_the_end_of_keeping_are_one_transaction)
{
    struct record *record = record_new(RECORD_RETRY, 5000);

    keep(1000, EVIDENCE_LOCAL, UNDERSTOOD);
    record->ids = xcalloc(1, sizeof(*record->ids));
    record->ids[0] = record->id_count = 1;
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, record, &error), 0);
    ledger_rollback(ledger);
    record_free(&record);
    ck_assert_str_eq(database_text("SELECT (SELECT count(*) FROM event) || ' ' || (SELECT count(*) FROM aside)"), "0 1");
}
END_TEST

START_TEST(damage_is_an_error_that_names_the_message)
{
    struct record *record = record_new(RECORD_RETRY, 5000);

    keep(1000, EVIDENCE_LOCAL, UNDERSTOOD);
    database_text("UPDATE aside SET bytes = x'00010203'");
    record->ids = xcalloc(1, sizeof(*record->ids));
    record->ids[0] = record->id_count = 1;
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, record, &error), -1);
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_msg(!strncmp(error.text, "aside 1: ", 9), "%s", error.text);
    ledger_rollback(ledger);
    record_free(&record);
}
END_TEST

START_TEST(numbers_are_never_given_twice)
{
    keep(1000, EVIDENCE_LOCAL, NONSENSE);
    ck_assert_int_eq(change(RECORD_DROP, 1), 1);
    ck_assert_int_eq(change(RECORD_DROP, 1), 0);
    keep(1000, EVIDENCE_LOCAL, NONSENSE);
    ck_assert_int_eq(database_number("SELECT id FROM aside"), 2);
}
END_TEST

extern const struct embedded schema_migrations[];

/* As the versions before 0006 left it: bytes as they came, no hash. */
static void make_older(void)
{
    sqlite3 *db;
    int i;

    ledger_close(&ledger);
    database_remove();
    database_make();
    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    for (i = 0; !strstr(schema_migrations[i].name, "0006"); i++)
        ck_assert_int_eq(sqlite3_exec(db, schema_migrations[i].text, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA application_id = 0x73757064; INSERT INTO aside VALUES"
                                  " (7, 1000, 'milter', 'unproven', 'p', 's', 15, 'From: x' || char(10, 10) || 'a body')",
                                  NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, i == 4 ? "PRAGMA user_version = 4" : "PRAGMA user_version = 5", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(what_an_older_version_kept_is_still_there)
{
    struct ledger_options options = {.counters = &counters};
    struct lookup *lookup;
    char *bytes;
    size_t size;

    make_older();
    options.database = database_path;
    ledger = ledger_open(&options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
    ck_assert_str_eq(database_text("SELECT id || ' ' || time || ' ' || last || ' ' || count || ' ' || problem FROM aside"),
                     "7 1000 1000 1 p");
    lookup = lookup_open(database_path, &error);
    ck_assert_int_eq(lookup_aside_message(lookup, 7, &bytes, &size, &error), 1);
    ck_assert_str_eq(bytes, "From: x\n\na body");
    free(bytes);
    lookup_close(&lookup);
    keep(1000, EVIDENCE_UNPROVEN, "Subject: y\n\nanother\n");
    ck_assert_int_eq(database_number("SELECT max(id) FROM aside"), 8);
}
END_TEST

static void collect(const struct past_aside *aside, void *context)
{
    size_t length = strlen(context);

    snprintf((char *)context + length, 100 - length, "%" PRId64 "x%" PRId64 " ", aside->id, aside->count);
}

static const struct {
    struct aside_choice choice;
    const char *expected;
} choices[] = {
    {{0}, "3x1 2x1 1x2 "}, {{.max = 2}, "3x1 2x1 "}, {{.id = 2}, "2x1 "}, {{.id = 9}, ""}, {{.before = 2500}, "2x1 "},
};

START_TEST(they_are_listed)
{
    struct lookup *lookup;
    char text[100] = "";

    keep(1000, EVIDENCE_UNPROVEN, "a");
    keep(2000, EVIDENCE_UNPROVEN, "b");
    keep(3000, EVIDENCE_UNPROVEN, "c");
    keep(4000, EVIDENCE_UNPROVEN, "a");
    lookup = lookup_open(database_path, &error);
    ck_assert_int_eq(lookup_aside(lookup, &choices[_i].choice, collect, text, &error), 0);
    ck_assert_str_eq(text, choices[_i].expected);
    lookup_close(&lookup);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/aside");
    TCase *tc = tcase_create("aside");
    int failed;

    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    message_init();
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, what_names_nobody_is_wanted, 0, sizeof(reports) / sizeof(reports[0]));
    tcase_add_test(tc, a_message_is_kept_compressed_and_comes_out_whole);
    tcase_add_test(tc, a_repeat_is_counted_and_not_kept);
    tcase_add_test(tc, what_is_kept_is_bounded_and_proof_goes_last);
    tcase_add_test(tc, what_has_too_many_recipients_is_read_in_part);
    tcase_add_test(tc, room_is_counted_anew_after_a_rollback);
    tcase_add_test(tc, what_is_understood_by_now_becomes_events);
    tcase_add_test(tc, without_proof_it_suppresses_nobody);
    tcase_add_test(tc, what_is_not_understood_stays_with_its_new_problem);
    tcase_add_test(tc, events_and_the_end_of_keeping_are_one_transaction);
    tcase_add_test(tc, damage_is_an_error_that_names_the_message);
    tcase_add_test(tc, numbers_are_never_given_twice);
    tcase_add_test(tc, what_an_older_version_kept_is_still_there);
    tcase_add_loop_test(tc, they_are_listed, 0, sizeof(choices) / sizeof(choices[0]));
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
