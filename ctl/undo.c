/* suppressctl undo [CHANGE-SET]: takes back what somebody has changed at once. */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"
#include "daemon/ledger/audit.h"

#include <stdio.h>
#include <stdlib.h>

static void print_conflict(const char *key, void *context)
{
    const struct ctl *ctl = context;

    if (ctl->json) {
        ask_print_json(json_pack("{s:o, s:s}", "recipient", ask_json(key), "outcome", "left alone"));
        return;
    }
    ask_print(key);
    puts(": has been changed since, left alone");
}

/* What became of it, as the database tells. */
static int print_outcome(struct ctl *ctl, struct audit *audit, int64_t id, struct error *error)
{
    struct change_set set;
    int found = audit_set(audit, id, &set, error);

    if (found <= 0)
        return found;
    if (set.skipped && audit_conflicts(audit, id, print_conflict, ctl, error))
        return -1;
    if (ctl->json)
        ask_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I}", "change_set", (json_int_t)id, "undoes",
                                 (json_int_t)set.undoes, "suppressed", (json_int_t)set.suppressed, "released",
                                 (json_int_t)set.released, "left_alone", (json_int_t)set.skipped));
    else
        printf("change set %lld is undone by %lld: %lld as suppressed as they were, %lld released, %lld left alone\n",
               (long long)set.undoes, (long long)id, (long long)set.suppressed, (long long)set.released,
               (long long)set.skipped);
    return set.skipped ? 2 : 1;
}

/* Part by part, so that nobody waits for a large one: 1 and the number of the set that did it; 0; -1. */
static int undo(struct ctl *ctl, struct audit *audit, int64_t set, int64_t *id_r, struct error *error)
{
    struct edited edited = {.more = 1};
    struct change_set made;

    while (edited.more) {
        if (ask_edit(ctl, json_pack("{s:s, s:I}", "command", "undo", "set", (json_int_t)set), &edited, error))
            return -1;
        if (!edited.changed)
            return 0;
        *id_r = edited.set;
        if (audit_set(audit, edited.set, &made, error) <= 0)
            return -1;
        set = made.undoes;
    }
    return 1;
}

int command_undo(struct ctl *ctl, int argc, char **argv)
{
    long long set = argc == 2 ? atoll(argv[1]) : 0;
    struct lookup *lookup;
    struct audit *audit;
    struct error error;
    int64_t id = 0;
    int result;

    if (argc > 2 || (argc == 2 && set <= 0))
        return ctl_fail(argv[0], EXIT_USAGE, "takes the number of a change set (suppressctl history shows it), or none");
    if (!(lookup = ask_lookup(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    audit = audit_open(lookup);
    if ((result = undo(ctl, audit, set, &id, &error)) > 0)
        result = print_outcome(ctl, audit, id, &error);
    audit_close(&audit);
    lookup_close(&lookup);
    if (!result)
        return ctl_fail(argv[0], EXIT_NO, "there is %s to undo", set ? "no such change set" : "nothing");
    if (result < 0)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    return result == 2 ? EXIT_NO : EXIT_YES;
}
