/* suppressctl policy test: what would follow, if this reply came for this
 * recipient now, from what is on record. Nothing is changed. */
#include "config.h"

#include "ctl/policy.h"

#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "daemon/ledger/hygiene.h"
#include "daemon/ledger/judge.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/past.h"
#include "daemon/report/address.h"
#include "daemon/settings.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct test {
    const char *stream, *provider;
    struct delivery delivery;
    struct address address;
    struct verdict verdict;
    struct hygiene_facts facts;
    struct policy_rule rule;
    struct hygiene_history history;
    struct decision decision;
};

static int read_options(int argc, char **argv, struct test *test)
{
    static const struct option options[] = {
        {"stream", required_argument, NULL, 's'}, {"provider", required_argument, NULL, 'p'},
        {"status", required_argument, NULL, 'e'}, {"mta", required_argument, NULL, 'm'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            test->stream = optarg;
        else if (option == 'p')
            test->provider = optarg;
        else if (option == 'e')
            test->delivery.status = optarg;
        else if (option == 'm')
            test->delivery.remote_mta = optarg;
        else
            return -1;
    }
    return argc - optind == 2 ? 0 : -1;
}

static int find_verdict(struct ctl *ctl, struct test *test, struct error *error)
{
    struct ruleset *ruleset = ctl_ruleset(ctl, error);
    struct classifier *classifier = ruleset ? classifier_open(ruleset, error) : NULL;

    if (classifier)
        judge(classifier, &test->delivery, test->address.key + test->address.domain, &test->verdict);
    if (test->provider)
        snprintf(test->verdict.provider, sizeof(test->verdict.provider), "%s", test->provider);
    ruleset_unref(&ruleset);
    if (!classifier)
        return -1;
    classifier_close(&classifier);
    return 0;
}

static int find_decision(struct ctl *ctl, const struct settings *settings, struct test *test, struct error *error)
{
    const struct past_question question = {
        .key = test->address.key,
        .domain = test->address.key + test->address.domain,
        .stream = test->stream,
        .rule = &test->rule,
        .time = test->facts.time,
        .now = test->facts.now,
    };
    struct lookup *lookup = ask_lookup(ctl, error);
    int failed;

    if (!lookup)
        return -1;
    policy_find(settings->policy, test->verdict.reason, test->stream, test->verdict.provider, &test->rule);
    failed = lookup_past(lookup, &question, &test->history, error);
    lookup_close(&lookup);
    if (!failed)
        hygiene_decide(&test->verdict, &test->facts, &test->rule, policy_trial(settings->policy), &test->history,
                       &test->decision);
    return failed;
}

static void print_history(const struct test *test)
{
    const struct hygiene_history *history = &test->history;
    char when[32];

    if (history->allowed)
        puts("history   on the allow-list");
    if (history->delivered)
        printf("history   delivered, or released, %s\n", ask_time(history->delivered, when));
    if (test->rule.action == POLICY_COUNT)
        printf("history   %d such failures, the first %s\n", history->failures,
               history->first ? ask_time(history->first, when) : "now");
    if (test->rule.scope == POLICY_DOMAIN)
        printf("history   %d other recipients of the domain failed likewise\n", history->recipients);
    if (history->standing.exists)
        printf("history   a suppression stands: %s%s%s\n", state_name(history->standing.state),
               history->standing.until ? " until " : "", ask_time(history->standing.until, when));
}

static void print_test(struct ctl *ctl, const struct test *test)
{
    const struct reason_info *info = reason_info(test->verdict.reason);
    char words[POLICY_WORDS], when[32];

    policy_words(&test->rule, words);
    if (ctl->json) {
        ask_print_json(json_pack("{s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:s, s:s, s:I}", "recipient",
                                 ask_json(test->address.key), "reason", info->name, "subject", info->subject, "rule",
                                 ask_json(test->verdict.rule), "provider", ask_json(test->verdict.provider), "policy",
                                 words, "from", ask_json(test->rule.where), "decision",
                                 decision_name(test->decision.kind), "sentence", test->decision.sentence, "until",
                                 (json_int_t)test->decision.until));
        return;
    }
    printf("reason    %s (subject: %s)\n", info->name, info->subject);
    printf("policy    %s (%s)\n", words, test->rule.where);
    print_history(test);
    printf("decision  %s%s%s\n", decision_name(test->decision.kind), test->decision.until ? " until " : "",
           ask_time(test->decision.until, when));
    printf("because   ");
    ask_print(test->decision.sentence);
    putchar('\n');
}

int policy_test(struct ctl *ctl, int argc, char **argv)
{
    int64_t now = (int64_t)time(NULL);
    struct test test = {.stream = "", .facts = {ACTION_FAILED, EVIDENCE_LOCAL, now, now, 0}};
    const struct settings *settings;
    struct error error = {0};

    test.delivery.action = ACTION_FAILED;
    if (read_options(argc, argv, &test))
        return ctl_fail("policy", EXIT_USAGE, "test takes an address and a reply");
    if (!(settings = ask_settings(ctl, &error)))
        return ctl_fail("policy", EXIT_FAILED, "%s", error.text);
    if (address_parse(argv[optind], strlen(argv[optind]), (int)settings->strict_local_part, &test.address, &error))
        return ctl_fail("policy", EXIT_USAGE, "'%.100s': %s", argv[optind], error.text);
    test.facts.no_stream = !*test.stream;
    test.delivery.reply = argv[optind + 1];
    if (find_verdict(ctl, &test, &error) || find_decision(ctl, settings, &test, &error))
        return ctl_fail("policy", EXIT_FAILED, "%s", error.text);
    print_test(ctl, &test);
    return EXIT_YES;
}
