/* suppressctl erase ADDR...: a person is forgotten. */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"

#include <stdio.h>

/* Piece by piece, so that nobody waits for a large database to be searched: 1; 0: nothing was known; -1. */
static int erase(struct ctl *ctl, const char *recipient, struct error *error)
{
    struct edited edited = {.more = 1};

    while (edited.more)
        if (ask_edit(ctl, json_pack("{s:s, s:o, s:I}", "command", "erase", "recipient", ask_json(recipient), "set",
                                    (json_int_t)edited.set), &edited, error))
            return -1;
    return edited.changed;
}

int command_erase(struct ctl *ctl, int argc, char **argv)
{
    int code = argc > 1 ? EXIT_YES : ctl_fail(argv[0], EXIT_USAGE, "name at least one address");
    struct error error = {0};

    for (int i = 1; i < argc; i++) {
        int erased = erase(ctl, argv[i], &error);

        if (erased < 0) {
            code = ctl_fail(argv[0], error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s", error.text);
            continue;
        }
        if (!erased && code == EXIT_YES)
            code = EXIT_NO;
        if (ctl->json) {
            ask_print_json(json_pack("{s:o, s:b}", "recipient", ask_json(argv[i]), "erased", erased));
            continue;
        }
        ask_print(argv[i]);
        puts(erased ? ": erased" : ": nothing is known of it");
    }
    return code;
}
