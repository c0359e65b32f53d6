/* prove: every rule against its own examples, in the company of all others. */
#include "config.h"

#include "classifier/ruleset_data.h"

#include <stdio.h>
#include <string.h>

struct proof {
    struct ruleset *ruleset;
    struct classifier *classifier;
    void (*report)(void *context, const char *finding);
    void *context;
    int findings;
};

static void finding(struct proof *proof, const struct rule *rule, const char *what,
                    const char *text, const struct rule *taker)
{
    char line[480], by[200] = "";

    if (taker && taker != rule)
        snprintf(by, sizeof(by), ": rule \"%s\" takes it (%s:%d)", taker->id, taker->file,
                 taker->line);
    snprintf(line, sizeof(line), "%s:%d: rule \"%s\" %s \"%.120s\"%s", rule->file, rule->line,
             rule->id, what, text, by);
    proof->report(proof->context, line);
    proof->findings++;
}

static const struct rule *try_text(struct proof *proof, const struct rule *rule, const char *text)
{
    struct classify_input input = {.text = text, .length = strlen(text)};
    struct scope scope = {PROVIDER_UNKNOWN, rule->local ? 0 : proof->ruleset->local_count};
    struct verdict verdict;

    if (rule->provider_mask)
        scope.provider = __builtin_ctzll(rule->provider_mask);
    if (rule->statuses.count)
        input.status = rule->statuses.list[0];
    return classify_in(proof->classifier, &input, &scope, &verdict);
}

static void prove_rule(struct proof *proof, const struct rule *rule)
{
    const struct rule *taker;
    size_t i;

    for (i = 0; i < rule->examples.count; i++) {
        taker = try_text(proof, rule, rule->examples.list[i]);
        if (taker != rule)
            finding(proof, rule, taker ? "never gets its example" : "misses its example",
                    rule->examples.list[i], taker);
    }
    for (i = 0; i < rule->counters.count; i++)
        if (try_text(proof, rule, rule->counters.list[i]) == rule)
            finding(proof, rule, "takes its counter-example", rule->counters.list[i], NULL);
}

int ruleset_prove(struct ruleset *ruleset, void (*report)(void *context, const char *finding),
                  void *context, struct error *error)
{
    struct proof proof = {.ruleset = ruleset, .report = report, .context = context};
    size_t i;

    proof.classifier = classifier_open(ruleset, error);
    if (!proof.classifier)
        return -1;
    for (i = 0; i < ruleset->book.rule_count; i++)
        prove_rule(&proof, &ruleset->book.rules[i]);
    classifier_close(&proof.classifier);
    return proof.findings;
}
