/* suppressctl hash: makes a plain database one whose addresses are tokens, for good. */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/store.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <time.h>

/* 1: done; 0: it was so; -1. */
static int hash(const struct settings *settings, struct error *error)
{
    int strict = (int)settings->strict_local_part, done = -1;
    struct store *store = store_open(settings->database, strict, error);

    if (store)
        done = store_is_hidden(store) ? 0 : store_hide(store, settings->database, strict, error) ? -1 : 1;
    store_close(&store);
    return done;
}

static int tell(struct ctl *ctl, const struct settings *settings, int done, struct error *error)
{
    struct lookup_totals totals;
    struct lookup *lookup = ask_lookup(ctl, error);
    int failed = !lookup || lookup_totals(lookup, (int64_t)time(NULL), &totals, error);

    lookup_close(&lookup);
    if (failed)
        return ctl_fail("hash", EXIT_FAILED, "%s", error->text);
    if (ctl->json)
        ask_print_json(json_pack("{s:b, s:o, s:I, s:I}", "changed", done, "database", ask_json(settings->database),
                                 "suppressions", (json_int_t)totals.suppressions, "recipients",
                                 (json_int_t)totals.recipients));
    else
        printf("%s: %s; %lld suppressions in force, %lld recipients with results\n"
               "The key is %s.key. Keep a copy of it apart: without it they are of no use.\n",
               settings->database, done ? "its addresses are hashed now" : "its addresses were hashed already",
               (long long)totals.suppressions, (long long)totals.recipients, settings->database);
    return done ? EXIT_YES : EXIT_NO;
}

int command_hash(struct ctl *ctl, int argc, char **argv)
{
    struct settings *settings;
    struct error error;
    int done;

    if (argc != 1)
        return ctl_fail(argv[0], EXIT_USAGE, "hash takes no arguments");
    if (!(settings = ask_settings(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    if (!settings->addresses_hashed)
        return ctl_fail(argv[0], EXIT_USAGE, "there is no way back: set addresses = hashed first, then run this again");
    if ((done = hash(settings, &error)) < 0)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    return tell(ctl, settings, done, &error);
}
