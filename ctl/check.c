/* suppressctl check ADDR...: may mail go to these recipients? */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"
#include "daemon/report/address.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void print_answer(struct ctl *ctl, const char *given, const struct suppressed *suppressed)
{
    char since[32];

    if (ctl->json) {
        json_t *object = json_pack("{s:o, s:b}", "recipient", ask_json(given), "suppressed", suppressed != NULL);

        if (suppressed)
            json_object_update_new(object, json_pack(
                "{s:o, s:o, s:o, s:I, s:I, s:o}", "matched", ask_json(suppressed->recipient), "reason",
                ask_json(suppressed->reason), "stream", ask_json(suppressed->stream), "since",
                (json_int_t)suppressed->since, "until", (json_int_t)suppressed->until, "origin",
                ask_json(suppressed->origin)));
        ask_print_json(object);
        return;
    }
    ask_print(given);
    if (suppressed)
        printf(": suppressed: %s since %s (%s)\n", suppressed->reason,
               ask_time(suppressed->since, since), suppressed->origin);
    else
        puts(": not suppressed");
}

static int check_one(struct ctl *ctl, struct lookup *lookup, int strict, const char *given, struct error *error)
{
    struct suppressed suppressed;
    struct address address;
    int found;

    if (address_parse(given, strlen(given), strict, &address, error))
        return error_prefix(error, "'%.100s'", given);
    found = lookup_suppressed(lookup, address.key, address.key + address.domain, "", (int64_t)time(NULL),
                              &suppressed, error);
    if (found >= 0)
        print_answer(ctl, address.given, found ? &suppressed : NULL);
    return found;
}

int command_check(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct lookup *lookup;
    int code = EXIT_YES, found;

    if (argc < 2)
        return ctl_fail(argv[0], EXIT_USAGE, "name at least one address");
    if (!(lookup = ask_lookup(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    for (int i = 1; i < argc; i++) {
        found = check_one(ctl, lookup, (int)ask_settings(ctl, &error)->strict_local_part, argv[i], &error);
        if (found < 0)
            code = ctl_fail(argv[0], error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s", error.text);
        else if (found && code == EXIT_YES)
            code = EXIT_NO;
    }
    lookup_close(&lookup);
    return code;
}
