/* suppressctl list [REASON]: who is suppressed now. */
#include "config.h"

#include "ctl/command.h"

#include <stdio.h>
#include <time.h>

#include "classifier/reason.h"
#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"

static int print_row(const struct suppressed *suppressed, void *context)
{
    const struct ctl *ctl = context;
    char since[32], until[32];

    if (ctl->json) {
        ask_print_json(json_pack(
            "{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:I}", "recipient", ask_json(suppressed->recipient),
            "stream", ask_json(suppressed->stream), "reason", ask_json(suppressed->reason), "origin",
            ask_json(suppressed->origin), "since", (json_int_t)suppressed->since, "until",
            (json_int_t)suppressed->until, "note", ask_json(suppressed->note), "event",
            (json_int_t)suppressed->event));
        return ferror(stdout);
    }
    ask_print(suppressed->recipient);
    printf("\t%s\t%s\t%s\t%s\t", suppressed->reason, ask_time(suppressed->since, since),
           suppressed->until ? ask_time(suppressed->until, until) : "-", suppressed->origin);
    ask_print(*suppressed->stream ? suppressed->stream : "-");
    putchar('\n');
    return ferror(stdout);
}

int command_list(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct lookup *lookup;
    enum reason reason;
    int failed;

    if (argc > 2)
        return ctl_fail(argv[0], EXIT_USAGE, "at most one reason");
    if (argc == 2 && !reason_from_name(argv[1], &reason))
        return ctl_fail(argv[0], EXIT_USAGE, "there is no reason '%s' in the taxonomy", argv[1]);
    if (!(lookup = ask_lookup(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    failed = lookup_list(lookup, argc == 2 ? argv[1] : NULL, (int64_t)time(NULL), print_row, ctl, &error);
    lookup_close(&lookup);
    return failed ? ctl_fail(argv[0], EXIT_FAILED, "%s", error.text) : EXIT_YES;
}
