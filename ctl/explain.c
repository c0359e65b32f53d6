/* suppressctl explain: what a reply means, whose fault it is, what to do. */
#include "config.h"

#include "ctl/explain.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/inspect.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/command.h"
#include "daemon/ledger/policy.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

const char *explain_fault(const struct reason_info *info)
{
    size_t i;

    for (i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        if (!strcmp(faults[i].subject, info->subject))
            return faults[i].words;
    return info->subject;
}

const char *explain_consequence(const struct reason_info *info, const struct verdict *verdict)
{
    if (info->hygiene == HYGIENE_NONE || !policy_blames_recipient(verdict->reason))
        return "the address stays in use";
    if (info->hygiene == HYGIENE_COUNT)
        return "counted; the address is suppressed only if this goes on for days";
    if (verdict->persistence == PERSISTENCE_TRANSIENT)
        return "nothing yet: the failure is temporary; suppressed once it is final";
    if (!strcmp(info->family, "domain"))
        return "counted; the domain is suppressed once several of its recipients agree";
    return "the address is suppressed at once";
}

const char *explain_note(const struct ruleset *ruleset, const struct verdict *verdict)
{
    size_t i;

    for (i = 0; i < ruleset_size(ruleset); i++)
        if (!strcmp(ruleset_rule(ruleset, i)->id, verdict->rule))
            return ruleset_rule(ruleset, i)->note;
    return NULL;
}

/* What the words mean for good may be said for now only. */
static void print_todo(const struct reason_info *info, const struct verdict *verdict)
{
    int for_now = verdict->persistence == PERSISTENCE_TRANSIENT && info->persistence == PERSISTENCE_PERMANENT;

    printf("to do     %s%s\n", for_now ? "The server calls this temporary: try again later. If it lasts: " : "",
           info->todo);
}

static void print_rule(const struct verdict *verdict)
{
    const char *colon = strchr(verdict->rule, ':');

    if (!*verdict->rule)
        puts("rule      none");
    else if (colon)
        printf("rule      none; the %.*s %s decides\n", (int)(colon - verdict->rule), verdict->rule, colon + 1);
    else
        printf("rule      %s\n", verdict->rule);
}

static void print_people(const struct verdict *verdict, const char *note)
{
    const struct reason_info *info = reason_info(verdict->reason);

    printf("reason    %s (%s)\n", info->name, persistence_name(verdict->persistence));
    printf("means     %s\n", info->means);
    printf("fault     %s\n", explain_fault(info));
    print_todo(info, verdict);
    printf("suppress  %s\n", explain_consequence(info, verdict));
    if (verdict->code)
        printf("code      %d\n", verdict->code);
    if (*verdict->status)
        printf("status    %s\n", verdict->status);
    if (*verdict->provider)
        printf("provider  %s\n", verdict->provider);
    if (verdict->stage)
        printf("stage     %s\n", stage_name(verdict->stage));
    print_rule(verdict);
    if (note)
        printf("see       %s\n", note);
}

static void print_json(const struct verdict *verdict, const char *note)
{
    const struct reason_info *info = reason_info(verdict->reason);
    json_t *object = json_pack(
        "{ss ss ss ss ss ss ss ss ss si ss ss ss}", "reason", info->name, "family", info->family,
        "subject", info->subject, "persistence", persistence_name(verdict->persistence), "action",
        hygiene_name(info->hygiene), "means", info->means, "todo", info->todo, "rule",
        verdict->rule, "status", verdict->status, "code", verdict->code, "provider",
        verdict->provider, "stage", stage_name(verdict->stage), "consequence",
        explain_consequence(info, verdict));

    if (note)
        json_object_set_new(object, "see", ask_json(note));
    ask_print_json(object);
}

/* The arguments may be one quoted reply or its words. Takes --mta and --status
 * out; the text is the caller's. NULL when an option has no value. */
static char *read_input(int argc, char **argv, struct classify_input *input)
{
    char *text = xstrdup(""), *longer;
    int i;

    for (i = 1; i < argc; i++) {
        const char **option = !strcmp(argv[i], "--mta")      ? &input->mta
                              : !strcmp(argv[i], "--status") ? &input->status
                                                             : NULL;

        if (option && i + 1 == argc) {
            free(text);
            return NULL;
        }
        if (option) {
            *option = argv[++i];
            continue;
        }
        longer = xasprintf("%s%s%s", text, *text ? " " : "", argv[i]);
        free(text);
        text = longer;
    }
    input->text = text;
    input->length = strlen(text);
    return text;
}

static int explain_reply(struct ctl *ctl, const struct ruleset *ruleset, struct classifier *classifier,
                         int argc, char **argv)
{
    struct classify_input input = {0};
    struct verdict verdict;
    char *text = read_input(argc, argv, &input);

    if (!text || !*text) {
        free(text);
        return ctl_fail("explain", EXIT_USAGE, "which reply? for instance: \"550 5.7.1 ...\"");
    }
    classify(classifier, &input, &verdict);
    if (ctl->json)
        print_json(&verdict, explain_note(ruleset, &verdict));
    else
        print_people(&verdict, explain_note(ruleset, &verdict));
    free(text);
    return EXIT_YES;
}

int command_explain(struct ctl *ctl, int argc, char **argv)
{
    int questions = argc == 2 && !strcmp(argv[1], "--questions");
    struct error error = {0};
    struct ruleset *ruleset;
    struct classifier *classifier;
    int code = EXIT_YES;

    /* The page is about the rules as shipped, whatever a site adds. */
    ruleset = questions ? ruleset_load(NULL, NULL, &error) : ctl_ruleset(ctl, &error);
    classifier = ruleset ? classifier_open(ruleset, &error) : NULL;
    if (!classifier)
        code = ctl_fail("explain", EXIT_FAILED, "%s", error.text);
    else if (questions)
        questions_print(ruleset, classifier);
    else
        code = explain_reply(ctl, ruleset, classifier, argc, argv);
    if (classifier)
        classifier_close(&classifier);
    ruleset_unref(&ruleset);
    return code;
}
