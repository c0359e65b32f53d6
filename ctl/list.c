/* suppressctl list [--vocabulary NAME] [REASON]: who is suppressed now. */
#include "config.h"

#include "ctl/command.h"

#include "classifier/reason.h"
#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct listing {
    const struct ctl *ctl;
    const char *reason; /* NULL: all */
    int vocabulary;     /* enum vocabulary, or -1 */
};

/* The reason in the vocabulary's words; a reason that somebody wrote by hand may have none. */
static const char *category(const struct listing *listing, const char *name)
{
    enum reason reason;

    return reason_from_name(name, &reason) ? reason_info(reason)->vocabulary[listing->vocabulary] : "";
}

static int print_object(const struct listing *listing, const struct suppressed *suppressed)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:I}", "recipient", ask_json(suppressed->recipient),
        "stream", ask_json(suppressed->stream), "reason", ask_json(suppressed->reason), "origin",
        ask_json(suppressed->origin), "since", (json_int_t)suppressed->since, "until",
        (json_int_t)suppressed->until, "note", ask_json(suppressed->note), "event",
        (json_int_t)suppressed->event);

    if (listing->vocabulary >= 0) {
        json_object_set_new(object, "category", ask_json(category(listing, suppressed->reason)));
        json_object_set_new(object, "vocabulary", json_string(vocabulary_version(listing->vocabulary)));
    }
    ask_print_json(object);
    return ferror(stdout);
}

static int print_row(const struct suppressed *suppressed, void *context)
{
    const struct listing *listing = context;
    char since[32], until[32];

    if (listing->ctl->json)
        return print_object(listing, suppressed);
    ask_print(suppressed->recipient);
    printf("\t%s\t%s\t%s\t%s\t", suppressed->reason, ask_time(suppressed->since, since),
           suppressed->until ? ask_time(suppressed->until, until) : "-", suppressed->origin);
    ask_print(*suppressed->stream ? suppressed->stream : "-");
    if (listing->vocabulary >= 0)
        printf("\t%s", category(listing, suppressed->reason));
    putchar('\n');
    return ferror(stdout);
}

static int read_arguments(int argc, char **argv, struct listing *listing)
{
    enum vocabulary vocabulary;
    enum reason reason;
    int i;

    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--vocabulary")) {
            if (i + 1 == argc || !vocabulary_from_name(argv[++i], &vocabulary))
                return ctl_fail(argv[0], EXIT_USAGE, "no such vocabulary: %s", argv[i]);
            listing->vocabulary = (int)vocabulary;
        } else if (listing->reason) {
            return ctl_fail(argv[0], EXIT_USAGE, "at most one reason");
        } else if (!reason_from_name(argv[i], &reason)) {
            return ctl_fail(argv[0], EXIT_USAGE, "there is no reason '%s' in the taxonomy", argv[i]);
        } else {
            listing->reason = argv[i];
        }
    }
    return 0;
}

int command_list(struct ctl *ctl, int argc, char **argv)
{
    struct listing listing = {.ctl = ctl, .vocabulary = -1};
    struct error error = {0};
    struct lookup *lookup;
    int failed = read_arguments(argc, argv, &listing);

    if (failed)
        return failed;
    if (!(lookup = ask_lookup(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    failed = lookup_list(lookup, listing.reason, (int64_t)time(NULL), print_row, &listing, &error);
    lookup_close(&lookup);
    return failed ? ctl_fail(argv[0], EXIT_FAILED, "%s", error.text) : EXIT_YES;
}
