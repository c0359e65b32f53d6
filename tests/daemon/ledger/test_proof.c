/* daemon/ledger/proof: what a journal, a key and a report prove together, as the
 * ledger records it; time is the record's. */
#include "config.h"

#include "daemon/ledger/proof.h"

#include "classifier/ruleset.h"
#include "daemon/keyring.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/tag.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#define DAY INT64_C(86400)
#define SENT (20000 * DAY)
#define DEAD "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown"
#define JOE "joe@example.com"
#define ANN "ann@example.com"

static struct ruleset *rules;
static struct ledger *ledger;
static struct keyring *keyring;
static struct counters counters;
static struct error error;
static char key_path[140];

static void open_all(int hashed)
{
    struct ledger_options options = {.ruleset = rules, .counters = &counters, .hashed = hashed};

    database_make();
    snprintf(key_path, sizeof(key_path), "%s.tags", database_path);
    options.database = database_path;
    options.keyring = keyring = keyring_new();
    ck_assert_int_eq(keyring_load(keyring, key_path, 1, 30 * DAY, SENT, &error), 0);
    ledger = ledger_open(&options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
}

static void setup(void)
{
    open_all(0);
}

static void setup_hashed(void)
{
    open_all(1);
}

static void teardown(void)
{
    ledger_close(&ledger);
    keyring_free(&keyring);
    unlink(key_path);
    database_remove();
}

static void record_take(struct record *record)
{
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_msg(ledger_record(ledger, record, &error) == 0, "%s", error.text);
    ck_assert_msg(ledger_commit(ledger, &error) == 0, "%s", error.text);
    record_free(&record);
}

/* "a@x b@x": submits one message; its tagged sender. */
static char *send(const char *message_id, const char *recipients, size_t others)
{
    struct record *record = record_new(RECORD_SENT, SENT);
    char *list = xstrdup(recipients), *rest = NULL, tagged[ADDRESS_SIZE];
    struct keys keys;
    struct tag tag;

    record->keys = xcalloc(10, sizeof(char *));
    for (char *one = strtok_r(list, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        record->keys[record->count++] = xstrdup(one);
    keyring_get(keyring, &keys);
    ck_assert_int_eq(tag_write(&keys, "news@example.org", record->keys, record->count, others, SENT, '+', tagged), 1);
    ck_assert_int_eq(tag_parse(tagged, &tag), 1);
    record->tag = tag_number(&tag);
    record->several = others > 0;
    record->queue_id = xstrdup("Q1");
    record->message_id = xstrdup(message_id);
    record->sender = xstrdup("news@example.org");
    record->stream = xstrdup("example.org");
    record_take(record);
    free(list);
    return xstrdup(tagged);
}

enum shown { TAG = 1, ID = 2, WRONG_TAG = 4 };

static const struct {
    const char *what, *sent; /* recipients of the message, with commas between several messages of one id */
    size_t others;
    int shown; /* what the report shows: enum shown */
    int days;  /* between message and report */
    enum report_kind kind;
    enum source source;
    const char *named; /* recipient of the report */
    enum evidence evidence;
} rows[] = {
    {"the tag", JOE, 0, TAG, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"the Message-ID", JOE, 0, ID, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"both", JOE, 0, TAG | ID, 1, REPORT_DSN, SOURCE_LMTP, JOE, EVIDENCE_PROVED},
    {"a bounce in prose", JOE, 0, TAG, 1, REPORT_BOUNCE, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"a complaint", JOE, 0, ID, 1, REPORT_COMPLAINT, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"in a mailbox", JOE, 0, ID, 1, REPORT_DSN, SOURCE_INGEST, JOE, EVIDENCE_PROVED},
    {"the recipient in capitals", JOE, 0, TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, "Joe@EXAMPLE.com", EVIDENCE_PROVED},
    {"on the last day", JOE, 0, TAG | ID, 30, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"the same message twice", JOE "," JOE, 0, ID, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"one Message-ID for all, but a tag for each", JOE "," ANN, 0, TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"a wrong tag and the Message-ID", JOE, 0, WRONG_TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_PROVED},
    {"neither", JOE, 0, 0, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"a wrong tag", JOE, 0, WRONG_TAG, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"too old", JOE, 0, TAG | ID, 31, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"a year old", JOE, 0, TAG | ID, 365, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"before it was sent", JOE, 0, TAG | ID, -3, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"another is named", JOE, 0, TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, ANN, EVIDENCE_UNPROVEN},
    {"another detail is named", JOE, 0, TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, "joe+x@example.com", EVIDENCE_UNPROVEN},
    {"two recipients, the first", ANN " " JOE, 0, TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, ANN, EVIDENCE_UNPROVEN},
    {"two recipients, the second", ANN " " JOE, 0, TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"one Message-ID for all", JOE "," ANN, 0, ID, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"recipients that are not remembered", JOE, 2, TAG | ID, 1, REPORT_DSN, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
    {"a doubtful line of the log", JOE, 0, TAG | ID, 1, REPORT_DSN, SOURCE_LOG, JOE, EVIDENCE_UNPROVEN},
    {"an automatic reply", JOE, 0, TAG | ID, 1, REPORT_AUTO_REPLY, SOURCE_MILTER, JOE, EVIDENCE_UNPROVEN},
};

/* The tag is the first message's. */
static char *send_all(const char *sent, size_t others)
{
    char *list = xstrdup(sent), *rest = NULL, *first = NULL;

    for (char *one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
        char *tagged = send("m1@example.org", one, others);

        if (first)
            free(tagged);
        else
            first = tagged;
    }
    free(list);
    return first;
}

static struct record *report_of(int row, const char *queue_id, const char *host, char *tagged)
{
    struct record *record = report_one(EVIDENCE_UNPROVEN, queue_id, rows[row].named,
                                       rows[row].kind == REPORT_COMPLAINT ? ACTION_COMPLAINT : ACTION_FAILED, DEAD);

    record->time = SENT + rows[row].days * DAY;
    record->source = rows[row].source;
    record->report.kind = rows[row].kind;
    free(record->report.reporting_mta);
    record->report.reporting_mta = xstrdup(host);
    record->report.original_message_id = xstrdup(rows[row].shown & ID ? "m1@example.org" : "other@example.org");
    if (rows[row].shown & (TAG | WRONG_TAG))
        record->tagged = xstrdup(tagged);
    if (rows[row].shown & WRONG_TAG)
        record->tagged[8] = record->tagged[8] == 'a' ? 'b' : 'a';
    return record;
}

START_TEST(what_proves)
{
    char *tagged = send_all(rows[_i].sent, rows[_i].others);

    record_take(report_of(_i, "Q7", "mx.example.com", tagged));
    ck_assert_msg(!strcmp(database_text("SELECT evidence FROM event"), evidence_name(rows[_i].evidence)), "%s: %s",
                  rows[_i].what, database_text("SELECT evidence FROM event"));
    ck_assert_int_eq(counters_get(&counters, COUNTER_PROVED), rows[_i].evidence == EVIDENCE_PROVED);
    ck_assert_int_eq(counters_get(&counters, COUNTER_UNPROVEN), rows[_i].evidence == EVIDENCE_UNPROVEN);
    ck_assert_int_eq(counters_get(&counters, COUNTER_REPORTS_UNPROVEN), rows[_i].evidence == EVIDENCE_UNPROVEN);
    if (rows[_i].evidence == EVIDENCE_UNPROVEN)
        ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    free(tagged);
}
END_TEST

START_TEST(a_replay_is_the_same_result)
{
    char *tagged = send_all(JOE, 0), id[32], host[64];

    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "Q%d", i);
        snprintf(host, sizeof(host), "mx%d.example.com", i);
        record_take(report_of(i % 2, id, host, tagged)); /* with the tag, with the Message-ID */
    }
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 2);
    ck_assert_int_eq(database_number("SELECT sum(witnesses) FROM event"), 20);
    ck_assert_int_eq(database_number("SELECT count(*) FROM change"), 1);
    free(tagged);
}
END_TEST

/* Proof that comes after somebody told it without. */
START_TEST(what_was_unproven_can_be_proved)
{
    char *tagged = send_all(JOE, 0);

    record_take(report_of(11, "Q7", "mx.example.com", tagged));
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    record_take(report_of(0, "Q7", "mx.example.com", tagged));
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
    free(tagged);
}
END_TEST

static const struct {
    const char *what, *sent, *named; /* named NULL: nobody is */
    int shown;
    const char *complainant; /* NULL: nobody */
} redacted[] = {
    {"nobody named, Message-ID", JOE, NULL, ID, JOE},
    {"nobody named, tag", JOE, NULL, TAG, JOE},
    {"redacted, Message-ID", JOE, "redacted@example.com", ID, JOE},
    {"nobody named, neither", JOE, NULL, 0, NULL},
    {"nobody named, wrong tag", JOE, NULL, WRONG_TAG, NULL},
    {"nobody named, two recipients", ANN " " JOE, NULL, TAG | ID, NULL},
    {"nobody named, one Message-ID for all", ANN "," JOE, NULL, ID, NULL},
};

/* This one alone, by whatever key it is stored; NULL: nobody. */
static int is_suppressed(const char *recipient)
{
    struct lookup *lookup = lookup_open(database_path, &error);
    struct suppressed suppressed;
    int count = (int)database_number("SELECT count(*) FROM suppression"), found;

    ck_assert_ptr_nonnull(lookup);
    found = !recipient ? 0 : lookup_suppressed(lookup, recipient, "example.com", "", SENT + DAY, &suppressed, &error);
    lookup_close(&lookup);
    return recipient ? found == 1 && count == 1 : !count;
}

START_TEST(who_complains)
{
    char *tagged = send_all(redacted[_i].sent, 0);
    struct record *record = report_make(EVIDENCE_UNPROVEN, "");

    record->time = SENT + DAY;
    record->report.kind = REPORT_COMPLAINT;
    record->report.complaint = xstrdup("abuse");
    if (redacted[_i].named)
        report_add(record, redacted[_i].named, ACTION_COMPLAINT, "Feedback-Type: abuse");
    record->report.original_message_id = xstrdup(redacted[_i].shown & ID ? "m1@example.org" : "other@example.org");
    if (redacted[_i].shown & (TAG | WRONG_TAG))
        record->tagged = xstrdup(tagged);
    if (redacted[_i].shown & WRONG_TAG)
        record->tagged[8] = record->tagged[8] == 'a' ? 'b' : 'a';
    record_take(record);
    ck_assert_msg(is_suppressed(redacted[_i].complainant), "%s", redacted[_i].what);
    free(tagged);
}
END_TEST

#define add_rows(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/proof");
    TCase *tc = tcase_create("proof"), *hashed = tcase_create("hashed");
    int failed;

    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    add_rows(tc, what_proves, rows);
    tcase_add_test(tc, a_replay_is_the_same_result);
    tcase_add_test(tc, what_was_unproven_can_be_proved);
    add_rows(tc, who_complains, redacted);
    suite_add_tcase(suite, tc);
    tcase_set_timeout(hashed, 60);
    tcase_add_checked_fixture(hashed, setup_hashed, teardown);
    add_rows(hashed, what_proves, rows);
    tcase_add_test(hashed, a_replay_is_the_same_result);
    tcase_add_test(hashed, what_was_unproven_can_be_proved);
    add_rows(hashed, who_complains, redacted);
    suite_add_tcase(suite, hashed);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
