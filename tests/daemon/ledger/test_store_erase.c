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
    ledger_limit_aside(ledger, 1000000);
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
    int changed;

    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_msg(ledger_record(ledger, record, &error) == 0, "%s", error.text);
    ck_assert_msg(ledger_commit(ledger, &error) == 0, "%s", error.text);
    changed = record->changed_r;
    record_free(&record);
    return changed;
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

static void retain(int64_t events, int64_t unproven)
{
    const struct ledger_ages before = {.events = events, .unproven = unproven};
    const int64_t now = 1000 * DAY; /* long after all that a policy may ask for */
    int more = 1;

    for (int calls = 0; more; calls++) {
        ck_assert_int_lt(calls, 20);
        ck_assert_int_eq(ledger_begin(ledger, &error), 0);
        ck_assert_msg((more = ledger_prune(ledger, &before, now, &error)) >= 0, "%s", error.text);
        ck_assert_int_eq(ledger_commit(ledger, &error), 0);
    }
}

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
    tcase_add_test(tcase, the_key_is_private_and_stays);
    tcase_add_test(tcase, who_was_erased_can_be_released);
    tcase_add_test(tcase, the_hash_is_hmac_sha256);
    tcase_add_test(tcase, what_is_old_and_needed_by_nobody_goes);
    tcase_add_test(tcase, those_that_stay_hide_none_behind_them);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
