/* daemon/gate/status_filter: what Postfix is told, that only the first digit
 * ever changes, and that the classifier reads the result as it read the original. */
#include "config.h"

#include "daemon/gate/status_filter.h"

#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "daemon/settings.h"
#include "tests/run.h"

#include <string.h>

#define SAID "host mx.example.com[192.0.2.1] said: "
#define RCPT " (in reply to RCPT TO command)"
#define RETRY "rate-limited, ip-reputation,ip-blocklisted"
#define RETURN "no-such-user, no-such-domain"

static struct ruleset *rules;
static struct classifier *classifier;
static struct settings *settings;
static struct counters counters;

static void setup(void)
{
    struct error error = {0};

    rules = ruleset_load(NULL, NULL, &error);
    ck_assert_msg(rules != NULL, "%s", error.text);
    classifier = classifier_open(rules, &error);
    settings = settings_defaults();
}

static void teardown(void)
{
    classifier_close(&classifier);
    ruleset_unref(&rules);
    settings_unref(&settings);
}

static void configure(const char *retry, const char *back)
{
    free(settings->status_retry);
    free(settings->status_return);
    settings->status_retry = strdup(retry);
    settings->status_return = strdup(back);
}

static const struct {
    const char *retry, *back, *line, *result; /* NULL: stays */
} cases[] = {
    {"", "", "5.1.1 " SAID "550 5.1.1 User unknown" RCPT,
     "5.1.1 " SAID "550 5.1.1 User unknown" RCPT " (suppressd: no-such-user)"},
    {"", "", "4.4.1 connect to mx.example.com[192.0.2.1]:25: Connection timed out",
     "4.4.1 connect to mx.example.com[192.0.2.1]:25: Connection timed out (suppressd: timeout)"},
    {"", "", "5.0.0 " SAID "550 zork" RCPT, "5.0.0 " SAID "550 zork" RCPT " (suppressd: unclassified)"},
    {RETRY, RETURN, "5.7.1 " SAID "550 5.7.606 Access denied, banned sending IP [192.0.2.1]" RCPT,
     "4.7.1 " SAID "550 5.7.606 Access denied, banned sending IP [192.0.2.1]" RCPT
     " (suppressd: ip-reputation, was 5.7.1)"},
    {RETRY, RETURN, "5.1.1 " SAID "550 5.1.1 User unknown" RCPT,
     "5.1.1 " SAID "550 5.1.1 User unknown" RCPT " (suppressd: no-such-user)"},
    {RETRY, RETURN, "4.1.1 " SAID "450 4.1.1 User unknown" RCPT,
     "5.1.1 " SAID "450 4.1.1 User unknown" RCPT " (suppressd: no-such-user, was 4.1.1)"},
    {RETRY, RETURN, "4.7.1 " SAID "450 4.7.1 Client host blocked using zen.spamhaus.org" RCPT,
     "4.7.1 " SAID "450 4.7.1 Client host blocked using zen.spamhaus.org" RCPT " (suppressd: ip-blocklisted)"},
    /* No server has said it: our own resolver may be ill. */
    {"", "no-such-domain", "4.4.3 Host or domain name not found. Name service error for name=a.example type=MX: Host not found",
     "4.4.3 Host or domain name not found. Name service error for name=a.example type=MX: Host not found (suppressd: no-such-domain)"},
    {RETRY, RETURN, "2.0.0 " SAID "250 2.0.0 Ok", NULL},
    {RETRY, RETURN, "5.1.1 <a@example.com> suppressed: no-such-user since 2026-11-23 (suppressd)", NULL},
    {RETRY, RETURN, "5.1.1", NULL},
    {RETRY, RETURN, "5.1.1 ", NULL},
    {RETRY, RETURN, "5.1 text", NULL},
    {RETRY, RETURN, "3.1.1 text", NULL},
    {RETRY, RETURN, "text", NULL},
    {RETRY, RETURN, "", NULL},
};

START_TEST(filters)
{
    char *result;

    configure(cases[_i].retry, cases[_i].back);
    result = status_filter(classifier, settings, cases[_i].line, &counters);
    ck_assert_msg(!result == !cases[_i].result, "%s: %s", cases[_i].line, result ? result : "stays");
    if (!result)
        return;
    ck_assert_str_eq(result, cases[_i].result);
    ck_assert(!strncmp(result + 1, cases[_i].line + 1, strlen(cases[_i].line + 1)));
    ck_assert(*result == '4' || *result == '5');
    free(result);
}
END_TEST

START_TEST(is_read_as_before)
{
    const char *line = cases[_i].line;
    char *result;
    struct verdict before, after;
    struct classify_input input = {.text = line, .length = strlen(line)};

    configure(RETRY, RETURN);
    if (!(result = status_filter(classifier, settings, line, &counters)))
        return;
    input.text = strchr(line, ' ') + 1;
    input.length = strlen(input.text);
    classify(classifier, &input, &before);
    input.text = strchr(result, ' ') + 1;
    input.length = strlen(input.text);
    classify(classifier, &input, &after);
    ck_assert_int_eq(before.reason, after.reason);
    ck_assert_str_eq(before.rule, after.rule);
    ck_assert_int_eq(before.code, after.code);
    ck_assert_int_eq(before.stage, after.stage);
    free(result);
}
END_TEST

static const struct {
    const char *text;
    int final;
    const char *problem; /* NULL: good */
} lists[] = {
    {"", 0, NULL},
    {"", 1, NULL},
    {"rate-limited", 0, NULL},
    {" rate-limited ,ip-reputation ", 0, NULL},
    {"no-such-user,moved", 1, NULL},
    {"no-such-thing", 0, "'no-such-thing' is no reason"},
    {"rate-limited,,moved", 0, "'' is no reason"},
    {"mailbox-full", 1, "'mailbox-full' cannot be made final: it may pass"},
    {"rate-limited", 1, "'rate-limited' cannot be made final: it may pass"},
};

START_TEST(checks_lists)
{
    struct error error = {0};

    ck_assert_int_eq(status_filter_check(lists[_i].text, lists[_i].final, &error), lists[_i].problem ? -1 : 0);
    ck_assert_str_eq(error.text, lists[_i].problem ? lists[_i].problem : "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status_filter");
    TCase *tc = tcase_create("status_filter"), *lists_tc = tcase_create("lists");

    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, lists_tc);
    tcase_set_timeout(tc, 60);
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, filters, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_loop_test(tc, is_read_as_before, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_loop_test(lists_tc, checks_lists, 0, (int)(sizeof(lists) / sizeof(lists[0])));
    return run_suite(suite);
}
