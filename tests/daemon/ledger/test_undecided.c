/* daemon/ledger/undecided: it may never say no of a recipient that is held. */
#include "config.h"

#include "daemon/ledger/undecided.h"

#include "daemon/ledger/store.h"
#include "daemon/ledger/veil.h"
#include "tests/daemon/database.h"

#define KEYS 24
#define STEPS 30000
#define HISTORIES 1
#define STEPS_OF_HISTORY 100

static uint64_t random_state;
static struct error error;

static int number(int limit)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((random_state >> 33) % (unsigned)limit);
}

/* The first four are domains. */
static const char *key_of(int i)
{
    static char keys[2][40];
    static int turn;

    turn = !turn;
    snprintf(keys[turn], sizeof(keys[turn]), i < 4 ? "@d%d.example" : "u%d@d%d.example", i, i % 4);
    return keys[turn];
}

static void setup(void)
{
    struct store *store;

    database_make();
    ck_assert_msg((store = store_open(database_path, 0, &error)) != NULL, "%s", error.text);
    store_close(&store);
    random_state = 7;
}

static void teardown(void)
{
    database_remove();
}

/* ------------------------------------------------------ whatever writes it */

static sqlite3 *db;
static struct undecided *undecided;
static struct veil *veil;

static void open_all(void)
{
    veil = veil_new();
    ck_assert_int_eq(sqlite3_open_v2(database_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_msg((undecided = undecided_open(db, veil, &error)) != NULL, "%s", error.text);
}

static void close_all(void)
{
    undecided_close(&undecided);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    veil_free(&veil);
}

static void run(const char *sql)
{
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

static int is_held(const char *key)
{
    sqlite3_stmt *stmt;
    int held;

    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT 1 FROM held WHERE key = ?1 AND state IN ('held', 'waiting')", -1,
                                        &stmt, NULL), SQLITE_OK);
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    held = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return held;
}

static void write_somehow(int key)
{
    static const char *const states[] = {"held", "waiting", "confirmed", "dropped"};
    static const char *const ways[] = {
        "INSERT OR IGNORE INTO held VALUES (?1, ?2, '', 'no-such-user', 1, NULL, NULL, 0, NULL, '', 0, 1, 1, ?3, 1)",
        "INSERT OR REPLACE INTO held VALUES (?1, ?2, '', 'no-such-user', 1, NULL, NULL, 0, NULL, '', 0, 1, 1, ?3, 1)",
        "INSERT INTO held VALUES (?1, ?2, '', 'no-such-user', 1, NULL, NULL, 0, NULL, '', 0, 1, 1, ?3, 1)"
        " ON CONFLICT DO UPDATE SET failures = failures + 1, state = excluded.state",
        "UPDATE held SET state = ?3 WHERE key = ?2",
        "UPDATE OR REPLACE held SET key = ?2 WHERE incident = ?1 AND state = ?3",
        "DELETE FROM held WHERE incident = ?1 AND key = ?2 AND state = ?3",
    };
    sqlite3_stmt *stmt;

    ck_assert_int_eq(sqlite3_prepare_v2(db, ways[number(6)], -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_int(stmt, 1, 1 + number(3));
    sqlite3_bind_text(stmt, 2, key_of(key), -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 3, states[number(4)], -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
}

START_TEST(it_never_says_no_of_one_that_is_held)
{
    int held = 0, refused = 0, ever[KEYS] = {0};

    open_all();
    run("PRAGMA foreign_keys = OFF; BEGIN");
    for (int i = 0; i < STEPS; i++) {
        int key = number(KEYS - 6), what = number(100);

        ever[key] = 1;
        write_somehow(key);
        if (what < 4) {
            run(what < 2 ? "COMMIT; BEGIN" : "ROLLBACK; BEGIN");
        } else if (what < 6) {
            run(what < 5 ? "COMMIT" : "ROLLBACK");
            close_all();
            open_all();
            run("PRAGMA foreign_keys = OFF; BEGIN");
        }
        key = number(KEYS);
        if (is_held(key_of(key))) {
            ck_assert_int_eq(undecided_may_be(undecided, key_of(key)), 1);
            held++;
        }
        refused += !ever[key] && !undecided_may_be(undecided, key_of(key));
    }
    ck_assert_int_gt(held, STEPS / 10);
    ck_assert_int_gt(refused, STEPS / 10); /* of those who never were it says no */
    run("COMMIT");
    close_all();
}
END_TEST

START_TEST(of_too_many_it_says_yes_to_all)
{
    open_all();
    run("PRAGMA foreign_keys = OFF; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
        " INSERT INTO held SELECT 1, 'u' || i || '@example.com', '', 'no-such-user', 1, NULL, NULL, 0, NULL, '', 0, 1, 1,"
        " 'held', 1 FROM n WHERE i <= 40000");
    ck_assert_int_eq(undecided_may_be(undecided, "other@example.com"), 0);
    ck_assert_int_eq(undecided_may_be(undecided, "u40000@example.com"), 1);
    run("UPDATE held SET key = 'v' || key");
    ck_assert_int_eq(undecided_may_be(undecided, "vu1@example.com"), 1);
    ck_assert_int_eq(undecided_may_be(undecided, "other@example.com"), 1);
    close_all();
}
END_TEST

START_TEST(under_a_veil_it_knows_who_is_held)
{
    static const unsigned char key[HMAC_KEY_SIZE] = {1, 2, 3};
    char *hidden = NULL, *sql;

    open_all();
    veil_close(veil, key, 0);
    ck_assert_int_eq(veil_text(veil, "u1@example.com", &hidden, &error), 1);
    run("PRAGMA foreign_keys = OFF");
    sql = sqlite3_mprintf("INSERT INTO held VALUES (1, %Q, '', 'no-such-user', 1, NULL, NULL, 0, NULL, '', 0, 1, 1, 'held',"
                          " 1)", hidden);
    run(sql);
    sqlite3_free(sql);
    ck_assert_int_eq(undecided_may_be(undecided, "u1@example.com"), 1);
    ck_assert_int_eq(undecided_may_be(undecided, "u2@example.com"), 0);
    free(hidden);
    close_all();
}
END_TEST

START_TEST(a_table_that_cannot_be_read_opens_nothing)
{
    open_all();
    run("ALTER TABLE held RENAME COLUMN state TO condition");
    undecided_close(&undecided);
    run("DROP TRIGGER held_added; DROP TRIGGER held_changed");
    ck_assert_ptr_null(undecided = undecided_open(db, veil, &error));
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

/* ------------------------------------------------------------- by the store */

static struct store *store;
static int64_t incident, now;

static void must(int result)
{
    ck_assert_msg(result >= 0, "%s", error.text);
}

static void open_incident(void)
{
    const struct store_incident one = {.kind = "provider-outage", .scope = "domain", .name = "d1.example", .begun = now,
                                       .opened = now, .failures = 9, .usual = 1};

    must(store_add_incident(store, &one, &incident, &error));
    must(store_hold_since(store, incident, now - 100, "[\"no-such-user\"]", now, &error));
}

/* A failure of the incident's domain, with an event that it rests on. */
static void suppress(const char *key, int held)
{
    const char *domain = strchr(key, '@') + 1;
    char message[32];
    struct store_event event = {.time = now, .recorded = now, .action = "failed", .reason = "no-such-user",
        .persistence = "permanent", .reporting_mta = "mx", .message_key = message, .stream = "", .source = "milter",
        .evidence = "local", .decision = "suppress", .sentence = "", .trusted = 1};
    struct store_suppression suppression = {.key = key, .stream = "", .reason = "no-such-user", .origin = "automatic",
        .note = "", .who = "hygiene", .since = now, .policy = "taxonomy"};

    snprintf(message, sizeof(message), "%lld", (long long)now);
    must(store_ruleset(store, "test", now, &event.ruleset, &error));
    must(store_address(store, key, key, domain, &event.address, &error));
    must(store_add_event(store, &event, &suppression.event, &error));
    must(held ? store_hold(store, incident, &suppression, now, &error) : store_suppress(store, &suppression, &error));
}

static void do_something(void)
{
    const char *key = key_of(number(KEYS));

    now++;
    switch (number(8)) {
    case 0:
        open_incident();
        break;
    case 1:
    case 2:
    case 3:
        suppress(key, incident && number(2));
        break;
    case 4:
        must(store_held_failed(store, key, "", now, &error));
        break;
    case 5:
        must(store_close_incident(store, 1 + number((int)incident + 1), now - number(50), "ann", now, &error));
        break;
    case 6:
        must(store_rollback_incident(store, 1 + number((int)incident + 1), "[\"no-such-user\"]", 0, now, "ann", now,
                                     &error));
        break;
    default:
        must(store_held_drop(store, key, "@d1.example", number(30), "changed", now, &error));
    }
}

/* Another program while none runs, or an undo of which this room knows nothing. */
static void write_from_outside(void)
{
    char sql[300];

    open_all();
    snprintf(sql, sizeof(sql), "UPDATE held SET state = 'waiting' WHERE key = '%s'", key_of(number(KEYS)));
    run(sql);
    close_all();
}

static void begin(void)
{
    must(store_begin(store, &error));
}

static void end(void)
{
    int64_t highest = incident;

    if (number(4)) {
        must(store_commit(store, &error));
    } else {
        store_rollback(store);
        incident = database_number("SELECT coalesce(max(id), 0) FROM incident");
        ck_assert_int_le(incident, highest);
    }
    if (number(5))
        return;
    store_close(&store);
    if (number(2))
        write_from_outside();
    ck_assert_ptr_nonnull(store = store_open(database_path, 0, &error));
}

/* Whoever takes mail is not held any more. */
static int deliver(int key)
{
    char sql[200];
    long held;

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM held WHERE key = '%s' AND state IN ('held', 'waiting')", key_of(key));
    held = database_number(sql);
    now++;
    begin();
    must(store_held_delivered(store, key_of(key), now, now, &error));
    must(store_commit(store, &error));
    ck_assert_int_eq(database_number(sql), 0);
    return held > 0;
}

START_TEST(whoever_takes_mail_is_held_no_more)
{
    int dropped = 0;

    for (int i = 0; i < HISTORIES; i++) {
        ck_assert_ptr_nonnull(store = store_open(database_path, 0, &error));
        for (int step = 0; step < STEPS_OF_HISTORY; step++) {
            begin();
            for (int n = number(4); n >= 0; n--)
                do_something();
            end();
            dropped += deliver(number(KEYS));
        }
        store_close(&store);
    }
    ck_assert_int_gt(dropped, HISTORIES * STEPS_OF_HISTORY / 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("undecided");
    TCase *tcase = tcase_create("undecided");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, it_never_says_no_of_one_that_is_held);
    tcase_add_test(tcase, of_too_many_it_says_yes_to_all);
    tcase_add_test(tcase, under_a_veil_it_knows_who_is_held);
    tcase_add_test(tcase, a_table_that_cannot_be_read_opens_nothing);
    tcase_add_test(tcase, whoever_takes_mail_is_held_no_more);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
