/* A database whose addresses are tokens: nothing in its files names anybody, and it
 * answers as a plain one does. Both ways to it: made so, and converted. */
#include "config.h"

#include "daemon/ledger/hashed.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/keyring.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/store.h"
#include "daemon/report/message.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#include <ctype.h>
#include <sys/stat.h>

#define DEAD "turtle@example.com"
#define NAMED "550 5.1.1 turtle: Recipient <Turtle@Example.com> is an unknown user; write to keeper@zoo.example"

/* No file beside the key may hold any of these, in whatever case. */
static const char *const names[] = {"turtle", "badger", "keeper", "ferret", "weasel", "walrus", "marmot", "osprey"};

static struct ruleset *rules;
static struct ledger *ledger;
static struct counters counters;
static struct error error;
static char key_path[140], tags_path[140];
static struct keyring *keyring; /* what a report is proved under has an age */

static struct ledger_options options_of(int hashed)
{
    return (struct ledger_options){
        .ruleset = rules, .counters = &counters, .database = database_path, .hashed = hashed, .keyring = keyring};
}

static void open_ledger(int hashed)
{
    struct ledger_options options = options_of(hashed);

    ledger = ledger_open(&options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
}

/* What the refusal says. */
static const char *refusal(int hashed)
{
    struct ledger_options options = options_of(hashed);

    ck_assert_ptr_null(ledger_open(&options, &error));
    return error.text;
}

static void setup(void)
{
    database_make();
    snprintf(key_path, sizeof(key_path), "%s.key", database_path);
    snprintf(tags_path, sizeof(tags_path), "%s.tags", database_path);
    keyring = keyring_new();
    ck_assert_int_eq(keyring_load(keyring, tags_path, 1, 86400, 900, &error), 0);
}

static void teardown(void)
{
    ledger_close(&ledger);
    keyring_free(&keyring);
    ck_assert_int_eq(unlink(tags_path), 0);
    database_remove();
}

static int take(struct record *record)
{
    return report_commit(ledger, record, NULL);
}

static struct record *by_hand(enum record_kind kind, const char *key, const char *note)
{
    struct record *record = record_new(kind, 1000);

    record->key = xstrdup(key);
    record->stream = xstrdup("");
    record->reason = xstrdup("recipient-suppressed");
    record->note = xstrdup(note);
    record->who = xstrdup("osprey@zoo.example");
    return record;
}

static struct record *failure(const char *queue_id)
{
    struct record *record = report_one(EVIDENCE_LOCAL, queue_id, DEAD, ACTION_FAILED, NAMED);

    free(record->report.original_sender);
    record->report.original_sender = xstrdup("news+turtle=example.com@example.org");
    record->report.original_message_id = xstrdup("1.turtle@example.org");
    record->report.deliveries[0].original_recipient = xstrdup("marmot@example.net");
    return record;
}

static struct record *sent(void)
{
    struct record *record = record_new(RECORD_SENT, 900);

    record->keys = xcalloc(1, sizeof(char *));
    record->keys[record->count++] = xstrdup("walrus@example.com");
    record->queue_id = xstrdup("S1");
    record->message_id = xstrdup("2.walrus@example.org");
    record->sender = xstrdup("news@example.org");
    record->stream = xstrdup("example.org");
    return record;
}

/* As the log tells it: counted, and remembered of the address that it takes mail. */
static struct record *delivered(const char *recipient, int64_t time)
{
    struct record *record = record_new(RECORD_LOG, 1000);
    const struct result result = {
        .queue_id = span_of("S1"), .recipient = span_of(recipient), .reply = span_of("250 walrus has it"),
        .remote_mta = span_of("mx.example.com"), .time = time, .action = ACTION_DELIVERED, .evidence = EVIDENCE_LOCAL};

    results_add(&record->results, &result);
    return record;
}

static struct record *kept_aside(void)
{
    struct record *record = record_new(RECORD_ASIDE, 1000);

    record->evidence = EVIDENCE_UNPROVEN;
    record->report.problem = xstrdup("says 'weasel@example.com' and no more");
    record->bytes = xstrdup("To: turtle@example.com\n\ndHVydGxlQGV4YW1wbGUuY29t\n");
    record->size = strlen(record->bytes);
    record->sender = xstrdup("weasel@example.com");
    record->queue_id = xstrdup("R1");
    return record;
}

/* One of everything that names somebody; known: it has been filled before. */
static void fill(int known)
{
    take(sent());
    ck_assert_int_eq(take(failure("Q1")), !known);
    ck_assert_int_eq(take(failure("Q1")), 0); /* told of again: known, however it is stored */
    take(delivered("walrus@example.com", 950));
    take(by_hand(RECORD_SUPPRESS, "badger@example.com", "asked by ferret@example.com"));
    take(by_hand(RECORD_SUPPRESS, "@closed.example", "gone"));
    take(by_hand(RECORD_ALLOW, "ferret@example.com", "the boss"));
    take(by_hand(RECORD_SUPPRESS, "ferret@example.com", ""));
    take(kept_aside());
    take(kept_aside());
}

static int holds(const char *bytes, size_t size, const char *word)
{
    size_t length = strlen(word);

    for (size_t i = 0; i + length <= size; i++)
        if (!strncasecmp(bytes + i, word, length))
            return 1;
    return 0;
}

/* Whether this file of the database, "" or "-wal", names anybody. */
static int names_somebody(const char *suffix)
{
    char path[160], *bytes;
    int named = 0;
    struct stat status;
    FILE *file;

    snprintf(path, sizeof(path), "%s%s", database_path, suffix);
    if (!(file = fopen(path, "rb")))
        return 0;
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    bytes = xmalloc((size_t)status.st_size + 1);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)status.st_size, file), (size_t)status.st_size);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        named |= holds(bytes, (size_t)status.st_size, names[i]);
    free(bytes);
    fclose(file);
    return named;
}

static int refused(struct lookup *lookup, const char *key)
{
    struct suppressed suppressed;
    int found = lookup_suppressed(lookup, key, strchr(key, '@') + 1, "", 1000, &suppressed, &error);

    ck_assert_msg(found >= 0, "%s", error.text);
    return found;
}

static void note_event(const struct past_event *event, void *context)
{
    ck_assert_ptr_nonnull(strstr(event->reply, "is an unknown user"));
    ck_assert_ptr_nonnull(strstr(event->reply, "@zoo.example"));
    ck_assert_ptr_nonnull(strstr(event->original_recipient, "@example.net"));
    ck_assert_str_eq(event->reason, "no-such-user");
    ck_assert_int_eq(event->witnesses, 2);
    ++*(int *)context;
}

static void note_aside(const struct past_aside *aside, void *context)
{
    ck_assert_int_eq(aside->count, 2);
    ck_assert_int_eq(aside->stored, 0);
    ck_assert_int_gt(aside->size, 0);
    ck_assert_ptr_nonnull(strstr(aside->problem, "and no more"));
    *(int64_t *)context = aside->id;
}

/* It answers to addresses as a plain database does. */
static void answers(void)
{
    struct lookup *lookup = lookup_open(database_path, &error);
    const struct aside_choice all = {0};
    int64_t aside = 0;
    char *bytes;
    size_t size;
    int events = 0;

    ck_assert_msg(lookup != NULL, "%s", error.text);
    ck_assert(lookup_is_hashed(lookup));
    ck_assert_int_eq(refused(lookup, DEAD), 1);
    ck_assert_int_eq(refused(lookup, "badger@example.com"), 1);
    ck_assert_int_eq(refused(lookup, "anybody@closed.example"), 1);
    ck_assert_int_eq(refused(lookup, "badger@example.net"), 0);
    ck_assert_int_eq(refused(lookup, "ferret@example.com"), 0);
    ck_assert_int_eq(refused(lookup, "walrus@example.com"), 0);
    ck_assert_int_eq(lookup_events(lookup, DEAD, note_event, &events, &error), 0);
    ck_assert_int_eq(events, 1);
    ck_assert_int_eq(lookup_aside(lookup, &all, note_aside, &aside, &error), 0);
    ck_assert_int_gt(aside, 0);
    ck_assert_int_eq(lookup_aside_message(lookup, aside, &bytes, &size, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "no message is kept"));
    lookup_close(&lookup);
}

/* What came before is found again, so nothing is counted twice. */
static void goes_on(void)
{
    struct record *proof = report_one(EVIDENCE_UNPROVEN, "X1", "walrus@example.com", ACTION_FAILED, "550 5.1.1 no such user");
    struct record *retry = record_new(RECORD_RETRY, 1100);

    ck_assert_int_eq(take(failure("Q1")), 0);
    free(proof->report.original_message_id);
    proof->report.original_message_id = xstrdup("2.walrus@example.org");
    proof->time = 1000;
    take(proof);
    ck_assert_str_eq(database_text("SELECT evidence FROM event WHERE queue_id = 'X1'"), "proved");
    take(delivered(DEAD, 1050)); /* counting begins anew for it */
    ck_assert_int_eq(database_number("SELECT count(*) FROM bounce WHERE delivered = 1050"), 1);
    take(kept_aside());
    ck_assert_int_eq(database_number("SELECT count FROM aside"), 3);
    retry->ids = xcalloc(1, sizeof(int64_t));
    retry->ids[0] = database_number("SELECT id FROM aside");
    retry->id_count = 1;
    ck_assert_int_eq(take(retry), 0); /* there is nothing to read again */
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 1);
    ck_assert_int_eq(take(by_hand(RECORD_RELEASE, "badger@example.com", "")), 1);
    ck_assert_int_eq(take(by_hand(RECORD_RELEASE, "badger@example.com", "")), 0);
    ck_assert_int_eq(take(by_hand(RECORD_DISALLOW, "ferret@example.com", "")), 1);
}

/* Erasing leaves nothing of a token either, and of others what they had. */
START_TEST(a_person_is_erased)
{
    char token[300], named[1000];
    struct record *by_token;
    struct lookup *lookup;

    open_ledger(1);
    take(failure("Q1"));
    take(by_hand(RECORD_SUPPRESS, "badger@example.com", ""));
    take(sent());
    take(delivered(DEAD, 10));
    take(kept_aside());
    snprintf(token, sizeof(token), "%s", database_text("SELECT key FROM address"));
    ck_assert_int_eq(database_number("SELECT count(*) FROM taken"), 1);

    by_token = by_hand(RECORD_ERASE, token, "");
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, by_token, &error), -1);
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "is a token"));
    record_free(&by_token);
    ledger_rollback(ledger);

    ck_assert_int_eq(take(by_hand(RECORD_ERASE, DEAD, "")), 1);
    ck_assert_int_eq(take(by_hand(RECORD_ERASE, DEAD, "")), 0);
    snprintf(named, sizeof(named), "SELECT (SELECT count(*) FROM address) + (SELECT count(*) FROM event) + (SELECT count(*)"
             " FROM bounce) + (SELECT count(*) FROM taken) + (SELECT count(*) FROM change WHERE key = '%s') +"
             " (SELECT count(*) FROM suppression WHERE key = '%s')", token, token);
    ck_assert_int_eq(database_number(named), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM sent_recipient"), 1);
    ck_assert_ptr_nonnull(lookup = lookup_open(database_path, &error));
    ck_assert_int_eq(refused(lookup, DEAD), 1);
    ck_assert_int_eq(refused(lookup, "badger@example.com"), 1);
    ck_assert_int_eq(refused(lookup, "walrus@example.com"), 0);
    lookup_close(&lookup);
}
END_TEST

START_TEST(a_new_database_never_holds_an_address)
{
    open_ledger(1);
    fill(0);
    ck_assert(!names_somebody("") && !names_somebody("-wal"));
    answers();
    goes_on();
    ck_assert(!names_somebody("-wal"));
    ledger_close(&ledger);
    ck_assert(!names_somebody("") && !names_somebody("-wal"));
}
END_TEST

START_TEST(the_test_would_find_names)
{
    open_ledger(0);
    fill(0);
    ck_assert(names_somebody("") || names_somebody("-wal"));
    ledger_close(&ledger);
    ck_assert(names_somebody(""));
}
END_TEST

static void convert(void)
{
    struct store *store = store_open(database_path, 0, &error);

    ck_assert_msg(store != NULL, "%s", error.text);
    ck_assert(!store_is_hidden(store));
    ck_assert_msg(store_hide(store, database_path, 0, &error) == 0, "%s", error.text);
    ck_assert(store_is_hidden(store));
    store_close(&store);
}

START_TEST(a_plain_one_is_converted_without_a_trace)
{
    open_ledger(0);
    fill(0);
    ledger_close(&ledger);
    ck_assert(names_somebody(""));
    ck_assert_ptr_nonnull(strstr(refusal(1), "suppressctl hash"));
    convert();
    ck_assert(!names_somebody("") && !names_somebody("-wal"));
    ck_assert_str_eq(database_text("PRAGMA integrity_check"), "ok");
    ck_assert_str_eq(database_text("SELECT domain FROM address WHERE key LIKE '%@example.com'"), "example.com");
    answers();
    open_ledger(1);
    goes_on();
    ledger_close(&ledger);
    ck_assert(!names_somebody("") && !names_somebody("-wal"));
}
END_TEST

/* As rooms of the store have them that keep what a row was, or let nobody change it. */
START_TEST(triggers_have_no_say)
{
    struct veil *veil = veil_new();
    sqlite3 *db;

    open_ledger(0);
    fill(0);
    ledger_close(&ledger);
    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE before_it (row);"
                                      "INSERT INTO before_it VALUES ('{\"key\":\"turtle@example.com\"}'), (7);"
                                      "CREATE TRIGGER never BEFORE UPDATE ON change BEGIN SELECT RAISE(ABORT, 'no'); END;"
                                      "CREATE TEMP TRIGGER keeps AFTER UPDATE ON main.suppression"
                                      " BEGIN INSERT INTO before_it VALUES (json_object('key', OLD.key)); END",
                                  NULL, NULL, NULL), SQLITE_OK);
    ck_assert_msg(hashed_convert(db, database_path, 0, veil, &error) == 0, "%s", error.text);
    sqlite3_close(db);
    veil_free(&veil);
    ck_assert(!names_somebody("") && !names_somebody("-wal"));
    ck_assert_str_eq(database_text("SELECT group_concat(typeof(row)) FROM before_it"), "text,integer");
    answers();
}
END_TEST

/* The row of an address is the same whether it came before or after. */
START_TEST(both_ways_lead_to_the_same)
{
    char before[200];

    open_ledger(0);
    fill(0);
    ledger_close(&ledger);
    convert();
    snprintf(before, sizeof(before), "%s", database_text("SELECT group_concat(key || given, ' ') FROM address ORDER BY 1"));
    ck_assert_str_ne(before, "");
    open_ledger(1);
    fill(1);
    ck_assert_str_eq(database_text("SELECT group_concat(key || given, ' ') FROM address ORDER BY 1"), before);
    ck_assert_int_eq(database_number("SELECT count(*) FROM reply WHERE text LIKE '550 5.1.1%'"), 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event WHERE queue_id = 'Q1'"), 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM taken"), 1);
}
END_TEST

START_TEST(there_is_no_way_back)
{
    open_ledger(1);
    ledger_close(&ledger);
    ck_assert_ptr_nonnull(strstr(refusal(0), "no way back"));
}
END_TEST

START_TEST(the_key_is_the_owners_alone)
{
    struct stat status;

    open_ledger(1);
    ck_assert_int_eq(stat(key_path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(status.st_size, HMAC_KEY_SIZE);
}
END_TEST

/* Neither is a new one made in place of one that is lost. */
START_TEST(without_its_key_it_is_not_opened)
{
    open_ledger(1);
    fill(0);
    ledger_close(&ledger);
    ck_assert_int_eq(unlink(key_path), 0);
    ck_assert_ptr_nonnull(strstr(refusal(1), ".key is missing"));
    ck_assert_int_eq(access(key_path, F_OK), -1);
}
END_TEST

START_TEST(another_key_is_refused_to_all)
{
    FILE *file;

    open_ledger(1);
    fill(0);
    ledger_close(&ledger);
    ck_assert_ptr_nonnull(file = fopen(key_path, "wb"));
    ck_assert_uint_eq(fwrite("another key, which has 32 octets", 1, HMAC_KEY_SIZE, file), HMAC_KEY_SIZE);
    fclose(file);
    ck_assert_ptr_nonnull(strstr(refusal(1), "is not the key"));
    ck_assert_ptr_null(lookup_open(database_path, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "is not the key"));
}
END_TEST

static int count_row(const struct suppressed *suppressed, void *context)
{
    ck_assert_ptr_nonnull(strchr(suppressed->recipient, '@'));
    ++*(int *)context;
    return 0;
}

/* As a member of the group that reads the database. */
START_TEST(a_reader_without_the_key_may_ask_what_names_nobody)
{
    struct suppressed suppressed;
    struct lookup *lookup;
    int rows = 0;

    open_ledger(1);
    fill(0);
    ck_assert_int_eq(unlink(key_path), 0);
    lookup = lookup_open(database_path, &error);
    ck_assert_msg(lookup != NULL, "%s", error.text);
    ck_assert_int_eq(lookup_list(lookup, NULL, 1000, count_row, &rows, &error), 0);
    ck_assert_int_eq(rows, 4);
    ck_assert_int_eq(lookup_suppressed(lookup, DEAD, "example.com", "", 1000, &suppressed, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "the key is needed"));
    lookup_close(&lookup);
}
END_TEST

static void say(const char *sql)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* The process ended between the transaction and the wiping: free pages hold names still. */
START_TEST(wiping_that_was_broken_off_is_done_at_the_next_start)
{
    open_ledger(1);
    fill(0);
    ledger_close(&ledger);
    say("PRAGMA secure_delete = OFF; CREATE TABLE t (x); WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
        " INSERT INTO t SELECT 'turtle@example.com' || i FROM n;"
        " "        "DROP TABLE t; UPDATE fact SET value = 'hashing' WHERE name = 'addresses'; PRAGMA wal_checkpoint(TRUNCATE)");
    ck_assert(names_somebody(""));
    open_ledger(1);
    ck_assert(!names_somebody("") && !names_somebody("-wal"));
    ck_assert_str_eq(database_text("SELECT value FROM fact WHERE name = 'addresses'"), "hashed");
    answers();
}
END_TEST

/* Who reads keeps the WAL: it is said, and done once nobody does. */
START_TEST(a_reader_puts_the_wiping_off)
{
    struct store *store;
    sqlite3 *reader;

    open_ledger(0);
    fill(0);
    ledger_close(&ledger);
    store = store_open(database_path, 0, &error);
    ck_assert_ptr_nonnull(store);
    ck_assert_int_eq(sqlite3_open(database_path, &reader), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(reader, "BEGIN; SELECT * FROM address", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(store_hide(store, database_path, 0, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "not wiped yet"));
    store_close(&store);
    sqlite3_close(reader);
    open_ledger(1);
    ck_assert(!names_somebody("") && !names_somebody("-wal"));
    answers();
}
END_TEST

/* Without a message a row takes room too: outsiders cannot fill the disk with them. */
START_TEST(what_is_kept_aside_stays_bounded)
{
    open_ledger(1);
    ledger_limit_aside(ledger, 5000, &message_limits_usual);
    for (int i = 0; i < 40; i++) {
        struct record *record = kept_aside();

        free(record->bytes);
        record->bytes = xasprintf("To: turtle@example.com\n\n%d\n", i);
        record->size = strlen(record->bytes);
        take(record);
    }
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hashed");
    TCase *tcase = tcase_create("hashed");

    if (!(rules = ruleset_load(NULL, NULL, &error)))
        return EXIT_FAILURE;
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_new_database_never_holds_an_address);
    tcase_add_test(tcase, a_person_is_erased);
    tcase_add_test(tcase, the_test_would_find_names);
    tcase_add_test(tcase, a_plain_one_is_converted_without_a_trace);
    tcase_add_test(tcase, triggers_have_no_say);
    tcase_add_test(tcase, both_ways_lead_to_the_same);
    tcase_add_test(tcase, there_is_no_way_back);
    tcase_add_test(tcase, the_key_is_the_owners_alone);
    tcase_add_test(tcase, without_its_key_it_is_not_opened);
    tcase_add_test(tcase, another_key_is_refused_to_all);
    tcase_add_test(tcase, a_reader_without_the_key_may_ask_what_names_nobody);
    tcase_add_test(tcase, wiping_that_was_broken_off_is_done_at_the_next_start);
    tcase_add_test(tcase, a_reader_puts_the_wiping_off);
    tcase_add_test(tcase, what_is_kept_aside_stays_bounded);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
