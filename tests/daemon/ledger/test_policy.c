/* daemon/ledger/policy: defaults, and which line wins. */
#include "config.h"

#include "daemon/ledger/policy.h"

#include "tests/run.h"

#include <string.h>

static struct policy *policy;

static struct policy_line line(const char *name, const char *stream, const char *provider, long action)
{
    struct policy_line made = {
        .where = "test.conf:1", .action = action, .failures = POLICY_UNSET, .days = POLICY_UNSET,
        .duration = POLICY_UNSET, .scope = POLICY_UNSET, .streams = POLICY_UNSET, .mode = POLICY_UNSET,
        .recipients = POLICY_UNSET, .after = POLICY_UNSET};

    strcpy(made.name, name);
    strcpy(made.stream, stream);
    strcpy(made.provider, provider);
    return made;
}

static void add(const char *name, const char *stream, const char *provider, long action)
{
    struct policy_line made = line(name, stream, provider, action);
    struct error error;

    ck_assert_msg(!policy_add(policy, &made, &error), "%s", error.text);
}

static struct policy_rule find(enum reason reason, const char *stream, const char *provider)
{
    struct policy_rule rule;

    policy_find(policy, reason, stream, provider, &rule);
    return rule;
}

static void set_up(void)
{
    policy = policy_new();
}

static void tear_down(void)
{
    policy_unref(&policy);
}

static const struct {
    enum reason reason;
    enum policy_action action;
    enum policy_scope scope;
    int64_t duration;
} standards[] = {
    {REASON_NO_SUCH_USER, POLICY_SUPPRESS, POLICY_ADDRESS, 0},
    {REASON_MAILBOX_FULL, POLICY_COUNT, POLICY_ADDRESS, 30 * 86400},
    {REASON_RECIPIENT_REFUSED, POLICY_COUNT, POLICY_ADDRESS, 30 * 86400},
    {REASON_NO_SUCH_DOMAIN, POLICY_SUPPRESS, POLICY_DOMAIN, 30 * 86400},
    {REASON_DOMAIN_NOT_ACCEPTING, POLICY_SUPPRESS, POLICY_DOMAIN, 30 * 86400},
    {REASON_COMPLAINT, POLICY_SUPPRESS, POLICY_ADDRESS, 0},
    {REASON_TIMEOUT, POLICY_NONE, POLICY_ADDRESS, 0}, /* counted by the taxonomy, but the network's fault */
    {REASON_IP_REPUTATION, POLICY_NONE, POLICY_ADDRESS, 0},
    {REASON_UNCLASSIFIED, POLICY_NONE, POLICY_ADDRESS, 0},
};

START_TEST(standards_are_the_taxonomys)
{
    struct policy_rule rule = find(standards[_i].reason, "news", "google");

    ck_assert_str_eq(policy_action_name(rule.action), policy_action_name(standards[_i].action));
    ck_assert_int_eq(rule.scope, standards[_i].scope);
    ck_assert_int_eq(rule.duration, standards[_i].duration);
    ck_assert_int_eq(rule.streams, POLICY_ALL_STREAMS);
    ck_assert_int_eq(rule.mode, POLICY_ENFORCE);
    ck_assert_str_eq(rule.where, "taxonomy");
}
END_TEST

/* Each line of this ladder outranks those below it, wherever it stands in the file. */
static const struct {
    const char *name, *stream, *provider;
} ladder[] = {
    {"mailbox-full", "news", "google"}, {"mailbox-full", "news", ""}, {"mailbox-full", "", "google"},
    {"mailbox-full", "", ""},           {"address", "news", "google"}, {"address", "news", ""},
    {"address", "", "google"},          {"address", "", ""},
};
#define RUNGS ((int)(sizeof(ladder) / sizeof(ladder[0])))

static void expect_rung(int rung)
{
    struct policy_rule rule = find(REASON_MAILBOX_FULL, "news", "google");

    ck_assert_int_eq(rule.failures, 100 + rung);
}

START_TEST(the_most_specific_line_wins)
{
    for (int i = 0; i < RUNGS; i++) {
        int rung = _i ? i : RUNGS - 1 - i; /* from below, and from above */
        struct policy_line made = line(ladder[rung].name, ladder[rung].stream, ladder[rung].provider, POLICY_COUNT);
        struct error error;

        made.failures = 100 + rung;
        ck_assert_int_eq(policy_add(policy, &made, &error), 0);
        expect_rung(_i ? 0 : rung);
    }
    for (int i = 0; i < RUNGS; i++)
        ck_assert_int_eq(policy_line(policy, (size_t)i)->failures, 100 + i);
}
END_TEST

START_TEST(a_line_is_for_its_stream_and_provider_alone)
{
    add("mailbox-full", "news", "google", POLICY_NONE);
    ck_assert_int_eq(find(REASON_MAILBOX_FULL, "News", "Google").action, POLICY_NONE);
    ck_assert_int_eq(find(REASON_MAILBOX_FULL, "news", "yahoo").action, POLICY_COUNT);
    ck_assert_int_eq(find(REASON_MAILBOX_FULL, NULL, "google").action, POLICY_COUNT);
    ck_assert_int_eq(find(REASON_NO_SUCH_USER, "news", "google").action, POLICY_SUPPRESS);
}
END_TEST

/* What a family's line leaves open is each reason's own. */
START_TEST(open_fields_stay_the_reasons_own)
{
    struct policy_line made = line("address", "", "", POLICY_UNSET);
    struct error error;

    made.streams = POLICY_ONE_STREAM;
    ck_assert_int_eq(policy_add(policy, &made, &error), 0);
    ck_assert_int_eq(find(REASON_NO_SUCH_USER, "", "").action, POLICY_SUPPRESS);
    ck_assert_int_eq(find(REASON_MAILBOX_FULL, "", "").action, POLICY_COUNT);
    ck_assert_int_eq(find(REASON_MAILBOX_FULL, "", "").streams, POLICY_ONE_STREAM);
    ck_assert_int_eq(policy_stop_all(policy, "no-such-user, moved", &error), 0);
    ck_assert_int_eq(find(REASON_NO_SUCH_USER, "", "").streams, POLICY_ALL_STREAMS);
    ck_assert_int_eq(find(REASON_MAILBOX_FULL, "", "").streams, POLICY_ONE_STREAM);
    ck_assert_int_eq(policy_stop_all(policy, "no-such-thing", &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "no-such-thing"));
}
END_TEST

static const struct {
    const char *name;
    long action;
    const char *error; /* a part of it */
} bad[] = {
    {"no-such-thing", POLICY_NONE, "no such reason or family"},
    {"ip-reputation", POLICY_SUPPRESS, "not the recipient's fault (subject: sender-ip)"},
    {"ip-reputation", POLICY_COUNT, "not the recipient's fault (subject: sender-ip)"},
    {"timeout", POLICY_HOLD, "not the recipient's fault (subject: network)"},
    {"reputation", POLICY_SUPPRESS, "not the recipient's fault"},
    {"remote", POLICY_SUPPRESS, "not the recipient's fault"}, /* of its reasons some are */
    {"unclassified", POLICY_SUPPRESS, "not the recipient's fault (subject: unknown)"},
    {"delivered", POLICY_SUPPRESS, "not the recipient's fault"},
};

START_TEST(bad_lines_are_refused)
{
    struct policy_line made = line(bad[_i].name, "", "", bad[_i].action);
    struct error error;

    ck_assert_int_eq(policy_add(policy, &made, &error), -1);
    ck_assert_msg(strstr(error.text, bad[_i].error) != NULL, "%s", error.text);
    ck_assert_uint_eq(policy_lines(policy), 0);
}
END_TEST

START_TEST(no_two_lines_tie)
{
    struct policy_line made = line("mailbox-full", "News", "", POLICY_NONE);
    struct error error;

    add("mailbox-full", "news", "", POLICY_COUNT);
    ck_assert_int_eq(policy_add(policy, &made, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "test.conf:1"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/policy");
    TCase *tc = tcase_create("policy");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, standards_are_the_taxonomys, 0, sizeof(standards) / sizeof(standards[0]));
    tcase_add_loop_test(tc, the_most_specific_line_wins, 0, 2);
    tcase_add_test(tc, a_line_is_for_its_stream_and_provider_alone);
    tcase_add_test(tc, open_fields_stay_the_reasons_own);
    tcase_add_loop_test(tc, bad_lines_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tc, no_two_lines_tie);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
