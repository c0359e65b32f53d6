/* daemon/ledger/store_set, store_undo and edit: what a change set did is taken
 * back exactly, whatever it was; what happened since stands; what is on record is
 * never overwritten. */
#include "config.h"

#include "daemon/ledger/store_set.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/plan.h"
#include "daemon/ledger/policy.h"
#include "daemon/report/message.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#define KEYS 12
#define RUNS 60
#define SETS_MAX 12
#define DEAD "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown"

static struct ruleset *rules;
static struct ledger *ledger;
static struct counters counters;
static struct error error;
static unsigned seed;
static int64_t now = 5000;

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

static int chance(int of)
{
    seed = seed * 1103515245u + 12345u;
    return (int)((seed >> 16) % (unsigned)of);
}

/* Whether something was changed, and the number of the set that it was. */
static int record_take(struct record *record, int64_t *set_r)
{
    return report_commit(ledger, record, set_r);
}

/* The whole of the tables that undo is to restore, as one text: the caller's. */
static char *dump(void)
{
    static const char *const tables[] = {
        "SELECT * FROM suppression ORDER BY key, stream", "SELECT * FROM allow ORDER BY key",
        "SELECT * FROM held ORDER BY incident, key, stream", "SELECT * FROM incident ORDER BY id",
        "SELECT * FROM bounce ORDER BY address"};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open_v2(database_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        sqlite3_stmt *stmt;

        ck_assert_int_eq(sqlite3_prepare_v2(db, tables[i], -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            for (int column = 0; column < sqlite3_column_count(stmt); column++) {
                const char *value = (const char *)sqlite3_column_text(stmt, column);

                fprintf(out, "%d:%s|", sqlite3_column_type(stmt, column), value ? value : "");
            }
            fputc('\n', out);
        }
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
    fclose(out);
    return text;
}

/* -------------------------------------------------------------------- operations */

static char *make_key(int number)
{
    static const char *const names[] = {"r", "o'neil\"", "ж"};

    return xasprintf("%s%d@example.com", names[number % 3], number);
}

static struct record *make(enum record_kind kind)
{
    static const char *const streams[] = {"", "news"}, *const reasons[] = {"no-such-user", "complaint", "moved"};
    struct record *record = record_new(kind, now++);

    record->key = chance(8) ? make_key(chance(KEYS)) : xstrdup("@example.com");
    record->stream = xstrdup(streams[chance(4) == 0]);
    record->reason = xstrdup(reasons[chance(3)]);
    record->note = xstrdup(chance(2) ? "" : "a \"note\"\nof two lines");
    record->who = xstrdup("test");
    record->until = chance(2) ? 0 : 900000 + chance(1000);
    return record;
}

static void bounce(const char *key)
{
    struct record *record = report_one(EVIDENCE_LOCAL, "", key, ACTION_FAILED, DEAD);
    int64_t ignored;

    free(record->report.queue_id);
    record->report.queue_id = xasprintf("Q%lld", (long long)now);
    record->time = record->report.deliveries[0].time = now++;
    record_take(record, &ignored);
}

static int64_t import(int count)
{
    struct record *record = record_new(RECORD_IMPORT, now++);
    int64_t set;

    record->parts = xcalloc((size_t)count, sizeof(struct record *));
    for (; record->count < (size_t)count; record->count++)
        record->parts[record->count] = make(RECORD_SUPPRESS);
    record_take(record, &set);
    return set;
}

static void add_item(struct plan *plan)
{
    char *key = make_key(chance(KEYS)), query[200];
    int release = chance(2);
    struct plan_item item = {.key = key, .reason = (char *)(uintptr_t)(release ? NULL : "moved"), .until = chance(2) ? 0 : 950000,
                             .trial = 2, .stream = (char *)(uintptr_t)"", .note = (char *)(uintptr_t)"other rules",
                             .policy = (char *)(uintptr_t)"taxonomy"};

    /* Keys with an apostrophe are compared without their first letters. */
    snprintf(query, sizeof(query), "SELECT event FROM suppression WHERE key LIKE '%%%s' AND stream = ''",
             key + strcspn(key, "0123456789"));
    item.event = release ? database_number(query) : 0;
    plan_add(plan, &item);
    free(key);
}

static int64_t reclassify(int count)
{
    struct record *stage = record_new(RECORD_STAGE, now++), *apply = record_new(RECORD_APPLY, now++);
    int64_t set, token = now;

    stage->plan = plan_new(token);
    for (int i = 0; i < count; i++)
        add_item(stage->plan);
    record_take(stage, &set);
    apply->plan = plan_new(token);
    apply->plan->seen = database_number("SELECT max(id) FROM change");
    apply->who = xstrdup("test");
    apply->note = xstrdup("rules");
    record_take(apply, &set);
    return set;
}

/* An incident with what it holds, as the watch would leave it. */
static void open_incident(void)
{
    char query[2000];

    snprintf(query, sizeof(query),
             "INSERT INTO incident (kind, scope, name, begun, opened, failures, usual)"
             " VALUES ('provider-outage', 'domain', 'example.com', %d, %d, 7, 1.0 / 3)", (int)now - 200, (int)now);
    database_text(query);
    for (int i = 0; i < 6; i++) {
        snprintf(query, sizeof(query),
                 "INSERT OR IGNORE INTO held (incident, key, stream, reason, since, event, level, policy, got_through, failures,"
                 " last_failure, state, changed) SELECT (SELECT max(id) FROM incident), 'r%d@example.com', '', 'no-such-user',"
                 " %d, (SELECT min(id) FROM event), 0, 'taxonomy', 0, %d, %d, 'held', %d",
                 chance(KEYS) / 3 * 3, (int)now, 1 + chance(3), (int)now + chance(2), (int)now);
        database_text(query);
    }
}

static int64_t incident(void)
{
    struct record *record = record_new(RECORD_INCIDENT, now++);
    int64_t set;

    record->who = xstrdup("test");
    record->rollback = chance(2);
    record->incident = database_number("SELECT max(id) FROM incident");
    record_take(record, &set);
    return set;
}

/* One random change set; 0: it changed nothing. */
static int64_t operate(void)
{
    static const enum record_kind kinds[] = {RECORD_SUPPRESS, RECORD_SUPPRESS, RECORD_RELEASE, RECORD_RELEASE, RECORD_ALLOW,
                                             RECORD_DISALLOW};
    int64_t set = 0;
    int which = chance(12);

    if (which < 6)
        record_take(make(kinds[which]), &set);
    else if (which < 8)
        set = import(1 + chance(20));
    else if (which < 10)
        set = reclassify(1 + chance(10));
    else
        set = incident();
    return set;
}

/* ------------------------------------------------------------------------- tests */

static int64_t undo(int64_t id, int *changed_r)
{
    struct record *record = record_new(RECORD_UNDO, now++);
    int64_t set;

    record->set = id;
    record->who = xstrdup("test");
    *changed_r = record_take(record, &set);
    return set;
}

static void some_history(void)
{
    for (int i = 0; i < 10; i++) {
        char *key = make_key(chance(KEYS));

        bounce(key);
        free(key);
    }
    for (int i = 0; i < 10; i++)
        (void)operate();
    open_incident();
}

static void check_same(const char *before, const char *after, int64_t set)
{
    size_t at = 0;

    while (before[at] && before[at] == after[at])
        at++;
    if (!before[at] && !after[at])
        return;
    while (at && before[at - 1] != '\n')
        at--;
    ck_abort_msg("set %d (%s)\nbefore: %.300s\nafter: %.300s", (int)set,
                 database_text("SELECT group_concat(what) FROM change_set"), before + at, after + at);
}

/* Several sets on top of each other, taken back from the top. */
START_TEST(undo_restores_exactly_what_was)
{
    int done = 0;

    for (int run = 0; run < RUNS; run++) {
        char *before[SETS_MAX + 1];
        int64_t sets[SETS_MAX];
        int count = 0;

        seed = (unsigned)(_i * RUNS + run) * 7919u + 1;
        some_history();
        for (int i = 0; i < SETS_MAX; i++) {
            before[count] = dump();
            if ((sets[count] = operate()))
                count++;
            else
                free(before[count]);
        }
        for (int i = count - 1; i >= 0; i--) {
            char query[100], *after;
            int changed;
            int64_t made = undo(chance(2) ? 0 : sets[i], &changed);

            ck_assert_int_eq(changed, 1);
            snprintf(query, sizeof(query), "SELECT sum(skipped) FROM change_part WHERE change_set = %d", (int)made);
            ck_assert_int_eq(database_number(query), 0);
            snprintf(query, sizeof(query), "SELECT undoes FROM change_set WHERE id = %d", (int)made);
            ck_assert_int_eq(database_number(query), sets[i]);
            after = dump();
            check_same(before[i], after, sets[i]);
            free(after);
            free(before[i]);
            done++;
        }
    }
    ck_assert_int_gt(done, RUNS * SETS_MAX / 2);
}
END_TEST

static void by_hand(enum record_kind kind, const char *key, const char *note, int64_t *set_r)
{
    struct record *record = make(kind);

    free(record->key), free(record->stream), free(record->note);
    record->key = xstrdup(key);
    record->stream = xstrdup("");
    record->note = xstrdup(note);
    record->until = 0;
    record_take(record, set_r);
}

/* Whom a later word is about stays; the others go back. */
START_TEST(what_happened_since_is_left_alone)
{
    struct record *record = record_new(RECORD_IMPORT, now++);
    int64_t set, later;
    int changed;

    record->parts = xcalloc(3, sizeof(struct record *));
    for (; record->count < 3; record->count++) {
        record->parts[record->count] = make(RECORD_SUPPRESS);
        free(record->parts[record->count]->key);
        record->parts[record->count]->key = xasprintf("i%d@example.com", (int)record->count);
        free(record->parts[record->count]->stream);
        record->parts[record->count]->stream = xstrdup("");
        record->parts[record->count]->until = 0;
    }
    record_take(record, &set);
    by_hand(RECORD_SUPPRESS, "i1@example.com", "later", &later);
    (void)undo(set, &changed);
    ck_assert_str_eq(database_text("SELECT group_concat(key || note) FROM suppression"), "i1@example.comlater");
    ck_assert_str_eq(database_text("SELECT group_concat(suppressed || ' ' || released || ' ' || skipped) FROM change_part"
                                   " WHERE undoes IS NOT NULL"), "0 2 1");
    /* Undone and undoing stand in nobody's way. */
    (void)undo(later, &changed);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
}
END_TEST

/* A delivery since is a later word, too: nobody is suppressed again against it. */
START_TEST(a_delivery_since_is_left_alone)
{
    struct record *record;
    int64_t set, ignored;
    int changed;

    bounce("ann@example.com");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
    by_hand(RECORD_RELEASE, "ann@example.com", "", &set);
    now += 10;
    bounce("ann@example.com");
    by_hand(RECORD_RELEASE, "ann@example.com", "", &set);
    record = report_one(EVIDENCE_LOCAL, "Qd", "ann@example.com", ACTION_DELIVERED, "250 ok");
    record->time = record->report.deliveries[0].time = now += 10;
    record_take(record, &ignored);
    ck_assert_int_eq(database_number("SELECT count(*) FROM change WHERE what = 'clear' AND key = 'ann@example.com'"), 2);
    bounce("bob@example.com");
    record = report_one(EVIDENCE_LOCAL, "Qe", "bob@example.com", ACTION_DELIVERED, "250 ok");
    record->time = record->report.deliveries[0].time = now += 10;
    record_take(record, &ignored);
    ck_assert_str_eq(database_text("SELECT group_concat(what || who) FROM change WHERE key = 'bob@example.com'"),
                     "suppresshygiene,clearhygiene");
    (void)undo(set, &changed);
    ck_assert_int_eq(changed, 1);
}
END_TEST

static void refused(int64_t set, const char *why)
{
    struct record *record = record_new(RECORD_UNDO, now++);

    record->set = set;
    record->who = xstrdup("test");
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_int_eq(ledger_record(ledger, record, &error), -1);
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_msg(strstr(error.text, why) != NULL, "%s", error.text);
    ledger_rollback(ledger);
    record_free(&record);
}

START_TEST(a_set_is_undone_once)
{
    int64_t set;
    int changed;

    by_hand(RECORD_SUPPRESS, "ann@example.com", "", &set);
    ck_assert_int_eq(set, 1);
    ck_assert_int_eq(undo(set, &changed), 2);
    ck_assert_int_eq(changed, 1);
    refused(1, "has been undone by 2");
    refused(2, "is itself an undo");
    (void)undo(0, &changed);
    ck_assert_int_eq(changed, 0);
    (void)undo(99, &changed);
    ck_assert_int_eq(changed, 0);
}
END_TEST

/* A set of several parts goes back part by part, and goes on where it stopped. */
START_TEST(an_import_is_one_set)
{
    int64_t set = 0, made;
    int changed;

    for (int i = 0; i < 3; i++) {
        struct record *record = record_new(RECORD_IMPORT, now++);

        record->parts = xcalloc(1, sizeof(struct record *));
        record->parts[record->count++] = make(RECORD_SUPPRESS);
        free(record->parts[0]->key);
        record->parts[0]->key = xasprintf("i%d@example.com", i);
        record->set = set;
        record_take(record, &set);
        ck_assert_int_eq(set, 1);
        bounce("other@example.org"); /* between the parts others write */
    }
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_changes WHERE change_set = 1"), 3);
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_changes WHERE change_set IS NULL"), 1);
    made = undo(0, &changed);
    ck_assert_int_eq(changed, 2);
    ck_assert_int_eq(undo(1, &changed), made);
    ck_assert_int_eq(changed, 2);
    ck_assert_int_eq(undo(0, &changed), made);
    ck_assert_int_eq(changed, 1);
    ck_assert_str_eq(database_text("SELECT group_concat(key) FROM suppression"), "other@example.org");
    refused(1, "has been undone by 2");
}
END_TEST

/* An incident concerns nobody, and a policy neither: its row in change stands in no way. */
START_TEST(a_policy_stands_in_nobodys_way)
{
    struct policy_line none = {.name = "moved", .where = "t:1", .action = POLICY_NONE, .failures = POLICY_UNSET,
        .days = POLICY_UNSET, .duration = POLICY_UNSET, .scope = POLICY_UNSET, .streams = POLICY_UNSET,
        .mode = POLICY_UNSET, .recipients = POLICY_UNSET, .after = POLICY_UNSET};
    struct policy *policy = policy_new();
    char *before, *after;
    int64_t set;
    int changed;

    bounce("ann@example.com");
    open_incident();
    before = dump();
    while (!(set = incident()))
        continue;
    ck_assert_int_eq(policy_add(policy, &none, &error), 0);
    ledger_use_policy(ledger, policy);
    policy_unref(&policy);
    by_hand(RECORD_SUPPRESS, "other@example.org", "", &set);
    ck_assert_int_eq(database_number("SELECT count(*) FROM change WHERE what = 'policy'"), 1);
    (void)undo(0, &changed);
    (void)undo(0, &changed);
    after = dump();
    check_same(before, after, set);
    free(before), free(after);
}
END_TEST

static void refuses(const char *statement, const char *why)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_CONSTRAINT);
    ck_assert_str_eq(sqlite3_errmsg(db), why);
    sqlite3_close(db);
}

START_TEST(what_is_on_record_stays)
{
    int64_t set;

    by_hand(RECORD_SUPPRESS, "ann@example.com", "", &set);
    refuses("UPDATE change SET who = 'nobody'", "a change on record is never overwritten");
    refuses("DELETE FROM change", "a change on record is never deleted");
    refuses("INSERT OR REPLACE INTO change SELECT * FROM change", "a change on record is never overwritten");
}
END_TEST

/* A person's word since the plan was made outranks it. */
START_TEST(a_plan_skips_what_has_changed)
{
    struct record *stage = record_new(RECORD_STAGE, now++), *apply = record_new(RECORD_APPLY, now++);
    struct plan_item item = {.stream = (char *)(uintptr_t)"", .reason = (char *)(uintptr_t)"complaint",
                             .note = (char *)(uintptr_t)"", .until = 990000, .trial = 2};
    int64_t set;

    stage->plan = plan_new(5);
    item.key = (char *)(uintptr_t)"a@x.example";
    plan_add(stage->plan, &item);
    item.key = (char *)(uintptr_t)"b@x.example";
    plan_add(stage->plan, &item);
    record_take(stage, &set);
    by_hand(RECORD_SUPPRESS, "b@x.example", "mine", &set);
    apply->plan = plan_new(5);
    apply->who = xstrdup("test");
    apply->note = xstrdup("");
    record_take(apply, &set);
    ck_assert_str_eq(database_text("SELECT group_concat(key || note || coalesce(until, '') || coalesce(trial, ''))"
                                   " FROM suppression"), "a@x.example9900002,b@x.examplemine");
    ck_assert_str_eq(database_text("SELECT suppressed || ' ' || skipped FROM change_part ORDER BY id DESC"), "1 1");
    ck_assert_int_eq(database_number("SELECT count(*) FROM staged"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/store_set");
    TCase *tcase = tcase_create("store_set");

    message_init();
    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tcase, 240);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, undo_restores_exactly_what_was, 0, 3);
    tcase_add_test(tcase, what_happened_since_is_left_alone);
    tcase_add_test(tcase, a_delivery_since_is_left_alone);
    tcase_add_test(tcase, a_set_is_undone_once);
    tcase_add_test(tcase, an_import_is_one_set);
    tcase_add_test(tcase, a_policy_stands_in_nobodys_way);
    tcase_add_test(tcase, what_is_on_record_stays);
    tcase_add_test(tcase, a_plan_skips_what_has_changed);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
