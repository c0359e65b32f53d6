/* suppressctl rules test: every rule that matches a reply, which wins, and why. */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "classifier/inspect.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fates[] = {
    [MATCH_WINS] = "decides",
    [MATCH_LATE] = "comes too late",
    [MATCH_PROVIDER] = "is for another provider",
    [MATCH_CODE] = "is for another reply code",
    [MATCH_STATUS] = "is for another status",
    [MATCH_STAGE] = "is for another place of the dialogue",
};

/* As it may stand on a terminal; owned by the caller. */
static char *matched_text(const struct inspection *inspection, const struct match *match)
{
    return xstrndup(inspection->reply.words + match->start, match->end - match->start);
}

static void print_match(const struct inspection *inspection, const struct match *match)
{
    char *text = matched_text(inspection, match);

    printf("%-8s  %s (%s) %s\n", match->fate == MATCH_WINS ? "=> rule" : "rule", match->rule->id,
           reason_info(match->rule->reason)->name, fates[match->fate]);
    printf("          %s:%d\n          pattern '", match->rule->file, match->rule->line);
    ask_print(match->pattern);
    printf("'\n          matches \"");
    ask_print(text);
    printf("\"\n");
    free(text);
}

static void print_fact(const char *name, const char *value)
{
    if (*value)
        printf("%-9s %s\n", name, value);
}

static void print_people(const struct inspection *inspection)
{
    const struct verdict *verdict = &inspection->verdict;
    size_t i;

    printf("words     ");
    ask_print(inspection->reply.words);
    putchar('\n');
    if (verdict->code)
        printf("code      %d\n", verdict->code);
    print_fact("status", verdict->status);
    print_fact("provider", verdict->provider);
    print_fact("stage", stage_name(verdict->stage));
    for (i = 0; i < inspection->count; i++)
        print_match(inspection, &inspection->matches[i]);
    printf("verdict   %s by %s\n", reason_info(verdict->reason)->name,
           *verdict->rule ? verdict->rule : "nothing: no rule, status or code tells");
}

static json_t *match_object(const struct inspection *inspection, const struct match *match)
{
    char *text = matched_text(inspection, match);
    json_t *object = json_pack(
        "{s:o, s:s, s:s, s:o, s:i, s:o, s:i, s:i, s:o}", "rule", ask_json(match->rule->id), "fate",
        match_fate_name(match->fate), "reason", reason_info(match->rule->reason)->name, "file",
        ask_json(match->rule->file), "line", match->rule->line, "pattern", ask_json(match->pattern),
        "start", (int)match->start, "end", (int)match->end, "text", ask_json(text));

    free(text);
    return object;
}

static void print_object(const struct inspection *inspection)
{
    const struct verdict *verdict = &inspection->verdict;
    json_t *matches = json_array();
    size_t i;

    for (i = 0; i < inspection->count; i++)
        json_array_append_new(matches, match_object(inspection, &inspection->matches[i]));
    ask_print_json(json_pack("{s:o, s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "words",
                             ask_json(inspection->reply.words), "code", verdict->code, "status",
                             verdict->status, "provider", verdict->provider, "stage",
                             stage_name(verdict->stage), "reason", reason_info(verdict->reason)->name,
                             "rule", verdict->rule, "matches", matches));
}

static int read_input(int argc, char **argv, struct classify_input *input)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (i + 1 < argc && !strcmp(argv[i], "--mta"))
            input->mta = argv[++i];
        else if (i + 1 < argc && !strcmp(argv[i], "--status"))
            input->status = argv[++i];
        else if (input->text || !strncmp(argv[i], "--", 2))
            return ctl_fail("rules", EXIT_USAGE, "test: one reply, in quotes, is wanted");
        else
            input->text = argv[i];
    }
    if (!input->text)
        return ctl_fail("rules", EXIT_USAGE, "test: which reply?");
    input->length = strlen(input->text);
    return 0;
}

int rules_test(struct ctl *ctl, int argc, char **argv)
{
    static struct inspection inspection; /* large */
    struct error error = {0};
    struct classify_input input = {0};
    struct ruleset *ruleset;
    int code = read_input(argc, argv, &input), failed;

    if (code)
        return code;
    if (!(ruleset = ctl_ruleset(ctl, &error)))
        return ctl_fail("rules", EXIT_FAILED, "%s", error.text);
    failed = inspect(ruleset, &input, &inspection, &error);
    if (!failed && ctl->json)
        print_object(&inspection);
    else if (!failed)
        print_people(&inspection);
    code = inspection.verdict.reason == REASON_UNCLASSIFIED ? EXIT_NO : EXIT_YES;
    inspection_clear(&inspection);
    ruleset_unref(&ruleset);
    return failed ? ctl_fail("rules", EXIT_FAILED, "%s", error.text) : code;
}
