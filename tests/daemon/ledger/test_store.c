/* daemon/ledger/store and migrate: whose file it is, what a transaction
 * keeps, and that each row comes once. */
#include "config.h"

#include "daemon/ledger/store.h"

#include "daemon/ledger/migrate.h"
#include "tests/daemon/database.h"

#include <sys/stat.h>

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
    ck_assert_int_eq(store_suppressed(store, cases[_i].asked_key, cases[_i].asked_stream, cases[_i].now, &error),
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
    ck_assert_int_eq(store_add_sent(store, 100, "Q1", "m1@x", "s@us", "news", keys, 3, &error), 0);
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

START_TEST(pruning_forgets_the_old_and_the_excess)
{
    const char *keys[] = {"a@x"};
    char bytes[100] = "";
    int more;

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_add_sent(store, 100, "Q1", NULL, "s@us", "", keys, 1, &error), 0);
    ck_assert_int_eq(store_add_sent(store, 200, "Q2", NULL, "s@us", "", keys, 1, &error), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(store_keep_aside(store, i, "milter", "unproven", "p", "s", bytes, sizeof(bytes), &error), 0);
    while ((more = store_prune(store, 150, 250, &error)) > 0)
        ;
    ck_assert_int_eq(more, 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
    ck_assert_str_eq(database_text("SELECT group_concat(queue_id) FROM sent"), "Q2");
    ck_assert_int_eq(database_number("SELECT count(*) FROM sent_recipient"), 1);
    ck_assert_str_eq(database_text("SELECT group_concat(time) FROM aside"), "3,4");
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
    tcase_add_test(tc, pruning_forgets_the_old_and_the_excess);
    tcase_add_test(tc, the_taxonomy_can_be_joined);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
