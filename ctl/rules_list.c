/* suppressctl rules list, show: the rules in force, in the order in which they win. */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "classifier/inspect.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/rules.h"

#include <stdio.h>
#include <string.h>

static json_t *json_list(const struct strings *strings)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < strings->count; i++)
        json_array_append_new(list, ask_json(strings->list[i]));
    return list;
}

static json_t *stage_list(const struct rule *rule)
{
    json_t *list = json_array();
    int stage;

    for (stage = STAGE_CONNECT; stage <= STAGE_EOM; stage++)
        if (rule->stage_mask >> stage & 1)
            json_array_append_new(list, json_string(stage_name((enum stage)stage)));
    return list;
}

static json_t *rule_object(const struct rule *rule)
{
    return json_pack("{s:o, s:s, s:b, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                     ask_json(rule->id), "reason", reason_info(rule->reason)->name, "local",
                     rule->local, "file", ask_json(rule->file), "line", rule->line, "provider",
                     json_list(&rule->providers), "code", json_list(&rule->codes), "status",
                     json_list(&rule->statuses), "stage", stage_list(rule), "pattern",
                     json_list(&rule->patterns), "examples", json_list(&rule->examples), "not",
                     json_list(&rule->counters), "note", ask_json(rule->note));
}

static int has(const struct strings *strings, const char *text)
{
    size_t i;

    for (i = 0; i < strings->count; i++)
        if (!strcmp(strings->list[i], text))
            return 1;
    return 0;
}

static void print_row(const struct rule *rule)
{
    size_t i;

    ask_print(rule->id);
    printf("\t%s\t", reason_info(rule->reason)->name);
    for (i = 0; i < rule->providers.count; i++)
        printf("%s%s", i ? "," : "", rule->providers.list[i]);
    printf("%s\t%s:%d\n", rule->providers.count ? "" : "-", rule->file, rule->line);
}

struct filter {
    const char *reason, *provider;
};

static int read_filter(int argc, char **argv, struct filter *filter)
{
    enum reason reason;
    int i;

    for (i = 1; i < argc; i += 2) {
        if (i + 1 < argc && !strcmp(argv[i], "--reason"))
            filter->reason = argv[i + 1];
        else if (i + 1 < argc && !strcmp(argv[i], "--provider"))
            filter->provider = argv[i + 1];
        else
            return ctl_fail("rules", EXIT_USAGE, "list: unknown argument: %s", argv[i]);
    }
    if (filter->reason && !reason_from_name(filter->reason, &reason))
        return ctl_fail("rules", EXIT_USAGE, "there is no reason '%s' in the taxonomy", filter->reason);
    return 0;
}

int rules_list(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct filter filter = {0};
    struct ruleset *ruleset;
    int code = read_filter(argc, argv, &filter), found = 0;
    size_t i;

    if (code)
        return code;
    if (!(ruleset = ctl_ruleset(ctl, &error)))
        return ctl_fail("rules", EXIT_FAILED, "%s", error.text);
    for (i = 0; i < ruleset_size(ruleset); i++) {
        const struct rule *rule = ruleset_rule(ruleset, i);

        if ((filter.reason && strcmp(filter.reason, reason_info(rule->reason)->name)) ||
            (filter.provider && !has(&rule->providers, filter.provider)))
            continue;
        found = 1;
        if (ctl->json)
            ask_print_json(rule_object(rule));
        else
            print_row(rule);
    }
    ruleset_unref(&ruleset);
    return found ? EXIT_YES : EXIT_NO;
}

static void print_list(const char *name, const struct strings *strings)
{
    size_t i;

    for (i = 0; i < strings->count; i++) {
        printf("%-9s ", i ? "" : name);
        ask_print(strings->list[i]);
        putchar('\n');
    }
}

static void print_stages(const struct rule *rule)
{
    int stage;

    if (!rule->stage_mask)
        return;
    printf("%-9s", "stage");
    for (stage = STAGE_CONNECT; stage <= STAGE_EOM; stage++)
        if (rule->stage_mask >> stage & 1)
            printf(" %s", stage_name((enum stage)stage));
    putchar('\n');
}

static void print_rule(const struct rule *rule)
{
    const struct reason_info *info = reason_info(rule->reason);

    printf("rule      %s%s\n", rule->id, rule->local ? " (local)" : "");
    printf("at        %s:%d\n", rule->file, rule->line);
    printf("reason    %s\n          %s\n", info->name, info->means);
    print_list("provider", &rule->providers);
    print_list("code", &rule->codes);
    print_list("status", &rule->statuses);
    print_stages(rule);
    print_list("pattern", &rule->patterns);
    print_list("example", &rule->examples);
    print_list("not", &rule->counters);
    if (rule->note)
        printf("note      %s\n", rule->note);
}

int rules_show(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct ruleset *ruleset;
    const struct rule *rule = NULL;
    size_t i;

    if (argc != 2)
        return ctl_fail("rules", EXIT_USAGE, "show: which rule?");
    if (!(ruleset = ctl_ruleset(ctl, &error)))
        return ctl_fail("rules", EXIT_FAILED, "%s", error.text);
    for (i = 0; i < ruleset_size(ruleset) && !rule; i++)
        if (!strcmp(ruleset_rule(ruleset, i)->id, argv[1]))
            rule = ruleset_rule(ruleset, i);
    if (rule && ctl->json)
        ask_print_json(rule_object(rule));
    else if (rule)
        print_rule(rule);
    ruleset_unref(&ruleset);
    return rule ? EXIT_YES : ctl_fail("rules", EXIT_NO, "there is no rule '%s'", argv[1]);
}
