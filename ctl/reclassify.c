/* suppressctl reclassify [--since DATE] [--apply]: whom would today's rules have
 * suppressed, and whom not? Looks by itself; what it finds is applied by the
 * daemon as one change set, or directly where none runs. */
#include "config.h"

#include "ctl/command.h"

#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/progress.h"
#include "daemon/console/control.h"
#include "daemon/ledger/audit.h"
#include "daemon/ledger/plan.h"
#include "daemon/ledger/reclassify.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PART_BYTES (CONTROL_LINE_MAX - 4096) /* of a request's items */

struct work {
    struct ctl *ctl;
    struct reclassify *reclassify;
    struct reclassify_progress progress;
    json_t *items;  /* of the part that is being filled */
    size_t bytes;   /* of these, at the most */
    json_int_t token;
    struct error *error;
};

static int print_one(const struct reclassified *one, void *context)
{
    const struct ctl *ctl = context;
    const char *what = one->release ? "release" : "suppress";

    if (ctl->json) {
        ask_print_json(json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "what", what, "recipient",
                                 ask_json(one->key), "stream", ask_json(one->stream), "was", ask_json(one->was),
                                 "reason", ask_json(one->reason), "rule", ask_json(one->rule), "event",
                                 (json_int_t)one->event, "reply", ask_json(one->reply), "note", ask_json(one->note)));
        return 0;
    }
    printf("%s\t", what);
    ask_print(one->key);
    printf("\t%s -> %s\t", one->was, one->reason);
    ask_print(one->note);
    putchar('\t');
    ask_print(one->reply);
    putchar('\n');
    return 0;
}

/* ---------------------------------------------------------------------- apply */

static int send_part(struct work *work)
{
    json_t *items = work->items;
    struct edited ignored;

    work->items = json_array();
    work->bytes = 0;
    if (!json_array_size(items)) {
        json_decref(items);
        return 0;
    }
    return ask_edit(work->ctl, json_pack("{s:s, s:I, s:o}", "command", "stage", "token", work->token, "items", items),
                    &ignored, work->error);
}

static int stage_one(const struct reclassified *one, void *context)
{
    struct work *work = context;
    /* A quote or a backslash takes two bytes in JSON; other controls no address has. */
    size_t bytes = 2 * (strlen(one->key) + strlen(one->stream) + strlen(one->note) + strlen(one->policy)) + 250;

    if ((work->bytes + bytes > PART_BYTES || json_array_size(work->items) == PLAN_PART_MAX) && send_part(work))
        return -1;
    work->bytes += bytes;
    json_array_append_new(
        work->items, json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "recipient", ask_json(one->key), "stream",
                               ask_json(one->stream), "reason", one->release ? json_null() : ask_json(one->reason), "event",
                               (json_int_t)one->event, "until", (json_int_t)one->until, "trial", (json_int_t)one->trial,
                               "policy", ask_json(one->policy), "note", ask_json(one->note)));
    return 0;
}

/* The number of the change set, -1. */
static int64_t apply(struct work *work, const char *note)
{
    struct edited edited;

    work->items = json_array();
    if (getrandom(&work->token, sizeof(work->token), 0) != (ssize_t)sizeof(work->token))
        return error_set(work->error, ERROR_ENVIRONMENT, "no random number");
    work->token &= 0x7fffffffffffffff;
    if (reclassify_each(work->reclassify, stage_one, work, work->error) || send_part(work))
        return -1;
    return ask_edit(work->ctl, json_pack("{s:s, s:I, s:I, s:s}", "command", "apply", "token", work->token, "seen",
                                         (json_int_t)reclassify_seen(work->reclassify), "note", note), &edited, work->error)
               ? -1 : edited.set;
}

static int print_set(struct work *work, int64_t id)
{
    struct lookup *lookup = ask_lookup(work->ctl, work->error);
    struct change_set set;
    struct audit *audit;
    int found;

    if (!lookup)
        return -1;
    audit = audit_open(lookup);
    if ((found = audit_set(audit, id, &set, work->error)) > 0) {
        if (work->ctl->json)
            ask_print_json(json_pack("{s:I, s:I, s:I, s:I}", "change_set", (json_int_t)id, "released",
                                     (json_int_t)set.released, "suppressed", (json_int_t)set.suppressed, "left_alone",
                                     (json_int_t)set.skipped));
        else
            printf("change set %lld: %lld released, %lld suppressed, %lld left alone (changed meanwhile);"
                   " 'suppressctl undo %lld' takes it back\n", (long long)id, (long long)set.released,
                   (long long)set.suppressed, (long long)set.skipped, (long long)id);
    }
    audit_close(&audit);
    lookup_close(&lookup);
    return found < 0 ? -1 : 0;
}

/* ----------------------------------------------------------------------- look */

static int look(struct work *work)
{
    struct progress progress;
    int more;

    progress_begin(&progress, "rows", 0);
    while ((more = reclassify_step(work->reclassify, &work->progress, work->error)) > 0)
        progress_rows(&progress, work->progress.done, work->progress.total);
    progress_end(&progress);
    return more;
}

static void print_summary(const struct work *work)
{
    const struct reclassify_progress *p = &work->progress;

    if (work->ctl->json)
        ask_print_json(json_pack("{s:I, s:I, s:I, s:I}", "results", (json_int_t)p->judged, "classified",
                                 (json_int_t)p->classified, "release", (json_int_t)p->release, "suppress",
                                 (json_int_t)p->add));
    else
        printf("%llu final results, %llu to release, %llu to suppress\n", (unsigned long long)p->judged,
               (unsigned long long)p->release, (unsigned long long)p->add);
}

static int run(struct work *work, int apply_it, const char *version)
{
    char note[100];
    int64_t id;

    if (look(work) || reclassify_each(work->reclassify, print_one, work->ctl, work->error))
        return EXIT_FAILED;
    print_summary(work);
    if (!apply_it)
        return work->progress.release + work->progress.add ? EXIT_NO : EXIT_YES;
    if (!work->progress.release && !work->progress.add)
        return EXIT_YES;
    snprintf(note, sizeof(note), "reclassified with rules %s", version);
    id = apply(work, note);
    json_decref(work->items);
    return id < 0 || print_set(work, id) ? EXIT_FAILED : EXIT_YES;
}

static int read_arguments(int argc, char **argv, int64_t *since_r, int *apply_r)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--apply"))
            *apply_r = 1;
        else if (strcmp(argv[i], "--since") != 0 || i + 1 == argc)
            return ctl_fail(argv[0], EXIT_USAGE, "'%s' is none of --since DATE and --apply", argv[i]);
        else if ((*since_r = ask_date(argv[++i])) < 0)
            return ctl_fail(argv[0], EXIT_USAGE, "--since takes a date: 2027-01-31");
    }
    return 0;
}

int command_reclassify(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct work work = {.ctl = ctl, .error = &error};
    const struct settings *settings;
    struct ruleset *rules;
    int64_t since = 0;
    int apply_it = 0, code = read_arguments(argc, argv, &since, &apply_it);

    if (code)
        return code;
    if (!(rules = ctl_ruleset(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    if ((settings = ask_settings(ctl, &error)))
        work.reclassify = reclassify_open(settings->database, rules, settings->policy, since, (int64_t)time(NULL), &error);
    code = work.reclassify ? run(&work, apply_it, ruleset_version(rules)) : EXIT_FAILED;
    reclassify_close(&work.reclassify);
    ruleset_unref(&rules);
    return code == EXIT_FAILED ? ctl_fail(argv[0], code, "%s", error.text) : code;
}
