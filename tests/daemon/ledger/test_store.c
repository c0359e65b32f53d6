/* daemon/ledger/store and migrate: whose file it is, what a transaction
 * keeps, and that each row comes once. */
#include "config.h"

#include "daemon/ledger/store.h"

#include "base/embed.h"
#include "base/mem.h"
#include "daemon/ledger/aside.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/tally.h"
#include "tests/daemon/database.h"

#include <sys/stat.h>

extern const struct embedded schema_migrations[];

static struct store *store;
static struct error error;

static void setup(void)
{
    database_make();
    store = store_open(database_path, 0, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
}

static void teardown(void)
{
    store_close(&store);
    database_remove();
}

static void execute(const char *statements)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, statements, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void refuses_to_open(int strict, const char *why)
{
    ck_assert_ptr_null(store_open(database_path, strict, &error));
    ck_assert_msg(strstr(error.text, why) != NULL, "%s", error.text);
}

START_TEST(makes_a_durable_private_file)
{
    struct stat status;

    ck_assert_int_eq(stat(database_path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    ck_assert_str_eq(database_text("PRAGMA journal_mode"), "wal");
    ck_assert_int_eq(database_number("PRAGMA user_version"), migrate_newest());
    ck_assert_int_eq(database_number("PRAGMA application_id"), MIGRATE_APPLICATION_ID);
}
END_TEST

START_TEST(there_is_one_writer)
{
    refuses_to_open(0, "a suppressd is running with this database");
}
END_TEST

START_TEST(opens_again_and_keeps_what_was_there)
{
    int64_t id;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_address(store, "a@example.com", "A@example.com", "example.com", &id, &error), 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
    store_close(&store);
    store = store_open(database_path, 0, &error);
    ck_assert_ptr_nonnull(store);
    ck_assert_str_eq(database_text("SELECT given FROM address"), "A@example.com");
}
END_TEST

START_TEST(the_form_of_addresses_is_fixed)
{
    store_close(&store);
    refuses_to_open(1, "made with strict_local_part = no, which cannot be changed later");
}
END_TEST

START_TEST(other_files_are_left_alone)
{
    store_close(&store);
    execute("PRAGMA application_id = 7");
    refuses_to_open(0, "this is another program's database");
    execute("PRAGMA application_id = 0x73757064; PRAGMA user_version = 9999");
    refuses_to_open(0, "made by a newer suppressd");
    ck_assert_int_eq(database_number("PRAGMA user_version"), 9999);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_left_alone)
{
    char text[32] = "";
    FILE *file;

    store_close(&store);
    file = fopen(database_path, "w");
    fputs("this is not a database file, not at all, and it is long enough", file);
    fclose(file);
    refuses_to_open(0, "file is not a database");
    file = fopen(database_path, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
    fclose(file);
    ck_assert_int_eq(strncmp(text, "this is not a database", 22), 0);
}
END_TEST

START_TEST(a_rollback_leaves_nothing)
{
    int64_t id;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_address(store, "a@example.com", "a@example.com", "example.com", &id, &error), 0);
    store_rollback(store);
    ck_assert_int_eq(database_number("SELECT count(*) FROM address"), 0);
}
END_TEST

START_TEST(equal_texts_are_one_row)
{
    int64_t one, two, three;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_reply(store, "550 no", &one, &error), 0);
    ck_assert_int_eq(store_reply(store, "550 no!", &two, &error), 0);
    ck_assert_int_eq(store_reply(store, "550 no", &three, &error), 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_int_eq(one, three);
    ck_assert_int_ne(one, two);
}
END_TEST

static struct store_suppression suppression(const char *key, const char *stream, int64_t until)
{
    return (struct store_suppression){.key = key, .stream = stream, .reason = "moved", .origin = "manual",
                                      .note = "why", .who = "me", .since = 100, .until = until};
}

static const struct {
    const char *key, *stream; /* what is suppressed, until 200 */
    const char *asked_key, *asked_stream;
    int64_t now;
    int suppressed;
} cases[] = {
    {"a@x", "", "a@x", "", 150, 1},
    {"a@x", "", "a@x", "news", 150, 1},
    {"a@x", "news", "a@x", "news", 150, 1},
    {"a@x", "news", "a@x", "", 150, 0},
    {"a@x", "news", "a@x", "receipts", 150, 0},
    {"a@x", "", "b@x", "", 150, 0},
    {"a@x", "", "a@x", "", 200, 0},
};

START_TEST(suppressions_hold_for_key_stream_and_time)
{
    struct store_suppression s = suppression(cases[_i].key, cases[_i].stream, 200);

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_suppress(store, &s, &error), 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_int_eq(store_suppressed(store, cases[_i].asked_key, cases[_i].asked_stream, cases[_i].now, 0, &error),
                     cases[_i].suppressed);
}
END_TEST

START_TEST(every_change_stays_on_record)
{
    struct store_suppression s = suppression("a@x", "", 0);

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_suppress(store, &s, &error), 0);
    s.reason = "no-such-user";
    ck_assert_int_eq(store_suppress(store, &s, &error), 0);
    ck_assert_int_eq(store_release(store, "a@x", "", "you", "mistake", 300, &error), 1);
    ck_assert_int_eq(store_release(store, "a@x", "", "you", "again", 301, &error), 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    ck_assert_str_eq(database_text("SELECT group_concat(what || ' ' || reason || ' ' || who, ', ')"
                                   " FROM (SELECT * FROM change ORDER BY id)"),
                     "suppress moved me, suppress no-such-user me, release no-such-user you");
}
END_TEST

START_TEST(a_message_is_found_by_queue_id_then_by_message_id)
{
    const char *keys[] = {"a@x", "b@x", "a@x"};
    char *stream = NULL;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_add_sent(store, &(struct store_sent){100, "Q1", "m1@x", "news", keys, 3, 0, 0}, &error), 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_int_eq(store_sent_stream(store, "Q1", NULL, "a@x", &stream, &error), 1);
    ck_assert_str_eq(stream, "news");
    free(stream);
    ck_assert_int_eq(store_sent_stream(store, "Q9", "m1@x", "b@x", &stream, &error), 1);
    free(stream);
    ck_assert_int_eq(store_sent_stream(store, "Q1", "m1@x", "c@x", &stream, &error), 0);
    ck_assert_int_eq(store_sent_stream(store, NULL, NULL, "a@x", &stream, &error), 0);
}
END_TEST

static void keep_aside(int i)
{
    struct record *record = record_new(RECORD_ASIDE, i);

    record->bytes = xasprintf("%0100d", i);
    record->size = 100;
    record->packed = 100; /* as it came */
    record->hash = (uint64_t)i;
    ck_assert_int_eq(aside_keep(store_aside(store), record, 1000, &error), 0);
    record_free(&record);
}
static const struct {
    const char *what;
    struct {
        const char *id, *keys[2];
        size_t count;
        int several;
        int64_t tag;
    } sent[3];
    const char *ask_id;
    int64_t ask_tag;
    const char *only; /* NULL: nobody */
} journals[] = {
    {"by Message-ID", {{"m@x", {"a@x"}, 1, 0, 0}}, "m@x", 0, "a@x"},
    {"by tag", {{"m@x", {"a@x"}, 1, 0, 7}}, "", 7, "a@x"},
    {"by tag, where the id is unknown", {{"m@x", {"a@x"}, 1, 0, 7}}, "n@x", 7, "a@x"},
    {"a message without either", {{NULL, {"a@x"}, 1, 0, 0}}, "", 0, NULL},
    {"unknown", {{"m@x", {"a@x"}, 1, 0, 7}}, "n@x", 8, NULL},
    {"two in one message", {{"m@x", {"a@x", "b@x"}, 2, 0, 7}}, "m@x", 7, NULL},
    {"two in two messages", {{"m@x", {"a@x"}, 1, 0, 7}, {"m@x", {"b@x"}, 1, 0, 8}}, "m@x", 0, NULL},
    {"one in two messages", {{"m@x", {"a@x"}, 1, 0, 7}, {"m@x", {"a@x"}, 1, 0, 7}}, "m@x", 0, "a@x"},
    {"more than are remembered", {{"m@x", {"a@x"}, 1, 1, 7}}, "m@x", 7, NULL},
    {"more in the second message", {{"m@x", {"a@x"}, 1, 0, 7}, {"m@x", {"a@x"}, 1, 1, 8}}, "m@x", 0, NULL},
};

START_TEST(who_alone_was_sent_a_message)
{
    char *only = NULL;
    int64_t time = 0;

    ck_assert_int_eq(store_begin(store, &error), 0);
    for (int i = 0; i < 3 && journals[_i].sent[i].count; i++) {
        const struct store_sent sent = {
            .time = 100 + i, .queue_id = "Q", .message_id = journals[_i].sent[i].id, .stream = "",
            .keys = journals[_i].sent[i].keys, .count = journals[_i].sent[i].count,
            .several = journals[_i].sent[i].several, .tag = journals[_i].sent[i].tag};

        ck_assert_int_eq(store_add_sent(store, &sent, &error), 0);
    }
    ck_assert_msg(store_sent_only(store, journals[_i].ask_id, journals[_i].ask_tag, &only, &time, &error) ==
                  (journals[_i].only != NULL), "%s", journals[_i].what);
    if (journals[_i].only) {
        ck_assert_str_eq(only, journals[_i].only);
        ck_assert_int_ge(time, 100);
    }
    free(only);
    store_rollback(store);
}
END_TEST

START_TEST(pruning_forgets_the_old_and_the_excess)
{
    const char *keys[] = {"a@x"};
    int more;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_add_sent(store, &(struct store_sent){100, "Q1", NULL, "", keys, 1, 0, 0}, &error), 0);
    ck_assert_int_eq(store_add_sent(store, &(struct store_sent){200, "Q2", NULL, "", keys, 1, 0, 0}, &error), 0);
    for (int i = 0; i < 5; i++)
        keep_aside(i);
    while ((more = store_prune(store, 150, 250, &error)) > 0)
        ;
    ck_assert_int_eq(more, 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_str_eq(database_text("SELECT group_concat(queue_id) FROM sent"), "Q2");
    ck_assert_int_eq(database_number("SELECT count(*) FROM sent_recipient"), 1);
    ck_assert_str_eq(database_text("SELECT group_concat(time) FROM aside"), "3,4");
}
END_TEST

static void count(int64_t time, const char *domain, const char *action, int attempts, int reports)
{
    const struct bucket bucket = {.time = time, .provider = "google", .domain = domain, .stream = "news",
                                  .action = action, .reason = "no-such-user", .trusted = 1, .attempts = attempts,
                                  .reports = reports};

    ck_assert_int_eq(store_count(store, &bucket, &error), 0);
}

START_TEST(old_counts_lose_hour_and_domain_and_nothing_else)
{
    const char *sums = "SELECT group_concat(day || ' ' || action || ' ' || events || ' ' || attempts, ', ') FROM v_daily";
    char before[200];
    int folded, calls = 0;

    ck_assert_int_eq(store_begin(store, &error), 0);
    for (int hour = 0; hour < 60; hour++)
        for (int i = 0; i < 3; i++)
            count(hour * 3600, i ? "a.example" : "b.example", "failed", 2, 1);
    snprintf(before, sizeof(before), "%s", "1970-01-01 failed 216 144, 1970-01-02 failed 216 144, 1970-01-03 failed 108 72");
    while ((folded = store_fold(store, 30 * 3600, &error)) > 0)
        calls++;
    ck_assert_int_eq(folded, 0);
    ck_assert_int_eq(calls, 30);
    count(5 * 3600, "late.example", "failed", -1, 0); /* a correction that comes when its day has been folded */
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM rollup"), 30 * 2 + 1);
    ck_assert_str_eq(database_text("SELECT group_concat(day || ' ' || attempts || ' ' || reports, ', ') FROM rollup_day"),
                     "0 144 72, 86400 36 18");
    ck_assert_str_eq(database_text(sums), "1970-01-01 failed 215 143, 1970-01-02 failed 216 144, 1970-01-03 failed 108 72");
    ck_assert_int_eq(store_begin(store, &error), 0);
    count(5 * 3600, "late.example", "failed", 1, 0);
    ck_assert_int_eq(store_fold(store, 30 * 3600, &error), 1);
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_str_eq(database_text(sums), before);
}
END_TEST

static const struct store_event told = {
    .time = 7300, .recorded = 8000, .action = "failed", .reason = "no-such-user", .persistence = "permanent", .rule = "r",
    .provider = "google", .reporting_mta = "mx1.example.com", .message_key = "Q1", .message_id = "m1@x", .stream = "news",
    .source = "log", .evidence = "local", .trusted = 1, .decision = "none", .sentence = "why"};

/* Who asks, and whether it is the event above. */
static const struct {
    const char *message_key, *reporting_mta, *message_id, *action;
    int local, found;
} askers[] = {
    {"Q1", "mx1.example.com", NULL, "failed", 1, 1},
    {"Q1", "MX1", NULL, "failed", 1, 1},
    {"Q1", "mx1.example.com.lan", NULL, "failed", 1, 1},
    {"Q1", "mx", NULL, "failed", 1, 0},
    {"Q1", "mx2.example.com", NULL, "failed", 1, 0},
    {"Q1", "", NULL, "failed", 1, 0},
    {"Q1", "mx1.example.com", NULL, "delayed", 1, 0},
    {"Q2", "mx1.example.com", NULL, "failed", 1, 0},
    {"Q2", "mx1.example.com", "m1@x", "failed", 1, 0}, /* submitted twice */
    {"R1", "relay.example.net", "m1@x", "failed", 0, 1},
    {"R1", "relay.example.net", "m2@x", "failed", 0, 0},
};

START_TEST(a_result_is_found_by_who_tells_of_it_again)
{
    struct store_event event = told;
    struct store_known known = {0};
    int64_t id;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_address(store, "a@x", "a@x", "x", &event.address, &error), 0);
    ck_assert_int_eq(store_ruleset(store, "v1", 1, &event.ruleset, &error), 0);
    ck_assert_int_eq(store_add_event(store, &event, &id, &error), 0);
    event.message_key = askers[_i].message_key;
    event.reporting_mta = askers[_i].reporting_mta;
    event.message_id = askers[_i].message_id;
    event.action = askers[_i].action;
    ck_assert_int_eq(store_find_event(store, &event, askers[_i].local, &known, &error), askers[_i].found);
    if (askers[_i].found) {
        ck_assert_int_eq(known.id, id);
        ck_assert_str_eq(known.event.sentence, "why");
        ck_assert_str_eq(known.reply, "");
        ck_assert_str_eq(known.event.message_key, "Q1");
    }
    store_known_clear(&known);
    store_rollback(store);
}
END_TEST

START_TEST(kinds_of_witnesses_are_kept_once_each)
{
    struct store_event event = told;
    int64_t id;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_address(store, "a@x", "a@x", "x", &event.address, &error), 0);
    ck_assert_int_eq(store_ruleset(store, "v1", 1, &event.ruleset, &error), 0);
    ck_assert_int_eq(store_add_event(store, &event, &id, &error), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(store_add_witness(store, id, "milter", "local", &error), 0);
        ck_assert_int_eq(store_add_witness(store, id, "log", "local", &error), 0);
        ck_assert_int_eq(store_add_witness(store, id, "milter", "unproven", &error), 0);
    }
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_str_eq(database_text("SELECT witnesses || ' ' || told_by FROM event"),
                     "10 log/local, milter/local, milter/unproven");
}
END_TEST

/* A database of before counts what it knows. */
START_TEST(a_migration_counts_the_events_that_are_there)
{
    store_close(&store);
    database_remove();
    database_make();
    for (int i = 0; i < 4; i++)
        execute(schema_migrations[i].text);
    execute("PRAGMA application_id = 0x73757064; PRAGMA user_version = 4; PRAGMA journal_mode = WAL;"
            "INSERT INTO ruleset VALUES (1, 'v', 0); INSERT INTO address VALUES (1, 'a@x', 'a@x', 'x'), (2, 'b@x', 'b@x', 'x');"
            "INSERT INTO event (time, recorded, address, action, reason, persistence, ruleset, reporting_mta, message_key,"
            " stream, source, evidence, trusted, decision, sentence) VALUES"
            " (7300, 0, 1, 'failed', 'moved', 'permanent', 1, 'm', 'Q1', 's', 'log', 'local', 1, 'none', ''),"
            " (7400, 0, 2, 'failed', 'moved', 'permanent', 1, 'm', 'Q1', 's', 'milter', 'unproven', 0, 'none', ''),"
            " (7500, 0, 2, 'failed', 'moved', 'permanent', 1, 'm', 'Q2', 's', 'milter', 'local', 1, 'none', ''),"
            " (7600, 0, 2, 'delayed', 'moved', 'transient', 1, 'm', 'Q2', 's', 'milter', 'local', 1, 'none', '')");
    store = store_open(database_path, 0, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
    ck_assert_str_eq(database_text("SELECT group_concat(hour || domain || action || trusted || attempts || reports) FROM"
                                   " (SELECT * FROM rollup ORDER BY action, trusted)"),
                     "7200xdelayed101,7200xfailed001,7200xfailed120");
    ck_assert_str_eq(database_text("SELECT group_concat(action || trusted || events || recipients) FROM"
                                   " (SELECT * FROM v_daily ORDER BY action, trusted)"),
                     "delayed111,failed011,failed122");
    ck_assert_str_eq(database_text("SELECT group_concat(told_by) FROM event"),
                     "log/local,milter/unproven,milter/local,milter/local");
}
END_TEST

START_TEST(the_taxonomy_can_be_joined)
{
    ck_assert_str_eq(database_text("SELECT hygiene FROM reason WHERE name = 'no-such-user'"), "suppress");
    ck_assert_int_gt(database_number("SELECT count(*) FROM reason"), 40);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/store");
    TCase *tc = tcase_create("store");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, makes_a_durable_private_file);
    tcase_add_test(tc, there_is_one_writer);
    tcase_add_test(tc, opens_again_and_keeps_what_was_there);
    tcase_add_test(tc, the_form_of_addresses_is_fixed);
    tcase_add_test(tc, other_files_are_left_alone);
    tcase_add_test(tc, a_file_that_is_no_database_is_left_alone);
    tcase_add_test(tc, a_rollback_leaves_nothing);
    tcase_add_test(tc, equal_texts_are_one_row);
    tcase_add_loop_test(tc, suppressions_hold_for_key_stream_and_time, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, every_change_stays_on_record);
    tcase_add_test(tc, a_message_is_found_by_queue_id_then_by_message_id);
    tcase_add_loop_test(tc, who_alone_was_sent_a_message, 0, sizeof(journals) / sizeof(journals[0]));
    tcase_add_test(tc, pruning_forgets_the_old_and_the_excess);
    tcase_add_test(tc, old_counts_lose_hour_and_domain_and_nothing_else);
    tcase_add_loop_test(tc, a_result_is_found_by_who_tells_of_it_again, 0, sizeof(askers) / sizeof(askers[0]));
    tcase_add_test(tc, kinds_of_witnesses_are_kept_once_each);
    tcase_add_test(tc, a_migration_counts_the_events_that_are_there);
    tcase_add_test(tc, the_taxonomy_can_be_joined);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
