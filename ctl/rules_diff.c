/* suppressctl rules diff: whose verdict would change with other rules? */
#include "config.h"

#include "ctl/command.h"

#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/replies.h"
#include "ctl/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff {
    const struct ctl *ctl;
    struct classifier *old, *new;
    long replies, changed;
    long pairs[REASON_COUNT][REASON_COUNT]; /* from old reason to new */
};

static void print_change(const struct diff *diff, const struct classify_input *input, json_t *id,
                         const struct verdict *before, const struct verdict *after)
{
    const char *from = reason_info(before->reason)->name, *to = reason_info(after->reason)->name;

    if (diff->ctl->json) {
        ask_print_json(json_pack("{s:O?, s:s, s:s, s:s, s:s, s:o}", "id", id, "old", from, "new", to,
                                 "old_rule", before->rule, "new_rule", after->rule, "reply",
                                 ask_json(input->text)));
        return;
    }
    printf("%s (%s) -> %s (%s)\t", from, *before->rule ? before->rule : "none", to,
           *after->rule ? after->rule : "none");
    ask_print(input->text);
    putchar('\n');
}

static void one_reply(void *context, const struct classify_input *input, json_t *id)
{
    struct diff *diff = context;
    struct verdict before, after;

    classify(diff->old, input, &before);
    classify(diff->new, input, &after);
    diff->replies++;
    if (before.reason == after.reason)
        return;
    diff->changed++;
    diff->pairs[before.reason][after.reason]++;
    print_change(diff, input, id, &before, &after);
}

static void print_pair(const struct diff *diff, int from, int to)
{
    const struct reason_info *old = reason_info((enum reason)from), *new = reason_info((enum reason)to);
    const char *effect = old->hygiene == new->hygiene ? "" : hygiene_name(new->hygiene);

    if (diff->ctl->json)
        ask_print_json(json_pack("{s:s, s:s, s:I, s:s, s:s}", "old", old->name, "new", new->name, "count",
                                 (json_int_t)diff->pairs[from][to], "old_action",
                                 hygiene_name(old->hygiene), "new_action", hygiene_name(new->hygiene)));
    else
        printf("%8ld  %s -> %s%s%s%s\n", diff->pairs[from][to], old->name, new->name,
               *effect ? "  (hygiene now: " : "", effect, *effect ? ")" : "");
}

static void print_summary(const struct diff *diff)
{
    int from, to;

    if (!diff->ctl->json)
        printf("%ld of %ld replies change\n", diff->changed, diff->replies);
    for (from = 0; from < REASON_COUNT; from++)
        for (to = 0; to < REASON_COUNT; to++)
            if (diff->pairs[from][to])
                print_pair(diff, from, to);
}

/* "-" names the rules compiled in. */
static struct classifier *open_rules(const char *folder, struct error *error)
{
    struct ruleset *ruleset = ruleset_load(strcmp(folder, "-") ? folder : NULL, NULL, error);
    struct classifier *classifier = ruleset ? classifier_open(ruleset, error) : NULL;

    if (ruleset)
        ruleset_unref(&ruleset);
    return classifier;
}

int rules_diff(struct ctl *ctl, int argc, char **argv)
{
    static struct diff diff; /* large */
    struct error error = {0};
    int code = EXIT_FAILED;

    if (argc != 3)
        return ctl_fail("rules", EXIT_USAGE, "diff: two folders are wanted, and replies on standard input");
    diff.ctl = ctl;
    if ((diff.old = open_rules(argv[1], &error)) && (diff.new = open_rules(argv[2], &error))) {
        code = replies_each("rules", one_reply, &diff);
        print_summary(&diff);
        if (!code && diff.changed)
            code = EXIT_NO;
    } else {
        ctl_fail("rules", EXIT_FAILED, "%s", error.text);
    }
    classifier_close(&diff.old);
    classifier_close(&diff.new);
    return code;
}
