/* suppressctl explain: what a reply means, whose fault it is, what to do. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/command.h"

static const struct {
    const char *subject, *words;
} faults[] = {
    {"recipient", "the recipient's address"},
    {"recipient-domain", "the recipient's domain"},
    {"sender-ip", "the sending IP address"},
    {"sender-domain", "the sender's domain"},
    {"sender-setup", "how the sender's server is set up"},
    {"message", "this message"},
    {"remote-system", "the receiving system"},
    {"network", "the network in between"},
    {"none", "nobody: this is no failure"},
    {"unknown", "cannot be told"},
};

static const char *fault_of(const struct reason_info *info)
{
    size_t i;

    for (i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        if (!strcmp(faults[i].subject, info->subject))
            return faults[i].words;
    return info->subject;
}

static const char *consequence(const struct reason_info *info, const struct verdict *verdict)
{
    if (info->hygiene == HYGIENE_NONE)
        return "the address stays in use";
    if (info->hygiene == HYGIENE_COUNT)
        return "counted; the address is suppressed only if this goes on for days";
    if (verdict->persistence == PERSISTENCE_TRANSIENT)
        return "nothing yet: the failure is temporary; suppressed once it is final";
    return "the address is suppressed at once";
}

static void print_people(const struct verdict *verdict)
{
    const struct reason_info *info = reason_info(verdict->reason);

    printf("reason    %s (%s)\n", info->name, persistence_name(verdict->persistence));
    printf("means     %s\n", info->means);
    printf("fault     %s\n", fault_of(info));
    printf("to do     %s\n", info->todo);
    printf("suppress  %s\n", consequence(info, verdict));
    if (verdict->code)
        printf("code      %d\n", verdict->code);
    if (*verdict->status)
        printf("status    %s\n", verdict->status);
    if (*verdict->provider)
        printf("provider  %s\n", verdict->provider);
    if (verdict->stage)
        printf("stage     %s\n", stage_name(verdict->stage));
    printf("rule      %s\n", *verdict->rule ? verdict->rule : "none");
}

static void print_json(const struct verdict *verdict)
{
    const struct reason_info *info = reason_info(verdict->reason);
    json_t *object = json_pack(
        "{ss ss ss ss ss ss ss ss ss si ss ss ss}", "reason", info->name, "family", info->family,
        "subject", info->subject, "persistence", persistence_name(verdict->persistence), "action",
        hygiene_name(info->hygiene), "means", info->means, "todo", info->todo, "rule",
        verdict->rule, "status", verdict->status, "code", verdict->code, "provider",
        verdict->provider, "stage", stage_name(verdict->stage), "consequence",
        consequence(info, verdict));

    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

/* The arguments may be one quoted reply or its words. */
static char *join(int argc, char **argv)
{
    char *text = xstrdup(argc > 1 ? argv[1] : ""), *longer;
    int i;

    for (i = 2; i < argc; i++) {
        longer = xasprintf("%s %s", text, argv[i]);
        free(text);
        text = longer;
    }
    return text;
}

int command_explain(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct ruleset *ruleset;
    struct classifier *classifier;
    struct classify_input input = {0};
    struct verdict verdict;
    char *text;

    if (argc < 2)
        return ctl_fail("explain", EXIT_USAGE, "which reply? for instance: \"550 5.7.1 ...\"");
    ruleset = ctl_ruleset(ctl, &error);
    if (!ruleset)
        return ctl_fail("explain", EXIT_FAILED, "%s", error.text);
    classifier = classifier_open(ruleset, &error);
    ruleset_unref(&ruleset);
    if (!classifier)
        return ctl_fail("explain", EXIT_FAILED, "%s", error.text);
    text = join(argc, argv);
    input.text = text;
    input.length = strlen(text);
    classify(classifier, &input, &verdict);
    if (ctl->json)
        print_json(&verdict);
    else
        print_people(&verdict);
    free(text);
    classifier_close(&classifier);
    return EXIT_YES;
}
