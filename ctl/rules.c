/* suppressctl rules: look after the rules. Its parts, and lint. */
#include "config.h"

#include "ctl/rules.h"

#include "classifier/lint.h"
#include "ctl/ask.h"
#include "ctl/command.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(struct ctl *ctl, int argc, char **argv);
} parts[] = {
    {"lint", rules_lint}, {"test", rules_test}, {"list", rules_list},
    {"show", rules_show}, {"diff", rules_diff},
};

/* "file:line: why" in its three pieces; a finding without a place has only a why. */
static void print_object(const char *finding)
{
    const char *colon = strchr(finding, ':');
    char *end = NULL;
    long line = 0;

    while (colon && ((line = strtol(colon + 1, &end, 10)) <= 0 || *end != ':'))
        colon = strchr(colon + 1, ':');
    if (!colon) {
        ask_print_json(json_pack("{s:o}", "problem", ask_json(finding)));
        return;
    }
    ask_print_json(json_pack("{s:o, s:I, s:o}", "file",
                             json_stringn_nocheck(finding, (size_t)(colon - finding)), "line",
                             (json_int_t)line, "problem", ask_json(end + 1 + (end[1] == ' '))));
}

static void print_finding(void *context, const char *finding)
{
    const struct ctl *ctl = context;

    if (ctl->json) {
        print_object(finding);
        return;
    }
    ask_print(finding);
    putchar('\n');
}

int rules_lint(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct settings *settings = ask_settings(ctl, &error);
    struct lint_request request = {.report = print_finding, .context = ctl};
    int findings;

    if (!settings)
        return ctl_fail("rules", EXIT_FAILED, "%s", error.text);
    request.shipped_dir = settings->rules_dir;
    request.local_dir = settings->local_rules_dir;
    if (argc > 1 && !strcmp(argv[1], "--alone")) {
        request.alone = 1;
        argc--;
        argv++;
    }
    request.paths = (const char *const *)(argv + 1);
    request.path_count = (size_t)(argc - 1);
    if (request.alone && !request.path_count)
        return ctl_fail("rules", EXIT_USAGE, "lint --alone: which files?");
    findings = lint_rules(&request, &error);
    if (findings < 0)
        return ctl_fail("rules", EXIT_FAILED, "%s", error.text);
    return findings ? EXIT_NO : EXIT_YES;
}

int command_rules(struct ctl *ctl, int argc, char **argv)
{
    size_t i;

    for (i = 0; argc > 1 && i < sizeof(parts) / sizeof(*parts); i++)
        if (!strcmp(argv[1], parts[i].name))
            return parts[i].run(ctl, argc - 1, argv + 1);
    return ctl_fail("rules", EXIT_USAGE, "one of lint, test, list, show, diff is wanted");
}
