/* daemon/ledger/store_erase, store_retain and secret: a person who was erased is
 * nowhere in the file, and suppressed all the same; what is old goes, what
 * somebody rests on stays. */
#include "config.h"

#include "daemon/ledger/secret.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/aside.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/policy.h"
#include "daemon/ledger/store.h"
#include "daemon/report/message.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#include <sys/stat.h>

#define DEAD "550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown"
#define OTHER "450 4.2.0 <ann@example.com>: come back"
#define DAY 86400

static struct ruleset *rules;
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
    ledger_limit_aside(ledger, 1000000, &message_limits_usual);
}

static void teardown(void)
{
    char *key = xasprintf("%s.key", database_path);

    ledger_close(&ledger);
    unlink(key);
    free(key);
    database_remove();
}

static int record_take(struct record *record)
{
    return report_commit(ledger, record, NULL);
}

static struct record *make(enum record_kind kind, const char *key)
{
    struct record *record = record_new(kind, 2000);

    record->key = xstrdup(key);
    record->stream = xstrdup("");
    record->reason = xstrdup("complaint");
    record->note = xstrdup("joe@example.com wrote");
    record->who = xstrdup("root");
    return record;
}

static void result(const char *recipient, const char *queue_id, const char *reply, enum evidence evidence, int64_t time)
{
    struct record *record = report_one(evidence, queue_id, recipient, ACTION_FAILED, reply);

    record->time = time;
    record->report.deliveries[0].time = time;
    record_take(record);
}

static void keep_aside(const char *words)
{
    struct record *record = record_new(RECORD_ASIDE, 1000);

    record->sender = xstrdup("");
    record->bytes = xstrdup(words);
    record->size = strlen(words);
    record->report.problem = xstrdup("not understood");
    aside_pack(record);
    record_take(record);
}

static int is_suppressed(const char *key, const char *domain)
{
    struct lookup *lookup = lookup_open(database_path, &error);
    struct suppressed suppressed;
    int found = lookup_suppressed(lookup, key, domain, "", 3000, &suppressed, &error);

    ck_assert_msg(found >= 0, "%s", error.text);
    lookup_close(&lookup);
    return found;
}

/* Anywhere in the bytes of the database and its log of writes, in any case. */
static int is_in_the_files(const char *text)
{
    static const char *const names[] = {"", "-wal", NULL};
    int found = 0;

    for (int i = 0; names[i] && !found; i++) {
        char *command = xasprintf("grep -qaiF '%s' %s%s", text, database_path, names[i]);

        found = system(command) == 0;
        free(command);
    }
    return found;
}

START_TEST(a_person_is_nowhere_and_suppressed)
{
    result("Joe@Example.com", "Q1", DEAD, EVIDENCE_LOCAL, 900);
    result("joe@example.com", "Q2", "550", EVIDENCE_LOCAL, 950);
    result("joe@example.com", "Q3", DEAD, EVIDENCE_UNPROVEN, 950);
    result("ann@example.com", "Q4", OTHER, EVIDENCE_LOCAL, 950);
    record_take(make(RECORD_SUPPRESS, "joe@example.com"));
    keep_aside("From: x\n\nwe could not reach JOE@example.com, sorry, sorry, sorry, sorry, sorry, sorry\n");
    keep_aside("From: x\n\nwe could not reach ann@example.com, sorry, sorry, sorry, sorry, sorry, sorry\n");
    ck_assert_int_eq(is_in_the_files("joe@example.com"), 1);

    ck_assert_int_eq(record_take(make(RECORD_ERASE, "joe@example.com")), 1);
    ck_assert_int_eq(is_in_the_files("joe@example.com"), 0);
    ck_assert_int_eq(is_suppressed("joe@example.com", "example.com"), 1);
    ck_assert_int_eq(is_suppressed("ann@example.com", "example.com"), 0);
    ck_assert_str_eq(database_text("SELECT reason || origin || note FROM suppression"), "complaintmanual");
    ck_assert_int_eq(database_number("SELECT length(key) FROM suppression"), SECRET_HASH_SIZE - 1);
    ck_assert_str_eq(database_text("SELECT group_concat(what || who) FROM change"), "eraseroot");
    ck_assert_str_eq(database_text("SELECT group_concat(key) FROM address"), "ann@example.com");
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM reply"), 1);
    ck_assert_int_eq(record_take(make(RECORD_ERASE, "joe@example.com")), 0);
}
END_TEST

static int erase(const char *key, int *calls_r)
{
    int64_t from = 0;

    for (*calls_r = 1;; ++*calls_r) {
        struct record *record = make(RECORD_ERASE, key);
        int changed;

        record->set = from;
        changed = report_commit(ledger, record, &from);
        if (changed != STORE_ERASE_MORE)
            return changed;
    }
}

static void submit(const char *const *keys, size_t count)
{
    struct record *record = record_new(RECORD_SENT, 1000);

    record->queue_id = xstrdup("S1");
    record->message_id = xstrdup("<m@example.org>");
    record->stream = xstrdup("news");
    record->sender = xstrdup("news@example.org");
    record->keys = xcalloc(count, sizeof(*record->keys));
    for (; record->count < count; record->count++)
        record->keys[record->count] = xstrdup(keys[record->count]);
    record_take(record);
}

static void deliver(const char *recipient)
{
    struct record *record = record_new(RECORD_LOG, 1000);
    const struct result result = {
        .time = 1000, .action = ACTION_DELIVERED, .evidence = EVIDENCE_LOCAL, .recipient = {recipient, strlen(recipient)},
        .queue_id = {"L1", 2}, .remote_mta = SPAN_NONE, .status = SPAN_NONE, .reply = SPAN_NONE};

    results_add(&record->results, &result);
    record_take(record);
}

/* Fills every table that may hold of a person; each column of each is looked through. */
START_TEST(no_table_holds_anything)
{
    const char *joe = "joe@example.com", *several[] = {"joe@example.com", "ann@example.com"};
    struct record *record;
    char query[400];
    sqlite3_stmt *stmt;
    sqlite3 *db;
    int calls, tables = 0;

    deliver(joe);
    submit(&joe, 1);
    submit(several, 2);
    result(joe, "Q1", DEAD, EVIDENCE_LOCAL, 900);
    record_take(make(RECORD_RELEASE, joe)); /* what was before, for undo */
    record_take(make(RECORD_ALLOW, joe));
    record_take(make(RECORD_SUPPRESS, joe));
    record = report_one(EVIDENCE_LOCAL, "Q9", "forwarded@example.com", ACTION_FAILED, DEAD "?");
    free(record->report.deliveries[0].reply);
    record->report.deliveries[0].reply = xstrdup("550");
    record->report.deliveries[0].original_recipient = xstrdup("Joe@Example.com");
    free(record->report.original_sender);
    record->report.original_sender = xstrdup("joe@example.com");
    record_take(record);
    database_text("INSERT INTO incident (kind, scope, name, begun, opened, failures, usual)"
                  " VALUES ('provider-outage', 'domain', 'example.com', 1, 2, 3, 4)");
    database_text("INSERT INTO held SELECT 1, 'joe@example.com', '', 'no-such-user', 1, NULL, min(id), 0, NULL, '', 0, 1, 1,"
                  " 'waiting', 1 FROM event");
    database_text("INSERT INTO held SELECT 1, '@example.com', '', 'no-such-user', 1, NULL, min(id), 0, NULL, '', 0, 1, 1,"
                  " 'dropped', 1 FROM event");
    database_text("INSERT INTO staged VALUES (1, 'joe@example.com', '', NULL, 1, NULL, NULL, '', '', 2000)");
    keep_aside("From: x\n\nwe could not reach JOE@example.com, sorry, sorry, sorry, sorry, sorry, sorry\n");
    ck_assert_int_eq(database_number("SELECT count(*) FROM taken"), 0); /* it has failed since ... */
    deliver(joe);                                                       /* ... and taken mail */
    ck_assert_int_eq(database_number("SELECT count(*) FROM taken"), 1);
    ck_assert_int_gt(database_number("SELECT count(*) FROM former"), 0);

    ck_assert_int_eq(erase("joe@example.com", &calls), STORE_ERASED);
    ck_assert_int_eq(is_in_the_files(joe), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM taken"), 0);
    ck_assert_str_eq(database_text("SELECT group_concat(key) || max(several) FROM sent_recipient r JOIN sent s ON s.id = r.sent"),
                     "ann@example.com1");
    ck_assert_str_eq(database_text("SELECT group_concat(key) FROM held"), "@example.com");
    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
                                            " WHERE m.type = 'table'", -1, &stmt, NULL), SQLITE_OK);
    for (; sqlite3_step(stmt) == SQLITE_ROW; tables++) {
        snprintf(query, sizeof(query), "SELECT count(*) FROM \"%s\" WHERE instr(lower(\"%s\"), 'joe@example')",
                 (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1));
        ck_assert_msg(database_number(query) == 0, "%s", query);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    ck_assert_int_gt(tables, 100);
    /* Allowed as it was; and suppressed, when it is no longer. */
    ck_assert_int_eq(is_suppressed(joe, "example.com"), 0);
    ck_assert_int_eq(record_take(make(RECORD_DISALLOW, joe)), 1);
    ck_assert_int_eq(is_suppressed(joe, "example.com"), 1);
}
END_TEST

/* Undo of a set that the person was part of leaves the person out. */
START_TEST(undo_brings_nobody_back)
{
    struct record *record;
    int calls;

    result("joe@example.com", "Q1", DEAD, EVIDENCE_LOCAL, 900);
    record = record_new(RECORD_IMPORT, 2000);
    record->parts = xcalloc(2, sizeof(struct record *));
    record->parts[record->count++] = make(RECORD_SUPPRESS, "joe@example.com");
    record->parts[record->count++] = make(RECORD_SUPPRESS, "ann@example.com");
    free(record->parts[1]->note);
    record->parts[1]->note = xstrdup("");
    record_take(record);
    ck_assert_int_eq(erase("joe@example.com", &calls), STORE_ERASED);
    record = record_new(RECORD_UNDO, 2000);
    record->who = xstrdup("root");
    ck_assert_int_eq(record_take(record), 1);
    ck_assert_int_eq(is_in_the_files("joe@example.com"), 0);
    ck_assert_int_eq(is_suppressed("joe@example.com", "example.com"), 1);
    ck_assert_int_eq(is_suppressed("ann@example.com", "example.com"), 0);
}
END_TEST

/* Many rows are searched piece by piece, and no piece is left out. */
START_TEST(a_large_database_is_searched_in_pieces)
{
    int calls;

    database_text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90000) INSERT INTO sent"
                  " (id, time, queue_id, stream) SELECT i * 10, 1000, 'Q', '' FROM n");
    database_text("INSERT INTO sent_recipient SELECT id, iif(id % 50000 = 0, 'joe@example.com', 'ann@example.com') FROM sent");
    ck_assert_int_eq(erase("joe@example.com", &calls), 0);
    ck_assert_int_ge(calls, 45);
    ck_assert_int_eq(database_number("SELECT count(*) FROM sent"), 90000 - 18);
    ck_assert_int_eq(is_in_the_files("joe@example.com"), 0);
}
END_TEST

START_TEST(the_key_is_private_and_stays)
{
    char *path = xasprintf("%s.key", database_path);
    unsigned char first[HMAC_KEY_SIZE], again[HMAC_KEY_SIZE];
    char hash[SECRET_HASH_SIZE], other[SECRET_HASH_SIZE];
    struct stat status;

    ck_assert_int_eq(secret_load(path, 0, first, &error), 0);
    ck_assert_int_eq(secret_load(path, 1, first, &error), 1);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    ck_assert_int_eq(secret_load(path, 1, again, &error), 1);
    ck_assert_int_eq(memcmp(first, again, sizeof(first)), 0);
    secret_hash(first, "joe@example.com", hash);
    secret_hash(first, "joe@example.org", other);
    ck_assert_int_ne(strcmp(hash, other), 0);
    ck_assert_int_eq(truncate(path, 5), 0);
    ck_assert_int_eq(secret_load(path, 1, again, &error), -1);
    ck_assert_msg(strstr(error.text, "is no key of 32 bytes") != NULL, "%s", error.text);
    free(path);
}
END_TEST

START_TEST(who_was_erased_can_be_released)
{
    record_take(make(RECORD_SUPPRESS, "joe@example.com"));
    record_take(make(RECORD_ERASE, "joe@example.com"));
    ck_assert_int_eq(record_take(make(RECORD_RELEASE, "joe@example.com")), 1);
    ck_assert_int_eq(is_suppressed("joe@example.com", "example.com"), 0);
}
END_TEST

/* RFC 4231 has no key of 32 bytes; this is what another program says:
 * python3 -c "import hmac; print(hmac.new(bytes(32), b'joe@example.com', 'sha256').hexdigest())" */
START_TEST(the_hash_is_hmac_sha256)
{
    static const unsigned char key[HMAC_KEY_SIZE];
    char hash[SECRET_HASH_SIZE];

    secret_hash(key, "joe@example.com", hash);
    ck_assert_str_eq(hash, "#474c056dafb010dd69aa6056773f39a2596a74a7d85f841890e371f80631f210");
}
END_TEST

static void retain_at(int64_t events, int64_t unproven, int64_t now)
{
    const struct ledger_ages before = {.events = events, .unproven = unproven};
    int more = 1;

    for (int calls = 0; more; calls++) {
        ck_assert_int_lt(calls, 20);
        ck_assert_int_eq(ledger_begin(ledger, &error), 0);
        ck_assert_msg((more = ledger_prune(ledger, &before, now, &error)) >= 0, "%s", error.text);
        ck_assert_int_eq(ledger_commit(ledger, &error), 0);
    }
}

/* Long after all that a policy may ask for. */
static void retain(int64_t events, int64_t unproven)
{
    retain_at(events, unproven, 1000 * DAY);
}

/* Failures that still count stay, however short the time is that the settings give. */
START_TEST(what_a_policy_asks_for_stays)
{
    struct policy_line count = {.name = "mailbox-full", .where = "t:1", .action = POLICY_COUNT, .failures = 3, .days = 40,
        .duration = POLICY_UNSET, .scope = POLICY_UNSET, .streams = POLICY_UNSET, .mode = POLICY_UNSET,
        .recipients = POLICY_UNSET, .after = POLICY_UNSET};
    struct policy *policy = policy_new();

    for (int i = 1; i < 4; i++) {
        char queue_id[10];

        snprintf(queue_id, sizeof(queue_id), "Q%d", i);
        result("ann@example.com", queue_id, "550", EVIDENCE_LOCAL, i * 10 * DAY);
    }
    retain_at(39 * DAY, 0, 40 * DAY); /* agreement of a domain: 30 days */
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 3);
    ck_assert_int_eq(policy_add(policy, &count, &error), 0);
    ledger_use_policy(ledger, policy);
    policy_unref(&policy);
    retain_at(79 * DAY, 0, 89 * DAY); /* twice 40 days */
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 3);
    retain_at(79 * DAY, 0, 95 * DAY);
    ck_assert_str_eq(database_text("SELECT group_concat(queue_id) FROM event"), "Q2,Q3");
    ck_assert_str_eq(database_text("SELECT note FROM change WHERE what = 'policy'"), "mailbox-full: count, failures 3, days 40\n");
}
END_TEST

/* What an incident held goes when it is decided and old; what waited for so long is dropped first. */
START_TEST(what_was_held_goes_in_the_end)
{
    database_text("INSERT INTO incident (kind, scope, name, begun, opened, closed, failures, usual)"
                  " VALUES ('provider-outage', 'domain', 'example.com', 1, 2, 3, 3, 4)");
    database_text("INSERT INTO held SELECT 1, s || '@example.com', '', 'no-such-user', 1, NULL, NULL, 0, NULL, '', 0, 1, 1,"
                  " s, 100 * 86400 FROM (SELECT 'held' AS s UNION SELECT 'waiting' UNION SELECT 'confirmed' UNION SELECT 'dropped')");
    database_text("INSERT INTO taken VALUES (1, 100), (-5, 700), (9, 990)");
    retain_at(100 * DAY, 0, 1000 * DAY);
    ck_assert_int_eq(database_number("SELECT count(*) FROM held"), 4);
    retain_at(101 * DAY, 0, 1000 * DAY);
    ck_assert_str_eq(database_text("SELECT group_concat(key || state) FROM held"),
                     "held@example.comheld,waiting@example.comdropped");
    ck_assert_str_eq(database_text("SELECT what || ' ' || note FROM change WHERE key = 'waiting@example.com'"),
                     "drop incident 1: no result has told since");
    retain_at(1001 * DAY, 0, 1100 * DAY);
    ck_assert_str_eq(database_text("SELECT group_concat(key) FROM held"), "held@example.com");
    ck_assert_str_eq(database_text("SELECT group_concat(day) FROM taken"), "990");
}
END_TEST

START_TEST(what_is_old_and_needed_by_nobody_goes)
{
    result("evidence@example.com", "Q1", DEAD, EVIDENCE_LOCAL, 1 * DAY);    /* of a suppression */
    result("evidence@example.com", "Q2", DEAD, EVIDENCE_LOCAL, 2 * DAY);    /* nobody's */
    result("evidence@example.com", "Q3", "550", EVIDENCE_LOCAL, 3 * DAY);   /* of a bounce record */
    result("forged@example.com", "Q4", DEAD, EVIDENCE_UNPROVEN, 5 * DAY);
    result("recent@example.com", "Q5", OTHER, EVIDENCE_UNPROVEN, 9 * DAY);
    retain(1 * DAY, 5 * DAY);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 5);
    retain(8 * DAY, 8 * DAY);
    ck_assert_str_eq(database_text("SELECT group_concat(queue_id) FROM event"), "Q1,Q3,Q5");
    ck_assert_str_eq(database_text("SELECT group_concat(key) FROM address ORDER BY id"), "evidence@example.com,recent@example.com");
    ck_assert_int_eq(database_number("SELECT count(*) FROM reply"), 3);
    ck_assert_str_eq(database_text("SELECT recipient || reply FROM v_suppressed"), "evidence@example.com" DEAD);
    ck_assert_int_eq(database_number("SELECT sum(events) FROM v_daily"), 5); /* still counted */
}
END_TEST

/* Thousands that are needed lie in front of one that is not. */
START_TEST(those_that_stay_hide_none_behind_them)
{
    char recipient[40], queue_id[20];

    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    for (int i = 0; i < 2500; i++) {
        struct record *record;

        snprintf(recipient, sizeof(recipient), "r%d@example.com", i);
        snprintf(queue_id, sizeof(queue_id), "Q%d", i);
        record = report_one(EVIDENCE_LOCAL, queue_id, recipient, ACTION_FAILED, DEAD);
        ck_assert_int_eq(ledger_record(ledger, record, &error), 0);
        record_free(&record);
    }
    ck_assert_int_eq(ledger_commit(ledger, &error), 0);
    result("r1@example.com", "X1", OTHER, EVIDENCE_UNPROVEN, 2 * DAY);
    result("r2@example.com", "X2", "550", EVIDENCE_LOCAL, 2 * DAY);
    result("r2@example.com", "X3", "550", EVIDENCE_LOCAL, 9 * DAY);
    for (int i = 0; i < 2; i++)
        retain(8 * DAY, 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 2501);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event WHERE queue_id IN ('X1', 'X2')"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/store_erase");
    TCase *tcase = tcase_create("store_erase");

    message_init();
    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_person_is_nowhere_and_suppressed);
    tcase_add_test(tcase, no_table_holds_anything);
    tcase_add_test(tcase, undo_brings_nobody_back);
    tcase_add_test(tcase, a_large_database_is_searched_in_pieces);
    tcase_add_test(tcase, what_a_policy_asks_for_stays);
    tcase_add_test(tcase, what_was_held_goes_in_the_end);
    tcase_add_test(tcase, the_key_is_private_and_stays);
    tcase_add_test(tcase, who_was_erased_can_be_released);
    tcase_add_test(tcase, the_hash_is_hmac_sha256);
    tcase_add_test(tcase, what_is_old_and_needed_by_nobody_goes);
    tcase_add_test(tcase, those_that_stay_hide_none_behind_them);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
