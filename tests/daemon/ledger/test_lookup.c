/* daemon/ledger/lookup: read-only answers, and the pool that lends them. */
#include "config.h"

#include "daemon/ledger/lookup.h"

#include "daemon/ledger/record.h"
#include "daemon/ledger/store.h"
#include "tests/daemon/database.h"

static struct store *store;
static struct lookup *lookup;
static struct error error;

static void suppress(const char *key, const char *stream, const char *reason, int64_t until)
{
    struct store_suppression s = {.key = key, .stream = stream, .reason = reason, .origin = "manual",
                                  .note = "n", .who = "me", .since = 100, .until = until};

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_suppress(store, &s, &error), 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
}

static void setup(void)
{
    database_make();
    store = store_open(database_path, 0, &error);
    ck_assert_ptr_nonnull(store);
    lookup = lookup_open(database_path, &error);
    ck_assert_msg(lookup != NULL, "%s", error.text);
    suppress("a@x.example", "", "moved", 0);
    suppress("b@x.example", "news", "moved", 0);
    suppress("c@x.example", "", "no-such-user", 200);
    suppress("@gone.example", "", "no-such-domain", 0);
}

static void teardown(void)
{
    lookup_close(&lookup);
    store_close(&store);
    database_remove();
}

static const struct {
    const char *key, *domain, *stream, *matched; /* NULL: not suppressed */
    int64_t now;
} cases[] = {
    {"a@x.example", "x.example", "", "a@x.example", 150},
    {"a@x.example", "x.example", "news", "a@x.example", 150},
    {"b@x.example", "x.example", "news", "b@x.example", 150},
    {"b@x.example", "x.example", "receipts", NULL, 150},
    {"c@x.example", "x.example", "", "c@x.example", 199},
    {"c@x.example", "x.example", "", NULL, 200},
    {"who@gone.example", "gone.example", "", "@gone.example", 150},
    {"who@sub.gone.example", "sub.gone.example", "", NULL, 150},
    {"z@x.example", "x.example", "", NULL, 150},
};

START_TEST(knows_who_is_refused)
{
    struct suppressed suppressed;
    int found = lookup_suppressed(lookup, cases[_i].key, cases[_i].domain, cases[_i].stream,
                                  cases[_i].now, &suppressed, &error);

    ck_assert_int_eq(found, cases[_i].matched != NULL);
    if (found)
        ck_assert_str_eq(suppressed.recipient, cases[_i].matched);
}
END_TEST

/* One key with 300,000 streams, none of which is asked for. */
START_TEST(a_lookup_ends_at_its_limit)
{
    struct suppressed suppressed;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
                                  "INSERT INTO suppression (key, stream, reason, since, until, origin, event, note) SELECT 'many@x.example', i, 'moved', 100, NULL, 'manual', NULL, '' FROM n",
                                  NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    lookup_limit(lookup, 1);
    ck_assert_int_eq(lookup_suppressed(lookup, "many@x.example", "x.example", "", 150, &suppressed, &error), -1);
    ck_assert_msg(strstr(error.text, "interrupted") != NULL, "%s", error.text);
    ck_assert_int_eq(lookup_suppressed(lookup, "a@x.example", "x.example", "", 150, &suppressed, &error), 1);
    lookup_limit(lookup, 60000);
    ck_assert_int_eq(lookup_suppressed(lookup, "many@x.example", "x.example", "", 150, &suppressed, &error), 0);
}
END_TEST

START_TEST(sees_what_was_committed_a_moment_ago)
{
    struct suppressed suppressed;

    ck_assert_int_eq(lookup_suppressed(lookup, "a@x.example", "x.example", "", 150, &suppressed, &error), 1);
    suppress("new@x.example", "", "moved", 0);
    ck_assert_int_eq(lookup_suppressed(lookup, "new@x.example", "x.example", "", 150, &suppressed, &error), 1);
    ck_assert_str_eq(suppressed.reason, "moved");
}
END_TEST

static int collect(const struct suppressed *suppressed, void *context)
{
    strcat(context, suppressed->recipient);
    strcat(context, " ");
    return 0;
}

START_TEST(lists_by_recipient)
{
    char all[200] = "", some[200] = "";

    ck_assert_int_eq(lookup_list(lookup, NULL, 300, collect, all, &error), 0);
    ck_assert_str_eq(all, "@gone.example a@x.example b@x.example ");
    ck_assert_int_eq(lookup_list(lookup, "moved", 150, collect, some, &error), 0);
    ck_assert_str_eq(some, "a@x.example b@x.example ");
}
END_TEST

START_TEST(cannot_write)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open_v2(database_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM suppression", NULL, NULL, NULL), SQLITE_READONLY);
    sqlite3_close(db);
}
END_TEST

START_TEST(totals_are_of_what_is_in_force)
{
    struct lookup_totals totals;

    ck_assert_int_eq(lookup_totals(lookup, 300, &totals, &error), 0);
    ck_assert_int_eq(totals.suppressions, 3);
    ck_assert_int_eq(totals.events, 0);
    ck_assert_int_eq(totals.aside, 0);
}
END_TEST

START_TEST(a_missing_database_is_an_error)
{
    ck_assert_ptr_null(lookup_open("/nonexistent/suppressd.db", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "database /nonexistent/suppressd.db: open: unable to open"));
}
END_TEST

START_TEST(an_empty_database_is_an_error)
{
    char path[160];
    FILE *file;

    snprintf(path, sizeof(path), "%s/empty.db", database_dir);
    file = fopen(path, "w");
    fclose(file);
    ck_assert_ptr_null(lookup_open(path, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "this is not a suppressd database"));
    unlink(path);
}
END_TEST

START_TEST(the_pool_lends_a_connection_again_unless_it_is_broken)
{
    struct lookup_pool *pool = lookup_pool_new(database_path);
    struct lookup *one = lookup_pool_take(pool, &error), *two = lookup_pool_take(pool, &error);

    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_nonnull(two);
    ck_assert_ptr_ne(one, two);
    lookup_pool_give(pool, one, 0);
    ck_assert_ptr_eq(lookup_pool_take(pool, &error), one);
    lookup_pool_give(pool, one, 0);
    lookup_pool_give(pool, two, 1);
    lookup_pool_free(&pool);
    ck_assert_ptr_null(pool);
}
END_TEST

static void sum_up(const struct past_unclassified *reply, void *context)
{
    char *text = context;

    sprintf(text + strlen(text), "%s|%s|%s|%s|%lld|%lld-%lld ", reply->reply, reply->status, reply->remote_mta,
            reply->domain, (long long)reply->count, (long long)reply->first, (long long)reply->last);
}

START_TEST(unclassified_replies_are_told_with_each_recipient)
{
    char text[400] = "";

    database_text("INSERT INTO ruleset VALUES (1, 'v', 1)");
    database_text("INSERT INTO address VALUES (1, 'a@x.example', 'a@x.example', 'x.example')");
    database_text("INSERT INTO reply VALUES (1, 5, '550 Nope')");
    for (int i = 0; i < 4; i++) {
        char query[600];

        snprintf(query, sizeof(query),
                 "INSERT INTO event (time, recorded, address, action, reason, persistence, ruleset, reply,"
                 " reporting_mta, message_key, stream, source, evidence, trusted, decision, sentence, status)"
                 " VALUES (%d, 1, 1, '%s', '%s', 'none', 1, 1, 'm', 'k%d', '', 'log', 'local', 1, 'none', '', '5.0.0')",
                 100 + i, i == 2 ? "delivered" : "failed", i == 3 ? "policy" : "unclassified", i);
        database_text(query);
    }
    ck_assert_int_eq(lookup_unclassified(lookup, 0, sum_up, text, &error), 0);
    ck_assert_str_eq(text, "550 Nope|5.0.0||x.example|2|100-101 ");
    text[0] = '\0';
    ck_assert_int_eq(lookup_unclassified(lookup, 101, sum_up, text, &error), 0);
    ck_assert_str_eq(text, "550 Nope|5.0.0||x.example|1|101-101 ");
    ck_assert_int_eq(database_number("SELECT events FROM v_unclassified WHERE recipients = 1 AND last = 101"), 2);
}
END_TEST

static void put_position(const char *log, uint64_t since, uint64_t offset, uint64_t head_length, int64_t now)
{
    const struct log_position position = {.inode = 7, .since = since, .offset = offset, .head_length = head_length,
                                          .head_hash = UINT64_MAX, .cursor = "s=1;i=2"};

    ck_assert_int_eq(store_begin(store, &error), 0);
    ck_assert_int_eq(store_put_position(store, log, &position, now, &error), 0);
    ck_assert_int_eq(store_commit(store, &error), 0);
}

START_TEST(knows_how_far_logs_were_read)
{
    struct log_position position, *rows;
    size_t count;

    ck_assert_int_eq(lookup_position(lookup, "log", &position, &error), 0);
    put_position("log", 5, 50, 20, 100);
    put_position("log", 5, 90, 20, 200);
    put_position(NULL, 0, 5, 20, 300); /* the part before, ingested */
    put_position("log", 0, 0, 20, 400); /* nothing read of it yet */
    ck_assert_int_eq(lookup_position(lookup, "log", &position, &error), 1);
    ck_assert(position.inode == 7 && position.since == 0 && position.offset == 0 && position.time == 400);
    ck_assert(position.head_hash == UINT64_MAX);
    ck_assert_str_eq(position.cursor, "s=1;i=2");
    ck_assert_int_eq(lookup_log_read(lookup, &rows, &count, &error), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert(rows[0].since == 0 && rows[0].offset == 5 && rows[1].since == 5 && rows[1].offset == 90);
    ck_assert(rows[1].head_hash == UINT64_MAX && rows[1].head_length == 20);
    free(rows);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/lookup");
    TCase *tc = tcase_create("lookup");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, knows_who_is_refused, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, a_lookup_ends_at_its_limit);
    tcase_add_test(tc, sees_what_was_committed_a_moment_ago);
    tcase_add_test(tc, lists_by_recipient);
    tcase_add_test(tc, cannot_write);
    tcase_add_test(tc, totals_are_of_what_is_in_force);
    tcase_add_test(tc, unclassified_replies_are_told_with_each_recipient);
    tcase_add_test(tc, a_missing_database_is_an_error);
    tcase_add_test(tc, an_empty_database_is_an_error);
    tcase_add_test(tc, the_pool_lends_a_connection_again_unless_it_is_broken);
    tcase_add_test(tc, knows_how_far_logs_were_read);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
