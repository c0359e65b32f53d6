/* daemon/ledger/judge: words decide on failures, the action on all else. */
#include "config.h"

#include "daemon/ledger/judge.h"

#include "classifier/ruleset.h"
#include "tests/run.h"

#include <stdio.h>

#define DEAD "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown"

static struct classifier *classifier;

static const struct {
    enum action action;
    const char *reply;
    enum reason reason;
} cases[] = {
    {ACTION_FAILED, DEAD, REASON_NO_SUCH_USER},
    {ACTION_DELAYED, "452 4.2.2 Mailbox full", REASON_MAILBOX_FULL},
    {ACTION_FAILED, NULL, REASON_UNCLASSIFIED},
    {ACTION_DELIVERED, "250 2.0.0 Ok", REASON_DELIVERED},
    {ACTION_RELAYED, DEAD, REASON_DELIVERED},
    {ACTION_EXPANDED, NULL, REASON_DELIVERED},
    {ACTION_AUTO_REPLY, "Out of office: mailbox full", REASON_AUTO_REPLY},
    {ACTION_AUTO_REPLY, "Challenge-Response: are you a person?", REASON_CHALLENGE_RESPONSE},
    {ACTION_AUTO_REPLY, NULL, REASON_AUTO_REPLY},
    {ACTION_COMPLAINT, "Feedback-Type: abuse", REASON_COMPLAINT},
    {ACTION_COMPLAINT, "Feedback-Type: fraud", REASON_COMPLAINT},
    {ACTION_COMPLAINT, "feedback-type: OPT-OUT", REASON_OPT_OUT},
    {ACTION_COMPLAINT, "Feedback-Type: not-spam", REASON_NOT_SPAM},
    {ACTION_COMPLAINT, "Feedback-Type: virus", REASON_VIRUS},
    {ACTION_COMPLAINT, NULL, REASON_COMPLAINT},
};

START_TEST(judges)
{
    const struct delivery delivery = {.action = cases[_i].action, .reply = (char *)(uintptr_t)cases[_i].reply};
    struct verdict verdict;

    judge(classifier, &delivery, "example.com", &verdict);
    ck_assert_str_eq(reason_info(verdict.reason)->name, reason_info(cases[_i].reason)->name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/judge");
    TCase *tc = tcase_create("judge");
    struct error error;
    struct ruleset *rules = ruleset_load(NULL, NULL, &error);
    int failed;

    if (!rules || !(classifier = classifier_open(rules, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_add_loop_test(tc, judges, 0, sizeof(cases) / sizeof(cases[0]));
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    classifier_close(&classifier);
    ruleset_unref(&rules);
    return failed;
}
