/* suppressctl policy: what follows from which failure, where that stands, and
 * what enforcing the rest would change. */
#include "config.h"

#include "ctl/policy.h"

#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"
#include "daemon/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY 86400

static void add(char *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char *words, const char *format, ...)
{
    size_t length = strlen(words);
    va_list ap;

    va_start(ap, format);
    vsnprintf(words + length, POLICY_WORDS - length, format, ap);
    va_end(ap);
}

static void add_time(char *words, int64_t seconds)
{
    if (!seconds)
        add(words, "forever");
    else if (seconds % DAY == 0)
        add(words, "%lldd", (long long)(seconds / DAY));
    else
        add(words, "%llds", (long long)seconds);
}

void policy_words(const struct policy_rule *rule, char words_r[POLICY_WORDS])
{
    strcpy(words_r, policy_action_name(rule->action));
    if (rule->action == POLICY_NONE)
        return;
    if (rule->action == POLICY_COUNT)
        add(words_r, ": %ld failures over %ld days, then", rule->failures, rule->days);
    add(words_r, rule->duration ? " for " : " ");
    add_time(words_r, rule->duration);
    if (rule->scope == POLICY_DOMAIN) {
        add(words_r, "; the domain, when %ld recipients agree or after ", rule->recipients);
        add_time(words_r, rule->after);
    }
    if (rule->streams == POLICY_ONE_STREAM)
        add(words_r, "; one stream");
    if (rule->mode == POLICY_SHADOW)
        add(words_r, "; shadow mode");
}

static void print_rule(const struct ctl *ctl, const struct policy *policy, enum reason reason, const char *stream,
                       const char *provider)
{
    const char *name = reason_info(reason)->name;
    char words[POLICY_WORDS];
    struct policy_rule rule;

    policy_find(policy, reason, stream, provider, &rule);
    policy_words(&rule, words);
    if (ctl->json)
        ask_print_json(json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "reason", name, "stream", ask_json(stream),
                                 "provider", ask_json(provider), "action", policy_action_name(rule.action), "words",
                                 words, "from", ask_json(rule.where)));
    else
        printf("%s\t%s\t%s\t%s\t%s\n", name, *stream ? stream : "-", *provider ? provider : "-", words, rule.where);
}

/* By reason: the lines that are for a stream or provider in the order in which
 * they win, then what holds for the rest. */
static int show(struct ctl *ctl)
{
    struct error error = {0};
    const struct settings *settings = ask_settings(ctl, &error);

    if (!settings)
        return ctl_fail("policy", EXIT_FAILED, "%s", error.text);
    for (int r = 0; r < REASON_COUNT; r++) {
        for (size_t i = 0; i < policy_lines(settings->policy); i++) {
            const struct policy_line *line = policy_line(settings->policy, i);

            if ((*line->stream || *line->provider) && policy_is_about(line, (enum reason)r))
                print_rule(ctl, settings->policy, (enum reason)r, line->stream, line->provider);
        }
        print_rule(ctl, settings->policy, (enum reason)r, "", "");
    }
    return EXIT_YES;
}

static void print_would_be(const struct would_be *line, void *context)
{
    const struct ctl *ctl = context;

    if (ctl->json) {
        ask_print_json(json_pack("{s:o, s:o, s:o, s:I, s:I}", "from", ask_json(line->policy), "state",
                                 ask_json(line->state), "reason", ask_json(line->reason), "recipients",
                                 (json_int_t)line->recipients, "messages", (json_int_t)line->sends));
        return;
    }
    ask_print(line->policy);
    printf("\t%s\t", line->state);
    ask_print(line->reason);
    printf("\t%lld recipients would be suppressed, %lld messages sent to them would have been refused\n",
           (long long)line->recipients, (long long)line->sends);
}

static int report(struct ctl *ctl)
{
    struct error error = {0};
    struct lookup *lookup = ask_lookup(ctl, &error);
    int failed;

    if (!lookup)
        return ctl_fail("policy", EXIT_FAILED, "%s", error.text);
    failed = lookup_would_be(lookup, (int64_t)time(NULL), print_would_be, ctl, &error);
    lookup_close(&lookup);
    return failed ? ctl_fail("policy", EXIT_FAILED, "%s", error.text) : EXIT_YES;
}

int command_policy(struct ctl *ctl, int argc, char **argv)
{
    if (argc == 1)
        return show(ctl);
    if (!strcmp(argv[1], "test"))
        return policy_test(ctl, argc - 1, argv + 1);
    if (argc == 2 && !strcmp(argv[1], "report"))
        return report(ctl);
    return ctl_fail(argv[0], EXIT_USAGE, "nothing, or one of: test ADDR REPLY, report");
}
