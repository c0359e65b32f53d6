/* Verdicts: the questions people ask, and what must never suppress. */
#include "config.h"

#include "classifier/classify.h"

#include "classifier/ruleset.h"
#include "tests/run.h"

#include <string.h>

static struct ruleset *ruleset;
static struct classifier *classifier;

static void open_classifier(void)
{
    struct error error = {0};

    ruleset = ruleset_load(NULL, NULL, &error);
    ck_assert_msg(ruleset != NULL, "%s", error.text);
    classifier = classifier_open(ruleset, &error);
    ck_assert_ptr_nonnull(classifier);
}

static void close_classifier(void)
{
    classifier_close(&classifier);
    ruleset_unref(&ruleset);
}

static const struct {
    const char *text, *status, *mta, *reason;
} cases[] = {
    {"550 relaying denied", NULL, NULL, "relaying-denied"},
    {"550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", NULL,
     "example-com.mail.protection.outlook.com", "no-such-user"},
    {"554 5.7.1 <a@example.com>: Recipient address rejected: Access denied", NULL, NULL,
     "recipient-refused"},
    {"550 5.5.0 Requested action not taken: mailbox unavailable", NULL,
     "hotmail-com.olc.protection.outlook.com", "no-such-user"},
    {"550 5.7.1 Unable to relay", NULL, NULL, "relaying-denied"},
    {"550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org", NULL, NULL,
     "ip-blocklisted"},
    {"550 5.7.1 Message refused: DMARC", NULL, NULL, "dmarc-fail"},
    {"550 5.7.1 This message looks like spam", NULL, NULL, "spam-content"},
    {"550 5.5.5 whatever", NULL, NULL, "unclassified"},
    {"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", NULL, NULL, "no-such-user"},
    {"550 5.1.1", NULL, NULL, "no-such-user"},
    {"550 Blocked", NULL, NULL, "policy"},
    {"550 Message rejected", NULL, NULL, "policy"},
    {"550 5.7.509 Access denied, sending domain EXAMPLE.COM does not pass DMARC verification", NULL,
     NULL, "dmarc-fail"},
    {"550 5.7.606 Access denied, banned sending IP [192.0.2.1]", NULL, NULL, "ip-reputation"},
    {"553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", NULL, NULL,
     "relaying-denied"},
    {"550 5.1.1 address is on our suppression list", NULL, NULL, "recipient-suppressed"},
    {"550", NULL, NULL, "unclassified"},
    {"", NULL, NULL, "unclassified"},
    {"", "5.1.1", NULL, "no-such-user"},
    {"550 5.1.1 zork", NULL, NULL, "no-such-user"},
    {"550 zork", "5.1.1", NULL, "unclassified"}, /* a status that the reporting MTA made up */
    {"550", "5.1.1", NULL, "unclassified"},
    {"550 zork", "5.2.2", NULL, "mailbox-full"}, /* it may tell what does not suppress */
    {"450 4.1.1 something", NULL, NULL, "unclassified"},
    {"250 2.0.0 Ok: queued", NULL, NULL, "delivered"},
    {"550 El usuario no existe", NULL, NULL, "no-such-user"},
    {"550 Empf\xe4nger unbekannt", NULL, NULL, "no-such-user"},
    {"550 \xe7\x94\xa8\xe6\x88\xb7\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8", NULL, NULL,
     "no-such-user"},
    {"421 4.7.0 Try again later", NULL, NULL, "system-error"},
};

START_TEST(the_questions_people_ask)
{
    struct classify_input input = {.text = cases[_i].text, .length = strlen(cases[_i].text),
                                   .status = cases[_i].status, .mta = cases[_i].mta};
    struct verdict verdict;

    classify(classifier, &input, &verdict);
    ck_assert_msg(!strcmp(reason_info(verdict.reason)->name, cases[_i].reason),
                  "%s: %s by %s, not %s", cases[_i].text, reason_info(verdict.reason)->name,
                  verdict.rule, cases[_i].reason);
}
END_TEST

/* Words that name an address beside a cause that is not the recipient's. */
static const char *const innocent[] = {
    "550 5.7.1 <unknown-user@example.com>: your IP 192.0.2.1 is blocked",
    "550 5.1.1 unauthorized sender",
    "554 5.7.1 <no-such-user@example.com>: Relay access denied",
    "550 5.1.8 Sender address rejected: user unknown",
    "550 5.7.1 user a@example.com: message rejected as spam",
    "550 your account has been suspended for sending spam",
    "550 5.1.1 recipient not accepted: SPF check failed",
    "550 mailbox unavailable: DMARC policy of the sender",
    "450 4.1.1 <a@example.com>: Recipient address rejected: Greylisted",
    "550 5.7.1 invalid HELO name for this recipient",
    "554 host does not exist in reverse DNS, recipient refused",
    "550 IP address disabled by our block list",
    "550 Access denied",
    "554 Transaction failed",
    "550 5.7.1 blocked by recipient's security gateway: virus found",
};

START_TEST(somebody_elses_fault_never_suppresses)
{
    struct classify_input input = {.text = innocent[_i], .length = strlen(innocent[_i])};
    struct verdict verdict;

    classify(classifier, &input, &verdict);
    ck_assert_msg(reason_info(verdict.reason)->hygiene != HYGIENE_SUPPRESS, "%s: %s by %s",
                  innocent[_i], reason_info(verdict.reason)->name, verdict.rule);
}
END_TEST

static const struct {
    const char *text;
    enum persistence persistence;
} lasts[] = {
    {"452 4.2.2 mailbox full", PERSISTENCE_TRANSIENT},
    {"552 5.2.2 mailbox full", PERSISTENCE_PERMANENT},
    {"mailbox full", PERSISTENCE_TRANSIENT},
    {"450 4.1.1 user unknown", PERSISTENCE_TRANSIENT},
    {"user unknown", PERSISTENCE_PERMANENT},
    {"421 what", PERSISTENCE_TRANSIENT},
};

START_TEST(the_code_says_how_long)
{
    struct classify_input input = {.text = lasts[_i].text, .length = strlen(lasts[_i].text)};
    struct verdict verdict;

    classify(classifier, &input, &verdict);
    ck_assert_int_eq(verdict.persistence, lasts[_i].persistence);
}
END_TEST

static const struct {
    const char *text, *mta, *domain, *provider;
} providers[] = {
    {"550 no", "gmail-smtp-in.l.google.com", NULL, "google"},
    {"550 no", "GMAIL-SMTP-IN.L.GOOGLE.COM.", NULL, "google"},
    {"550 no", "notgoogle.com", NULL, ""},
    {"550 5.1.1 no x12si3 - gsmtp", NULL, NULL, "google"},
    {"550 no", NULL, "gmail.com", "google"},
    {"550 no", "mx.example.com", "gmail.com", "google"},
    {"550 no", "mx1.comcast.net", "gmail.com", "comcast"},
    {"550 no", NULL, NULL, ""},
};

START_TEST(providers_are_recognised)
{
    struct classify_input input = {.text = providers[_i].text, .length = strlen(providers[_i].text),
                                   .mta = providers[_i].mta, .domain = providers[_i].domain};
    struct verdict verdict;

    classify(classifier, &input, &verdict);
    ck_assert_str_eq(verdict.provider, providers[_i].provider);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

int main(void)
{
    Suite *suite = suite_create("classify");
    TCase *tcase = tcase_create("verdicts");

    tcase_add_unchecked_fixture(tcase, open_classifier, close_classifier);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_questions_people_ask, 0, COUNT(cases));
    tcase_add_loop_test(tcase, somebody_elses_fault_never_suppresses, 0, COUNT(innocent));
    tcase_add_loop_test(tcase, the_code_says_how_long, 0, COUNT(lasts));
    tcase_add_loop_test(tcase, providers_are_recognised, 0, COUNT(providers));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
