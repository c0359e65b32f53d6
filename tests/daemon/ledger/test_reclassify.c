/* daemon/ledger/reclassify: the same rules find nothing to change, whatever was
 * recorded; other rules find who rests on nothing any more, and whom they would
 * add; a person's word outranks both. */
#include "config.h"

#include "daemon/ledger/reclassify.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/policy.h"
#include "daemon/report/message.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#define DEAD "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown"
#define RULES                                                                                                         \
    "rule local-zorked {\n pattern = {'has been zorked'}\n reason = 'no-such-user'\n"                                 \
    " examples = {'550 the box has been zorked'}\n}\n"                                                                \
    "rule local-lies {\n pattern = {'recipient address rejected: user unknown'}\n reason = 'policy'\n"                \
    " examples = {'550 recipient address rejected: user unknown'}\n}\n"

static struct ruleset *rules, *others;
static struct policy *policy;
static int64_t now = 3000;
static struct ledger *ledger;
static struct counters counters;
static struct error error;
static char found[2000];

static void setup(void)
{
    struct ledger_options options = {.ruleset = rules, .counters = &counters};

    policy = policy_new();
    database_make();
    options.database = database_path;
    ledger = ledger_open(&options, &error);
    ck_assert_msg(ledger != NULL, "%s", error.text);
}

static void teardown(void)
{
    ledger_close(&ledger);
    policy_unref(&policy);
    database_remove();
}

static void record_take(struct record *record)
{
    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    ck_assert_msg(ledger_record(ledger, record, &error) == 0, "%s", error.text);
    ck_assert_int_eq(ledger_commit(ledger, &error), 0);
    record_free(&record);
}

static void result(const char *queue_id, const char *recipient, const char *reply, enum evidence evidence)
{
    record_take(report_one(evidence, queue_id, recipient, ACTION_FAILED, reply));
}

static void by_hand(enum record_kind kind, const char *key, int64_t time)
{
    struct record *record = record_new(kind, time);

    record->key = xstrdup(key);
    record->stream = xstrdup("");
    record->reason = xstrdup("complaint");
    record->note = xstrdup("");
    record->who = xstrdup("root");
    record_take(record);
}

static int note_one(const struct reclassified *one, void *context)
{
    size_t length = strlen(found);

    (void)context;
    snprintf(found + length, sizeof(found) - length, "%s %s %s->%s %s;", one->release ? "release" : "add", one->key,
             one->was, one->reason, one->rule);
    return 0;
}

static const char *reclassify(struct ruleset *set, int64_t since)
{
    struct reclassify *r = reclassify_open(database_path, set, policy, since, now, &error);
    struct reclassify_progress progress;
    int more;

    ck_assert_msg(r != NULL, "%s", error.text);
    while ((more = reclassify_step(r, &progress, &error)) > 0)
        continue;
    ck_assert_msg(more == 0, "%s", error.text);
    ck_assert_uint_eq(progress.done, progress.total);
    found[0] = '\0';
    ck_assert_int_eq(reclassify_each(r, note_one, NULL, &error), 0);
    reclassify_close(&r);
    return found;
}

START_TEST(the_same_rules_change_nothing)
{
    static const char *const replies[] = {
        DEAD, "550", "", NULL, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        "550-5.1.1 The email account that you tried to reach does not exist.", "452 4.2.2 mailbox full",
        "550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org",
        "550 5.1.1 <x@example.com> suppressed: no-such-user since 2026-11-23 (suppressd)"};
    static const char *const domains[] = {"gmail.com", "example.com", "outlook.com"};
    static const char *const hosts[] = {NULL, "gmail-smtp-in.l.google.com", "mx.tenant.mail.protection.outlook.com"};

    for (int i = 0; i < 9 * 3 * 3; i++) {
        char *recipient = xasprintf("r%d@%s", i, domains[i / 9 % 3]), *queue_id = xasprintf("Q%d", i);
        struct record *record = report_one(i % 4 ? EVIDENCE_LOCAL : EVIDENCE_UNPROVEN, queue_id, recipient,
                                           i % 5 ? ACTION_FAILED : ACTION_COMPLAINT, "");
        struct delivery *delivery = &record->report.deliveries[0];

        free(delivery->reply);
        delivery->reply = replies[i % 9] ? xstrdup(replies[i % 9]) : NULL;
        delivery->remote_mta = hosts[i / 27] ? xstrdup(hosts[i / 27]) : NULL;
        record_take(record);
        free(recipient), free(queue_id);
    }
    ck_assert_int_gt(database_number("SELECT count(*) FROM suppression"), 5);
    ck_assert_str_eq(reclassify(rules, 0), "");
}
END_TEST

START_TEST(other_rules_release_and_add)
{
    result("Q1", "dead@example.com", DEAD, EVIDENCE_LOCAL);
    result("Q2", "zorked@example.com", "550 the box has been zorked", EVIDENCE_LOCAL);
    result("Q3", "forged@example.com", "550 the box has been zorked", EVIDENCE_UNPROVEN);
    ck_assert_str_eq(reclassify(others, 0), "release dead@example.com no-such-user->policy local-lies;"
                                            "add zorked@example.com unclassified->no-such-user local-zorked;");
    ck_assert_str_eq(reclassify(others, 901), ""); /* the results are of 900 */
}
END_TEST

START_TEST(another_result_may_bear_it_out)
{
    result("Q1", "dead@example.com", DEAD, EVIDENCE_LOCAL);
    result("Q2", "dead@example.com", "550 the box has been zorked", EVIDENCE_LOCAL);
    ck_assert_str_eq(reclassify(others, 0), "");
}
END_TEST

START_TEST(a_person_outranks_the_rules)
{
    result("Q1", "manual@example.com", DEAD, EVIDENCE_LOCAL);
    by_hand(RECORD_SUPPRESS, "manual@example.com", 2000);
    result("Q2", "released@example.com", "550 the box has been zorked", EVIDENCE_LOCAL);
    by_hand(RECORD_SUPPRESS, "released@example.com", 2000);
    by_hand(RECORD_RELEASE, "released@example.com", 2001);
    ck_assert_str_eq(reclassify(others, 0), "");
}
END_TEST

static struct ruleset *load_others(void)
{
    char folder[] = "/tmp/suppressd-rules-XXXXXX", path[100];
    struct ruleset *set;
    FILE *file;

    if (!mkdtemp(folder))
        return NULL;
    snprintf(path, sizeof(path), "%s/local.rules", folder);
    if ((file = fopen(path, "w"))) {
        fputs(RULES, file);
        fclose(file);
    }
    set = ruleset_load(NULL, folder, &error);
    unlink(path);
    rmdir(folder);
    return set;
}

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/reclassify");
    TCase *tcase = tcase_create("reclassify");

    message_init();
    if (!(rules = ruleset_load(NULL, NULL, &error)) || !(others = load_others())) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_same_rules_change_nothing);
    tcase_add_test(tcase, other_rules_release_and_add);
    tcase_add_test(tcase, another_result_may_bear_it_out);
    tcase_add_test(tcase, a_person_outranks_the_rules);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
