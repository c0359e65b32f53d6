/* suppressctl history [--since DATE] [ADDR]: who changed which suppression, when and why. */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"
#include "daemon/ledger/audit.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>

struct listing {
    const struct ctl *ctl;
    int rows;
};

static void print_object(const struct audited *audited)
{
    const struct past_change *change = &audited->change;

    ask_print_json(json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:I, s:I}", "time", (json_int_t)change->time, "who",
        ask_json(change->who), "what", ask_json(change->what), "recipient", ask_json(audited->recipient), "stream",
        ask_json(change->stream), "reason", ask_json(change->reason), "origin", ask_json(change->origin), "until",
        (json_int_t)change->until, "event", (json_int_t)change->event, "note", ask_json(change->note), "rule",
        ask_json(audited->rule), "reply", ask_json(audited->reply), "change_set", (json_int_t)audited->set,
        "undone_by", (json_int_t)audited->undone_by));
}

static void print_change(const struct audited *audited, void *context)
{
    const struct past_change *change = &audited->change;
    struct listing *listing = context;
    const char *why = *change->note ? change->note : audited->reply;
    char when[32];

    listing->rows++;
    if (listing->ctl->json) {
        print_object(audited);
        return;
    }
    printf("%s\t%s\t", ask_time(change->time, when), change->what);
    ask_print(audited->recipient);
    printf("\t%s\t", change->reason);
    ask_print(*change->stream ? change->stream : "-");
    putchar('\t');
    ask_print(change->who);
    if (audited->set)
        printf("\t%lld%s\t", (long long)audited->set, audited->undone_by ? " (undone)" : "");
    else
        printf("\t-\t");
    ask_print(why);
    putchar('\n');
}

/* Exit code of a wrong call, or 0. */
static int read_arguments(struct ctl *ctl, int argc, char **argv, char *key_r, int64_t *since_r)
{
    struct error error;
    struct settings *settings;

    key_r[0] = '\0';
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--since") && i + 1 < argc) {
            if ((*since_r = ask_date(argv[++i])) < 0)
                return ctl_fail(argv[0], EXIT_USAGE, "--since takes a date: 2027-01-31");
        } else if (*key_r || *argv[i] == '-') {
            return ctl_fail(argv[0], EXIT_USAGE, "name at most one recipient, or @ and a domain");
        } else if (!(settings = ask_settings(ctl, &error))) {
            return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
        } else if (change_key(argv[i], (int)settings->strict_local_part, key_r, &error)) {
            return ctl_fail(argv[0], EXIT_USAGE, "%s", error.text);
        }
    }
    return 0;
}

int command_history(struct ctl *ctl, int argc, char **argv)
{
    struct listing listing = {.ctl = ctl};
    struct lookup *lookup;
    struct audit *audit;
    struct error error;
    char key[ADDRESS_SIZE];
    int64_t since = 0;
    int failed = read_arguments(ctl, argc, argv, key, &since);

    if (failed)
        return failed;
    if (!(lookup = ask_lookup(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    audit = audit_open(lookup);
    failed = audit_changes(audit, *key ? key : NULL, since, print_change, &listing, &error);
    audit_close(&audit);
    lookup_close(&lookup);
    if (failed)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    return listing.rows ? EXIT_YES : EXIT_NO;
}
