/* daemon/ledger/reclassify: the same rules find nothing to change, whatever was
 * recorded; other rules find who rests on nothing any more, and whom they would
 * add; a person's word outranks both. */
#include "config.h"

#include "daemon/ledger/reclassify.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/plan.h"
#include "daemon/ledger/policy.h"
#include "daemon/report/message.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#define DAY 86400LL
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
static char found[2000], found_note[600], found_stream[100]; /* all but the first: of the last one */
static int64_t found_until;

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

static void at(int64_t time, enum action action, const char *recipient, const char *reply)
{
    char queue_id[40];
    struct record *record;

    snprintf(queue_id, sizeof(queue_id), "T%lld", (long long)time);
    record = report_one(EVIDENCE_LOCAL, queue_id, recipient, action, reply);
    record->time = record->report.deliveries[0].time = time;
    record_take(record);
}

static struct policy_line line(const char *name, long action)
{
    struct policy_line made = {
        .where = "test.conf:1", .action = action, .failures = POLICY_UNSET, .days = POLICY_UNSET, .duration = POLICY_UNSET,
        .scope = POLICY_UNSET, .streams = POLICY_UNSET, .mode = POLICY_UNSET, .recipients = POLICY_UNSET,
        .after = POLICY_UNSET};

    strcpy(made.name, name);
    return made;
}

static void use(const struct policy_line *one)
{
    ck_assert_msg(!policy_add(policy, one, &error), "%s", error.text);
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

static int plan_one(const struct reclassified *one, void *context)
{
    const struct plan_item item = {
        .key = (char *)(uintptr_t)one->key, .stream = (char *)(uintptr_t)one->stream,
        .reason = (char *)(uintptr_t)(one->release ? NULL : one->reason), .policy = (char *)(uintptr_t)one->policy,
        .note = (char *)(uintptr_t)one->note, .event = one->event, .until = one->until, .trial = one->trial};

    plan_add(context, &item);
    return 0;
}

static int note_one(const struct reclassified *one, void *context)
{
    size_t length = strlen(found);

    (void)context;
    found_until = one->until;
    snprintf(found_note, sizeof(found_note), "%s", one->note);
    snprintf(found_stream, sizeof(found_stream), "%s", one->stream);
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

/* ------------------------------------------------------------------- the policy */

#define FULL "552 5.2.2 Mailbox full"
#define NO_DOMAIN "Host or domain name not found. Name service error for name=gone.example type=A: Host not found"
#define ZORKED "550 the box has been zorked"

/* Failures that counted reach a number that was not asked for then. */
START_TEST(a_count_that_is_reached_today)
{
    struct policy_line count = line("mailbox-full", POLICY_COUNT);

    for (int day = 1; day <= 3; day++) {
        at(day * DAY, ACTION_FAILED, "joe@example.com", FULL);
        at(day * DAY + 1, ACTION_FAILED, "ann@example.com", FULL);
        at(day * DAY + 2, ACTION_FAILED, "bob@example.com", FULL);
    }
    at(3 * DAY + 9, ACTION_DELIVERED, "ann@example.com", "250 ok");
    by_hand(RECORD_ALLOW, "bob@example.com", 3 * DAY);
    now = 4 * DAY;
    ck_assert_str_eq(reclassify(rules, 0), "");
    count.failures = 3;
    count.days = 2;
    use(&count);
    ck_assert_str_eq(reclassify(rules, 0), "add joe@example.com mailbox-full->mailbox-full mailbox-full;");
    ck_assert_int_eq(found_until, 3 * DAY + 30 * DAY);
    now = 40 * DAY; /* what would follow would be over */
    ck_assert_str_eq(reclassify(rules, 0), "");
}
END_TEST

/* New rules count with old ones. */
START_TEST(failures_count_by_their_verdicts_of_today)
{
    struct policy_line count = line("no-such-user", POLICY_COUNT);

    count.failures = 2;
    count.days = 1;
    use(&count);
    at(1 * DAY, ACTION_FAILED, "joe@example.com", ZORKED);
    at(2 * DAY, ACTION_FAILED, "joe@example.com", ZORKED);
    at(2 * DAY + 1, ACTION_FAILED, "ann@example.com", ZORKED);
    now = 3 * DAY;
    ck_assert_str_eq(reclassify(others, 0), "add joe@example.com unclassified->no-such-user local-zorked;");
    ck_assert_str_eq(reclassify(others, 2 * DAY + 1), ""); /* since: his results lie before */
}
END_TEST

START_TEST(a_policy_that_acts_no_more_releases)
{
    struct policy_line none = line("no-such-user", POLICY_NONE);

    result("Q1", "dead@example.com", DEAD, EVIDENCE_LOCAL);
    result("Q2", "manual@example.com", DEAD, EVIDENCE_LOCAL);
    by_hand(RECORD_SUPPRESS, "manual@example.com", 2000);
    record_take(report_one(EVIDENCE_LOCAL, "Q3", "angry@example.com", ACTION_COMPLAINT, "Feedback-Type: abuse"));
    use(&none);
    ck_assert_str_eq(reclassify(rules, 0), "release dead@example.com no-such-user->no-such-user address-unknown;");
}
END_TEST

START_TEST(what_is_tried_out_or_held_is_not_enforced)
{
    struct policy_line shadow = line("no-such-user", POLICY_UNSET);

    shadow.mode = POLICY_SHADOW;
    result("Q1", "dead@example.com", DEAD, EVIDENCE_LOCAL);
    result("Q2", "zorked@example.com", ZORKED, EVIDENCE_LOCAL);
    use(&shadow);
    ck_assert_str_eq(reclassify(others, 0), "release dead@example.com no-such-user->policy local-lies;");
    ck_assert_str_eq(reclassify(rules, 0), "release dead@example.com no-such-user->no-such-user address-unknown;");
    ck_assert_msg(strstr(found_note, "shadow mode (test.conf:1)") != NULL, "%s", found_note);
}
END_TEST

START_TEST(a_domain_needs_those_who_agree)
{
    struct policy_line two = line("no-such-domain", POLICY_UNSET);

    at(1 * DAY, ACTION_FAILED, "a@gone.example", NO_DOMAIN);
    at(1 * DAY + 1, ACTION_FAILED, "b@gone.example", NO_DOMAIN);
    at(1 * DAY + 2, ACTION_FAILED, "a@lonely.example", NO_DOMAIN);
    now = 2 * DAY;
    ck_assert_str_eq(reclassify(rules, 0), "");
    two.recipients = 2;
    use(&two);
    ck_assert_msg(strstr(reclassify(rules, 0), "add @gone.example no-such-domain->no-such-domain") == found, "%s", found);
    ck_assert_ptr_null(strstr(found, "lonely"));
    at(1 * DAY + 9, ACTION_DELIVERED, "b@gone.example", "250 ok");
    ck_assert_str_eq(reclassify(rules, 0), "");
}
END_TEST

START_TEST(a_domain_that_is_still_blamed_stays)
{
    struct policy_line none = line("no-such-domain", POLICY_NONE);

    for (int i = 0; i < 3; i++) {
        char *recipient = xasprintf("r%d@gone.example", i);

        at(1 * DAY + i, ACTION_FAILED, recipient, NO_DOMAIN);
        free(recipient);
    }
    now = 2 * DAY;
    ck_assert_str_eq(database_text("SELECT group_concat(key) FROM suppression"), "@gone.example");
    ck_assert_str_eq(reclassify(rules, 0), "");
    use(&none);
    ck_assert_msg(strstr(reclassify(rules, 0), "release @gone.example no-such-domain->no-such-domain") == found, "%s", found);
}
END_TEST

/* A stream of its own is added where the policy says so. */
START_TEST(one_stream_is_added_where_the_policy_says_so)
{
    struct policy_line own = line("no-such-user", POLICY_UNSET);

    own.streams = POLICY_ONE_STREAM;
    use(&own);
    result("Q1", "zorked@example.com", ZORKED, EVIDENCE_LOCAL);
    (void)reclassify(others, 0);
    ck_assert_str_eq(found_stream, "example.org");
}
END_TEST

/* ------------------------------------------------------ what speaks for somebody */

START_TEST(an_incident_of_its_time_would_have_held_it)
{
    result("Q1", "zorked@example.com", ZORKED, EVIDENCE_LOCAL); /* of 900 */
    database_text("INSERT INTO incident (kind, scope, name, begun, opened, closed, failures, usual)"
                  " VALUES ('provider-outage', 'domain', 'example.com', 800, 850, 1000, 9, 1)");
    ck_assert_str_eq(reclassify(others, 0), "");
    database_text("UPDATE incident SET name = 'example.org'");
    ck_assert_str_eq(reclassify(others, 0), "add zorked@example.com unclassified->no-such-user local-zorked;");
    database_text("UPDATE incident SET name = 'example.com', closed = 899");
    ck_assert_str_eq(reclassify(others, 0), "add zorked@example.com unclassified->no-such-user local-zorked;");
}
END_TEST

/* What an MTA made final, and what a gate said, was nobody's word. */
START_TEST(a_temporary_refusal_made_final_is_no_evidence)
{
    struct record *record = report_one(EVIDENCE_LOCAL, "Q1", "joe@example.com", ACTION_FAILED, "450 the box has been zorked");

    record->report.deliveries[0].status = xstrdup("5.0.0");
    record_take(record);
    result("Q2", "ann@example.com", "550 5.1.1 <x> suppressed: zorked, the box has been zorked (suppressd)", EVIDENCE_LOCAL);
    ck_assert_str_eq(reclassify(others, 0), "");
}
END_TEST

/* What counted has been let go of: nobody is released for want of it. */
START_TEST(evidence_that_is_gone_releases_nobody)
{
    struct policy_line more = line("mailbox-full", POLICY_COUNT);

    for (int day = 1; day <= 8; day += 1)
        at(day * DAY, ACTION_FAILED, "joe@example.com", FULL);
    now = 9 * DAY;
    ck_assert_int_eq(database_number("SELECT count(*) FROM v_suppressed"), 1);
    more.failures = 9;
    more.days = 7;
    use(&more);
    ck_assert_str_eq(reclassify(rules, 0), "release joe@example.com mailbox-full->mailbox-full mailbox-full;");
    database_text("DELETE FROM event WHERE time < 3 * 86400");
    ck_assert_str_eq(reclassify(rules, 0), "");
}
END_TEST

static int count_one(const struct reclassified *one, void *context)
{
    (void)one;
    ++*(int *)context;
    return 0;
}

/* More than one step takes. */
START_TEST(many_are_all_found)
{
    struct policy_line none = line("no-such-user", POLICY_NONE);
    struct reclassify_progress progress;
    struct reclassify *r;
    int count = 0;

    ck_assert_int_eq(ledger_begin(ledger, &error), 0);
    for (int i = 0; i < 12000; i++) {
        char recipient[40];
        struct record *record;

        snprintf(recipient, sizeof(recipient), "r%d@example.com", i);
        record = report_one(EVIDENCE_LOCAL, recipient, recipient, ACTION_FAILED, DEAD);
        ck_assert_int_eq(ledger_record(ledger, record, &error), 0);
        record_free(&record);
    }
    ck_assert_int_eq(ledger_commit(ledger, &error), 0);
    use(&none);
    ck_assert_ptr_nonnull(r = reclassify_open(database_path, rules, policy, 0, now, &error));
    while (reclassify_step(r, &progress, &error) > 0)
        continue;
    ck_assert_uint_eq(progress.release, 12000);
    ck_assert_int_eq(reclassify_each(r, count_one, &count, &error), 0);
    ck_assert_int_eq(count, 12000);
    reclassify_close(&r);
}
END_TEST

static void apply_found(struct ruleset *set)
{
    struct reclassify *r = reclassify_open(database_path, set, policy, 0, now, &error);
    struct record *stage = record_new(RECORD_STAGE, now), *apply = record_new(RECORD_APPLY, now);
    struct reclassify_progress progress;

    stage->plan = plan_new(7);
    apply->plan = plan_new(7);
    apply->plan->seen = reclassify_seen(r);
    apply->who = xstrdup("root");
    apply->note = xstrdup("");
    while (reclassify_step(r, &progress, &error) > 0)
        continue;
    ck_assert_int_eq(reclassify_each(r, plan_one, stage->plan, &error), 0);
    reclassify_close(&r);
    record_take(stage);
    record_take(apply);
}

/* Whom bad rules have released, better ones find again. */
START_TEST(what_rules_released_rules_may_add)
{
    result("Q1", "dead@example.com", DEAD, EVIDENCE_LOCAL);
    apply_found(others);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    ck_assert_str_eq(reclassify(others, 0), "");
    ck_assert_str_eq(reclassify(rules, 0), "add dead@example.com no-such-user->no-such-user address-unknown;");
    apply_found(rules);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
    by_hand(RECORD_RELEASE, "dead@example.com", 2500); /* a person has the last word */
    ck_assert_str_eq(reclassify(rules, 0), "");
}
END_TEST

/* Whatever happened: what the ledger decided by these rules and this policy, they decide again. */
START_TEST(a_random_past_is_borne_out)
{
    static const char *const replies[] = {DEAD, FULL, FULL, FULL, NO_DOMAIN, "550 5.7.1 rejected as spam", "550", "450 4.2.2 full"};
    static const enum record_kind kinds[] = {RECORD_SUPPRESS, RECORD_RELEASE, RECORD_ALLOW, RECORD_DISALLOW};
    unsigned seed = (unsigned)_i * 7919u + 1;
    struct policy_line count = line("mailbox-full", POLICY_COUNT);
    struct ledger_options options = {.ruleset = rules, .counters = &counters, .database = database_path};
    int suppressed = 0;

    count.failures = 3;
    count.days = 2;
    use(&count);
    options.policy = policy;
    ledger_close(&ledger);
    ck_assert_ptr_nonnull(ledger = ledger_open(&options, &error));
    for (int i = 0; i < 250; i++) {
        char recipient[40];
        unsigned draw = (seed = seed * 1103515245u + 12345u) >> 12;

        snprintf(recipient, sizeof(recipient), "r%u@d%u.example", draw % 5, draw / 5 % 4);
        now = (100 + i / 4) * DAY + i * 60;
        draw /= 20;
        if (draw % 10 == 0)
            by_hand(kinds[draw / 10 % 4], recipient, now);
        else if (draw % 10 < 4)
            at(now, ACTION_DELIVERED, recipient, "250 ok");
        else
            at(now, draw % 40 == 39 ? ACTION_COMPLAINT : ACTION_FAILED, recipient, replies[draw / 10 % 8]);
        suppressed += database_number("SELECT count(*) > 0 FROM v_suppressed WHERE origin = 'automatic'") > 0;
        if (i % 25 == 24)
            ck_assert_msg(!*reclassify(rules, 0), "run %d, step %d: %s (%s)", _i, i, found, found_note);
    }
    ck_assert_int_gt(suppressed, 50);
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
    tcase_add_test(tcase, a_count_that_is_reached_today);
    tcase_add_test(tcase, failures_count_by_their_verdicts_of_today);
    tcase_add_test(tcase, a_policy_that_acts_no_more_releases);
    tcase_add_test(tcase, what_is_tried_out_or_held_is_not_enforced);
    tcase_add_test(tcase, a_domain_needs_those_who_agree);
    tcase_add_test(tcase, a_domain_that_is_still_blamed_stays);
    tcase_add_test(tcase, one_stream_is_added_where_the_policy_says_so);
    tcase_add_test(tcase, an_incident_of_its_time_would_have_held_it);
    tcase_add_test(tcase, a_temporary_refusal_made_final_is_no_evidence);
    tcase_add_test(tcase, evidence_that_is_gone_releases_nobody);
    tcase_add_test(tcase, many_are_all_found);
    tcase_add_test(tcase, what_rules_released_rules_may_add);
    tcase_add_loop_test(tcase, a_random_past_is_borne_out, 0, 10);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
