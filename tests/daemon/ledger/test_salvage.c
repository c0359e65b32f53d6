/* daemon/ledger/salvage, and pages, cell and tree below it: a database of 50,000
 * recipients with real damage; how much of it comes back, and that nothing comes
 * back that was not there. */
#include "config.h"

#include "daemon/ledger/salvage.h"

#include "base/mem.h"
#include "daemon/ledger/cell.h"
#include "daemon/ledger/migrate.h"
#include "daemon/ledger/store.h"
#include "tests/daemon/database.h"

#include <sys/stat.h>

#define PAGE 4096
#define SERIES "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 50000) "
#define WHO "'person' || i || '@domain' || (i % 500) || '.example'"

static const char content[] =
    "BEGIN;"
    "INSERT INTO fact VALUES ('address_form', 'folded');"
    "INSERT INTO ruleset VALUES (1, 'v1', 5);"
    "INSERT INTO address (id, key, given, domain) " SERIES
    "SELECT i, " WHO ", 'P' || i, 'domain' || (i % 500) || '.example' FROM s;"
    "INSERT INTO reply " SERIES "SELECT i, i * 7919, '550 5.1.1 no such user ' || i FROM s WHERE i % 5 = 0;"
    "INSERT INTO event (id, time, recorded, address, action, reason, persistence, rule, ruleset, provider, code,"
    " status, reply, reporting_mta, message_key, stream, source, evidence, trusted, decision, sentence) " SERIES
    "SELECT i, i, i, i, 'failed', 'no-such-user', 'permanent', 'r1', 1, NULL, 550, '5.1.1', nullif(i / 5 * 5, 0),"
    " 'mta.example', 'Q' || i, 'news', 'milter', 'local', 1, 'suppress', 'one sentence that says why' FROM s;"
    "INSERT INTO bounce (address, hard, other, first, last, last_event) " SERIES "SELECT i, 1, 0, i, i, i FROM s;"
    "INSERT INTO suppression (key, stream, reason, since, origin, event, note) " SERIES
    "SELECT " WHO ", '', 'no-such-user', i, 'automatic', i, '' FROM s;"
    "INSERT INTO change (time, who, what, key, stream, reason, origin, event, note) " SERIES
    "SELECT i, 'hygiene', 'suppress', " WHO ", '', 'no-such-user', 'automatic', i, '' FROM s;"
    "INSERT INTO aside (time, last, source, evidence, problem, sender, size, bytes) " SERIES
    "SELECT i, i, 'milter', 'local', 'p', '', 9000, randomblob(9000) FROM s WHERE i % 1000 = 0;"
    "COMMIT;"
    "BEGIN; DELETE FROM suppression WHERE key LIKE 'person7%'; DELETE FROM change WHERE key LIKE 'person7%'; COMMIT";

static char good_path[160], into_path[160];
static struct error error;
static sqlite3 *db; /* what came back, with the database before the damage as good */

static void run(sqlite3 *where, const char *sql)
{
    ck_assert_msg(sqlite3_exec(where, sql, NULL, NULL, NULL) == SQLITE_OK, "%.80s: %s", sql, sqlite3_errmsg(where));
}

static long number(const char *sql)
{
    long value = -1;

    ck_assert_msg(!sqlite_integer(db, sql, &value, &error), "%s", error.text);
    return value;
}

static void make(const char *path, int version)
{
    sqlite3 *made;

    ck_assert_int_eq(sqlite3_open(path, &made), SQLITE_OK);
    run(made, "PRAGMA synchronous = OFF");
    ck_assert_int_eq(migrate_to(made, version, &error), 0);
    run(made, "PRAGMA foreign_keys = OFF");
    /* The content is made, not a history: no trigger has a say. */
    ck_assert_int_eq(sqlite3_db_config(made, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL), SQLITE_OK);
    run(made, content);
    sqlite3_close(made);
}

/* Once for all tests: it takes a while. */
static void make_good(void)
{
    sqlite3 *made;

    database_make();
    snprintf(good_path, sizeof(good_path), "%s/good.db", database_dir);
    snprintf(into_path, sizeof(into_path), "%s/into.db", database_dir);
    make(good_path, migrate_newest());
    ck_assert_int_eq(sqlite3_open(good_path, &made), SQLITE_OK);
    run(made, "PRAGMA synchronous = OFF; BEGIN;"
              "INSERT INTO sent (id, time, queue_id, stream) " SERIES "SELECT i, i, 'Q' || i, 'news' FROM s WHERE i <= 20000;"
              "INSERT INTO sent_recipient " SERIES "SELECT i, " WHO " FROM s WHERE i <= 20000; COMMIT");
    sqlite3_close(made);
}

static void remove_good(void)
{
    unlink(good_path);
    database_remove();
}

static void teardown(void)
{
    sqlite3_close(db);
    unlink(into_path);
    unlink(database_path);
}

static unsigned char *bytes;
static size_t size;

static void read_good(void)
{
    FILE *file = fopen(good_path, "r");
    struct stat status;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    size = (size_t)status.st_size;
    bytes = xmalloc(size);
    ck_assert_uint_eq(fread(bytes, 1, size, file), size);
    fclose(file);
}

static void write_damaged(void)
{
    FILE *file = fopen(database_path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
}

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed % below;
}

static void scribble(size_t at, size_t length)
{
    for (size_t i = at; i < at + length; i++)
        bytes[i] = (unsigned char)chance(256);
}

static void nothing(void)
{
}

static void the_header(void)
{
    scribble(0, 100);
}

static void the_first_page(void)
{
    scribble(0, PAGE);
}

/* Every so many pages from the middle of the file on. */
static void pages_in_a_hundred(void)
{
    for (size_t page = 50; page < size / PAGE; page += 100)
        scribble(page * PAGE, PAGE);
}

static void bits_on_every_twentieth_page(void)
{
    for (size_t page = 10; page < size / PAGE; page += 20)
        for (int i = 0; i < 8; i++)
            bytes[page * PAGE + chance(PAGE)] ^= (unsigned char)(1 << chance(8));
}

static void the_middle(void)
{
    scribble(size / 2 / PAGE * PAGE, 64 * PAGE);
}

static void all_inner_pages(void)
{
    for (size_t page = 1; page < size / PAGE; page++)
        if (bytes[page * PAGE] == CELL_TABLE_INNER || bytes[page * PAGE] == CELL_INDEX_INNER)
            memset(bytes + page * PAGE, 0, PAGE);
}

static void the_last_tenth(void)
{
    size = size * 9 / 10 + 17;
}

static long left_out;

static void count_table(const struct salvage_table *table, void *context)
{
    (void)context;
    printf("    %-16s %7lld rows, %5lld restored, %5lld known lost\n", table->name, (long long)table->rows,
           (long long)table->restored, (long long)table->lost);
}

static void count_left_out(const char *key, void *context)
{
    (void)key, (void)context;
    left_out++;
}

static void attach_good(void)
{
    char *sql = sqlite3_mprintf("ATTACH %Q AS good", good_path);

    ck_assert_int_eq(sqlite3_open(into_path, &db), SQLITE_OK);
    run(db, sql);
    sqlite3_free(sql);
}

static void salvage_it(void)
{
    struct salvage_report report = {.table = count_table, .doubtful = count_left_out};
    int failed;

    left_out = 0;
    failed = salvage(database_path, into_path, &report, &error);
    ck_assert_msg(!failed, "%s", error.text);
    printf("    %u pages, %u unreadable; %lld rows known lost, %ld suppressions left out\n", report.pages,
           report.unreadable, (long long)report.lost, left_out);
    attach_good();
}

/* At least so many of a thousand rows must come back. */
static const struct {
    const char *what;
    void (*damage)(void);
    int is_sound;
    long events, suppressions;
} cases[] = {
    {"nothing", nothing, 1, 1000, 1000},
    {"the header", the_header, 0, 1000, 1000},
    {"the first page", the_first_page, 0, 1000, 1000},
    {"every hundredth page", pages_in_a_hundred, 0, 970, 990},
    {"bits on every twentieth page", bits_on_every_twentieth_page, 0, 970, 985},
    {"64 pages in the middle", the_middle, 0, 960, 960},
    {"all inner pages", all_inner_pages, 0, 1000, 970},
    {"the end is cut off", the_last_tenth, 0, 1000, 1000},
};

START_TEST(most_comes_back_and_nothing_else)
{
    long events, suppressions, strangers;

    read_good();
    seed = 88172645463325252u + (uint64_t)_i;
    cases[_i].damage();
    write_damaged();
    printf("%s:\n", cases[_i].what);
    ck_assert_int_eq(salvage_is_sound(database_path, &error), cases[_i].is_sound);
    salvage_it();
    events = number("SELECT count(*) FROM event n JOIN good.event g USING (id, message_key, address)");
    suppressions = number("SELECT count(*) FROM suppression n JOIN good.suppression g USING (key, stream, reason)");
    strangers = number("SELECT count(*) FROM suppression WHERE key NOT IN (SELECT key FROM good.suppression)");
    printf("    %ld of 50000 events, %ld of %ld suppressions, %ld strangers\n", events, suppressions,
           number("SELECT count(*) FROM good.suppression"), strangers);
    ck_assert_int_ge(events * 1000, cases[_i].events * number("SELECT count(*) FROM good.event"));
    ck_assert_int_ge(suppressions * 1000, cases[_i].suppressions * number("SELECT count(*) FROM good.suppression"));
    ck_assert_int_eq(strangers, 0);
    ck_assert_int_eq(salvage_is_sound(into_path, &error), 1);
}
END_TEST

static const char *const tables[] = {"address", "reply", "event", "bounce", "suppression", "change", "aside",
                                     "ruleset", "sent_recipient", "sqlite_sequence"};

START_TEST(what_is_sound_comes_back_to_the_octet)
{
    read_good();
    write_damaged();
    salvage_it();
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        char sql[300];

        snprintf(sql, sizeof(sql), "SELECT count(*) FROM (SELECT * FROM good.%s EXCEPT SELECT * FROM main.%s)",
                 tables[i], tables[i]);
        ck_assert_msg(number(sql) == 0, "%s", tables[i]);
    }
}
END_TEST

/* Another recipient of a message may be lost: none is proved any more. */
START_TEST(the_journal_proves_nothing_afterwards)
{
    read_good();
    write_damaged();
    salvage_it();
    ck_assert_int_eq(number("SELECT count(*) FROM sent WHERE several = 1"), 20000);
    ck_assert_int_eq(number("SELECT count(*) FROM sent_recipient"), 20000);
}
END_TEST

/* What has been acknowledged may stand in the WAL only. */
START_TEST(the_wal_counts_as_far_as_it_is_whole)
{
    char *wal = xasprintf("%s-wal", database_path), *kept = xasprintf("%s-kept", database_path);
    sqlite3 *made;

    read_good();
    write_damaged();
    ck_assert_int_eq(sqlite3_open(database_path, &made), SQLITE_OK);
    run(made, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    run(made, "UPDATE reply SET text = 'from the WAL' WHERE id = 5; BEGIN; UPDATE reply SET text = 'never' WHERE id = 10");
    ck_assert_int_eq(rename(wal, kept), 0);
    sqlite3_close(made);
    ck_assert_int_eq(rename(kept, wal), 0);
    salvage_it();
    ck_assert_int_eq(number("SELECT text = 'from the WAL' FROM reply WHERE id = 5"), 1);
    ck_assert_int_eq(number("SELECT text = '550 5.1.1 no such user 10' FROM reply WHERE id = 10"), 1);
    free(wal);
    free(kept);
}
END_TEST

START_TEST(an_older_schema_comes_back_as_it_is)
{
    struct store *store;

    make(database_path, 6);
    salvage_it();
    ck_assert_int_eq(number("PRAGMA user_version"), 6);
    ck_assert_int_eq(number("SELECT count(*) FROM event"), 50000);
    ck_assert_int_eq(rename(into_path, database_path), 0);
    store = store_open(database_path, 0, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
    store_close(&store);
    ck_assert_int_eq(database_number("PRAGMA user_version"), migrate_newest());
}
END_TEST

/* Neither its result nor a change speaks of it. */
START_TEST(a_suppression_without_a_witness_is_left_out)
{
    sqlite3 *made;

    read_good();
    write_damaged();
    ck_assert_int_eq(sqlite3_open(database_path, &made), SQLITE_OK);
    run(made, "INSERT INTO suppression (key, stream, reason, since, origin, event, note)"
              " VALUES ('stranger@x.example', '', 'no-such-user', 1, 'automatic', 5, ''),"
              " ('other@x.example', '', 'no-such-user', 1, 'manual', NULL, '')");
    sqlite3_close(made);
    salvage_it();
    ck_assert_int_eq(left_out, 2);
    ck_assert_int_eq(number("SELECT count(*) FROM suppression WHERE key LIKE '%@x.example'"), 0);
}
END_TEST

/* Who is never refused stands in the record of changes, too. */
START_TEST(the_allow_list_is_restored)
{
    sqlite3 *made;

    read_good();
    write_damaged();
    ck_assert_int_eq(sqlite3_open(database_path, &made), SQLITE_OK);
    run(made, "INSERT INTO change (time, who, what, key, stream, reason, origin, note) VALUES"
              " (1, 'root', 'allow', 'friend@x.example', '', '', 'manual', 'why'),"
              " (1, 'root', 'allow', 'former@x.example', '', '', 'manual', ''),"
              " (2, 'root', 'disallow', 'former@x.example', '', '', 'manual', '')");
    sqlite3_close(made);
    salvage_it();
    ck_assert_int_eq(number("SELECT count(*) FROM allow"), 1);
    ck_assert_int_eq(number("SELECT note = 'why' FROM allow WHERE key = 'friend@x.example'"), 1);
}
END_TEST

static const size_t useless[] = {0, 1, 511, PAGE - 1};

START_TEST(of_nothing_comes_nothing)
{
    struct salvage_report report = {.table = count_table, .doubtful = count_left_out};

    read_good();
    size = useless[_i];
    write_damaged();
    ck_assert_int_eq(salvage(database_path, into_path, &report, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "not one page"));
    ck_assert_int_eq(access(into_path, F_OK), -1);
}
END_TEST

/* Whatever stands in it: an answer, and no harm (the sanitizers look on). */
START_TEST(noise_is_survived)
{
    struct salvage_report report = {.table = count_table, .doubtful = count_left_out};

    read_good();
    size = 200 * PAGE;
    seed = 2463534242u + (uint64_t)_i;
    for (size_t i = 0; i < (size_t)(50 << _i); i++)
        bytes[chance(size)] = (unsigned char)chance(256);
    write_damaged();
    if (!salvage(database_path, into_path, &report, &error))
        ck_assert_int_eq(salvage_is_sound(into_path, &error), 1);
    else
        ck_assert_int_eq(access(into_path, F_OK), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("salvage");
    TCase *tcase = tcase_create("salvage");

    tcase_add_unchecked_fixture(tcase, make_good, remove_good);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_loop_test(tcase, most_comes_back_and_nothing_else, 0, sizeof(cases) / sizeof(*cases));
    tcase_add_test(tcase, what_is_sound_comes_back_to_the_octet);
    tcase_add_test(tcase, the_journal_proves_nothing_afterwards);
    tcase_add_test(tcase, the_wal_counts_as_far_as_it_is_whole);
    tcase_add_test(tcase, an_older_schema_comes_back_as_it_is);
    tcase_add_test(tcase, a_suppression_without_a_witness_is_left_out);
    tcase_add_test(tcase, the_allow_list_is_restored);
    tcase_add_loop_test(tcase, of_nothing_comes_nothing, 0, sizeof(useless) / sizeof(*useless));
    tcase_add_loop_test(tcase, noise_is_survived, 0, 10);
    tcase_set_timeout(tcase, 240);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
