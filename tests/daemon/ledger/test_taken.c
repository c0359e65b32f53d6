/* daemon/ledger/taken: what it says is what a plain table would say, across
 * commits, rollbacks, restarts and whatever goes to its place when. */
#include "config.h"

#include "daemon/ledger/taken.h"

#include "daemon/ledger/store.h"
#include "tests/daemon/database.h"

#define ADDRESSES 40000
#define STEPS 250
#define GONE INT64_MIN

static uint64_t random_state;
static struct error error;
static struct store *store;
static int64_t model[ADDRESSES], committed[ADDRESSES];

static int number(int limit)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (unsigned)limit);
}

/* All over the range, both signs. */
static uint64_t hash_of(int i)
{
    return ((uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void open_store(void)
{
    ck_assert_msg((store = store_open(database_path, 0, &error)) != NULL, "%s", error.text);
}

static void setup(void)
{
    database_make();
    open_store();
    random_state = 11;
    for (int i = 0; i < ADDRESSES; i++)
        model[i] = committed[i] = GONE;
}

static void teardown(void)
{
    store_close(&store);
    database_remove();
}

static void must(int result)
{
    ck_assert_msg(result >= 0, "%s", error.text);
}

static void compare(int i)
{
    int64_t day = GONE;
    int found = taken_find(store_taken(store), hash_of(i), &day, &error);

    must(found);
    ck_assert_int_eq(found, model[i] != GONE);
    ck_assert(!found || day == model[i]);
}

static void change(int i)
{
    if (number(8)) {
        model[i] = 20000 + number(500);
        must(taken_put(store_taken(store), hash_of(i), model[i], &error));
    } else {
        model[i] = GONE;
        must(taken_drop(store_taken(store), hash_of(i), &error));
    }
}

/* Of count addresses, known beforehand or not, in a row or all over. */
static void change_many(int count)
{
    int first = number(ADDRESSES), step = number(2) ? 1 : 7919, expected = number(3);
    uint64_t hashes[64];

    for (int done = 0; done < count; done += 64) {
        for (int i = 0; i < 64; i++)
            hashes[i] = hash_of((first + (done + i) * step) % ADDRESSES);
        if (expected)
            must(taken_expect(store_taken(store), hashes, 64, &error));
        for (int i = 0; i < 64; i++) {
            compare((first + (done + i) * step) % ADDRESSES);
            change((first + (done + i) * step) % ADDRESSES);
        }
    }
    for (int i = 0; i < 200; i++)
        compare(number(ADDRESSES));
}

static void begin(void)
{
    must(store_begin(store, &error));
}

static void commit(void)
{
    must(store_commit(store, &error));
    memcpy(committed, model, sizeof(model));
}

static void end(void)
{
    if (number(4)) {
        commit();
    } else {
        store_rollback(store);
        memcpy(model, committed, sizeof(model));
    }
    if (!number(4)) {
        store_close(&store);
        open_store();
    }
}

static long rows(const char *table)
{
    char query[80];

    snprintf(query, sizeof(query), "SELECT count(*) FROM %s", table);
    return database_number(query);
}

/* The table is the model, and nothing is left beside it. */
static void compare_table(void)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;
    long known = 0;

    begin();
    must(taken_settle(store_taken(store), &error));
    commit();
    ck_assert_int_eq(rows("taken_lately"), 0);
    ck_assert_int_eq(sqlite3_open_v2(database_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT day FROM taken WHERE hash = ?1", -1, &stmt, NULL), SQLITE_OK);
    for (int i = 0; i < ADDRESSES; i++) {
        sqlite3_bind_int64(stmt, 1, (int64_t)hash_of(i));
        ck_assert_int_eq(sqlite3_step(stmt), model[i] == GONE ? SQLITE_DONE : SQLITE_ROW);
        ck_assert(model[i] == GONE || sqlite3_column_int64(stmt, 0) == model[i]);
        known += model[i] != GONE;
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    ck_assert_int_eq(rows("taken"), known);
}

START_TEST(it_says_what_a_plain_table_would)
{
    int lately = 0;

    for (int step = 0; step < STEPS; step++) {
        begin();
        change_many(number(3) ? 1 + number(TAKEN_FEW) : number(8000));
        if (!number(40))
            must(taken_settle(store_taken(store), &error));
        end();
        lately += rows("taken_lately") > 0;
    }
    ck_assert_int_gt(lately, STEPS / 10);
    compare_table();
}
END_TEST

START_TEST(a_few_go_to_their_place_at_once)
{
    begin();
    for (int i = 0; i < TAKEN_FEW; i++)
        must(taken_put(store_taken(store), hash_of(i), 20000, &error));
    commit();
    ck_assert_int_eq(rows("taken"), TAKEN_FEW);
    ck_assert_int_eq(rows("taken_lately"), 0);
}
END_TEST

START_TEST(what_came_in_bulk_follows_when_little_comes)
{
    int commits = 0;

    begin();
    for (int i = 0; i < ADDRESSES; i++)
        must(taken_put(store_taken(store), hash_of(i), 20000, &error));
    commit();
    ck_assert_int_eq(rows("taken"), 0);
    ck_assert_int_eq(rows("taken_lately"), TAKEN_PARTS);
    while (rows("taken_lately") && commits++ <= TAKEN_PARTS) {
        begin();
        must(taken_put(store_taken(store), hash_of(commits), 20001, &error));
        commit();
    }
    ck_assert_int_eq(rows("taken"), ADDRESSES);
    ck_assert_int_eq(rows("taken_lately"), 0);
}
END_TEST

START_TEST(memory_is_bounded)
{
    enum { MORE = TAKEN_MAX + TAKEN_MAX / 4 };
    long kept;

    for (int i = 0; i < MORE;) {
        begin();
        for (int end = i + 20000; i < end; i++)
            must(taken_put(store_taken(store), hash_of(i), 20000, &error));
        must(store_commit(store, &error));
        kept = database_number("SELECT sum(length(bytes)) / 12 FROM taken_lately");
        ck_assert_int_le(kept, TAKEN_MAX);
    }
    ck_assert_int_ge(rows("taken") + kept, MORE);
    ck_assert_int_gt(rows("taken"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("taken");
    TCase *tcase = tcase_create("taken");

    tcase_set_timeout(tcase, 240);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, it_says_what_a_plain_table_would);
    tcase_add_test(tcase, a_few_go_to_their_place_at_once);
    tcase_add_test(tcase, what_came_in_bulk_follows_when_little_comes);
    tcase_add_test(tcase, memory_is_bounded);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
