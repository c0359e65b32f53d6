/* suppressctl allow: the list of recipients that are never refused. */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"

#include <stdio.h>
#include <string.h>

static void print_allowed(const struct allowed *allowed, void *context)
{
    const struct ctl *ctl = context;
    char since[32];

    if (ctl->json) {
        ask_print_json(json_pack("{s:o, s:I, s:o, s:o}", "recipient", ask_json(allowed->recipient), "since",
                                 (json_int_t)allowed->since, "who", ask_json(allowed->who), "note",
                                 ask_json(allowed->note)));
        return;
    }
    ask_print(allowed->recipient);
    printf("\t%s\t", ask_time(allowed->since, since));
    ask_print(allowed->who);
    putchar('\t');
    ask_print(allowed->note);
    putchar('\n');
}

static int list(struct ctl *ctl)
{
    struct error error = {0};
    struct lookup *lookup = ask_lookup(ctl, &error);
    int failed;

    if (!lookup)
        return ctl_fail("allow", EXIT_FAILED, "%s", error.text);
    failed = lookup_allowed(lookup, print_allowed, ctl, &error);
    lookup_close(&lookup);
    return failed ? ctl_fail("allow", EXIT_FAILED, "%s", error.text) : EXIT_YES;
}

static void print_result(struct ctl *ctl, const char *recipient, int add, int changed)
{
    if (ctl->json) {
        ask_print_json(json_pack("{s:o, s:b}", "recipient", ask_json(recipient), "changed", changed));
        return;
    }
    ask_print(recipient);
    printf(": %s\n", add ? "allowed" : changed ? "no longer allowed" : "was not on the list");
}

static int change_all(struct ctl *ctl, int add, int count, char **arguments)
{
    struct change change = {0};
    struct error error = {0};
    int code = EXIT_YES;

    if (count && !strcmp(arguments[0], "--note")) {
        change.note = count > 1 ? arguments[1] : "";
        arguments += 2;
        count -= 2;
    }
    if (count < 1)
        return ctl_fail("allow", EXIT_USAGE, "name at least one address, or @ and a domain");
    for (int i = 0; i < count; i++) {
        int changed;

        change.recipient = arguments[i];
        changed = ask_change(ctl, add ? "allow" : "disallow", &change, &error);
        if (changed < 0)
            code = ctl_fail("allow", error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s", error.text);
        else
            print_result(ctl, arguments[i], add, changed);
        if (!changed && code == EXIT_YES)
            code = EXIT_NO;
    }
    return code;
}

int command_allow(struct ctl *ctl, int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "list"))
        return list(ctl);
    if (argc > 2 && (!strcmp(argv[1], "add") || !strcmp(argv[1], "remove")))
        return change_all(ctl, !strcmp(argv[1], "add"), argc - 2, argv + 2);
    return ctl_fail(argv[0], EXIT_USAGE, "one of: add ADDR..., remove ADDR..., list");
}
