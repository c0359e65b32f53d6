/* suppressctl rules: look after the rules. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "classifier/ruleset.h"
#include "ctl/command.h"

static void print_finding(void *context, const char *finding)
{
    (void)context;
    puts(finding);
}

/* rules lint [FOLDER]: the shipped rules, or those of a folder, one finding a line. */
static int lint(int argc, char **argv)
{
    struct error error = {0};
    int findings = ruleset_lint(argc > 0 ? argv[0] : NULL, NULL, print_finding, NULL, &error);

    if (findings < 0)
        return ctl_fail("rules", EXIT_NO, "%s", error.text);
    return findings ? EXIT_NO : EXIT_YES;
}

int command_rules(struct ctl *ctl, int argc, char **argv)
{
    (void)ctl;
    if (argc > 1 && !strcmp(argv[1], "lint"))
        return lint(argc - 2, argv + 2);
    return ctl_fail("rules", EXIT_USAGE, "lint [FOLDER]");
}
