/* suppressctl setup postfix: the lines that put suppressd beside a Postfix.
 *
 * Without an option it looks and prints shell commands, with what it noticed
 * as comments between them. --apply runs the postconf lines after copying
 * main.cf and master.cf, --remove takes back what --apply added and nothing
 * else.
 */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "ctl/ask.h"
#include "ctl/postfix_apply.h"
#include "ctl/postfix_list.h"
#include "ctl/postfix_plan.h"
#include "ctl/setup.h"
#include "daemon/settings.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    int apply, remove;
    const char *directory, *socket;
};

static const char usage[] =
    "usage: suppressctl setup postfix [--apply|--remove] [--config-dir DIR] [--socket SPEC]\n";

static int read_options(int argc, char **argv, struct options *options)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--apply"))
            options->apply = 1;
        else if (!strcmp(argv[i], "--remove"))
            options->remove = 1;
        else if (!strcmp(argv[i], "--config-dir") && i + 1 < argc)
            options->directory = argv[++i];
        else if (!strcmp(argv[i], "--socket") && i + 1 < argc)
            options->socket = argv[++i];
        else
            return -1;
    }
    return options->apply && options->remove ? -1 : 0;
}

/* One argument for a POSIX shell. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
    putchar('\'');
}

static void print_findings(const struct findings *findings)
{
    size_t i;

    for (i = 0; i < findings->count; i++)
        printf("# %s: %s\n", finding_word(findings->list[i].weight), findings->list[i].text);
}

static void print_head(const struct postfix_plan *plan)
{
    const struct postfix *postfix = plan->postfix;
    const char *instance = postfix->values[POSTFIX_INSTANCE_NAME].expanded;

    printf("# Postfix %s%s%s, configuration in %s, queue in %s\n",
           postfix->values[POSTFIX_VERSION].expanded, *instance ? ", instance " : "", instance,
           postfix->directory, postfix->values[POSTFIX_QUEUE_DIRECTORY].expanded);
    printf("# suppressd.conf: milter_socket = \"%s\"\n", plan->place.listens);
    if (plan->place.in_queue)
        printf("# Postfix names the same socket from its queue directory: %s\n",
               plan->place.reached);
}

static void print_edit(const struct postfix_plan *plan, const char *flag, const char *name,
                       const char *value)
{
    char *setting = xasprintf("%s = %s", name, value);

    fputs("postconf -c ", stdout);
    print_quoted(plan->postfix->directory);
    printf(" %s ", flag);
    print_quoted(setting);
    putchar('\n');
    free(setting);
}

static void print_plan(const struct postfix_plan *plan)
{
    const struct postfix_line *lines = plan->pickup.lines;
    size_t i;

    print_head(plan);
    print_findings(&plan->findings);
    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        if (plan->changes[i].value)
            print_edit(plan, "-e", postfix_parameter_name(i), plan->changes[i].value);
    for (i = 0; i < plan->pickup.count; i++)
        print_edit(plan, lines[i].flag, lines[i].name, lines[i].value);
    if (plan->change_count) {
        fputs("postfix -c ", stdout);
        print_quoted(plan->postfix->directory);
        puts(" reload");
    } else {
        puts("# nothing to change");
    }
}

static json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < findings->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "weight",
                                              finding_word(findings->list[i].weight), "text",
                                              findings->list[i].text));
    return list;
}

static json_t *changes_json(const struct postfix_plan *plan)
{
    const struct postfix_line *lines = plan->pickup.lines;
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        if (plan->changes[i].value)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "parameter",
                                                  postfix_parameter_name(i), "was",
                                                  plan->postfix->values[i].raw, "becomes",
                                                  plan->changes[i].value));
    for (i = 0; i < plan->pickup.count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "parameter", lines[i].name,
                                              "was", "", "becomes", lines[i].value));
    return list;
}

static void print_json(const struct postfix_plan *plan, int applied)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "config_dir",
                               plan->postfix->directory, "version",
                               plan->postfix->values[POSTFIX_VERSION].expanded, "milter_socket",
                               plan->place.listens, "postfix_socket", plan->place.reached,
                               "changes", changes_json(plan), "findings",
                               findings_json(&plan->findings), "applied", applied);

    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void print_applied(const struct postfix_plan *plan)
{
    const char *directory = plan->postfix->directory;
    int i;

    for (i = 0; i < POSTFIX_FILES; i++)
        if (postfix_plan_changes(plan, i))
            printf("applied; %s of before is %s/%s.before-suppressd\n", postfix_file_name(i),
                   directory, postfix_file_name(i));
    printf("in force after: postfix -c %s reload\n", directory);
}

static int report_apply(struct ctl *ctl, const struct postfix_plan *plan, int blocked)
{
    if (ctl->json) {
        print_json(plan, !blocked);
        return blocked ? EXIT_NO : EXIT_YES;
    }
    print_head(plan);
    print_findings(&plan->findings);
    if (blocked)
        puts("nothing was changed");
    else if (!plan->change_count)
        puts("nothing to change");
    else
        print_applied(plan);
    return blocked ? EXIT_NO : EXIT_YES;
}

/* The daemon's own setting says where it listens; --socket is for a daemon
 * whose settings are elsewhere or yet to be written. */
static int make_plan(struct ctl *ctl, const struct options *options, struct postfix_plan *plan_r,
                     struct error *error)
{
    const struct settings *settings = ask_settings(ctl, error);
    const char *socket;

    if (!settings && !options->socket)
        return -1;
    socket = options->socket ? options->socket : settings->milter_socket;
    if (postfix_plan_make(options->directory, socket, plan_r, error))
        return -1;
    if (settings && strcmp(settings->milter_socket, plan_r->place.listens) != 0)
        findings_add(&plan_r->findings, FINDING_WARNING,
                     "suppressd listens elsewhere, as its settings stand: milter_socket = \"%s\"",
                     settings->milter_socket);
    if (settings && plan_r->pickup.daemon &&
        !list_has(settings->user_daemons, plan_r->pickup.daemon))
        findings_add(&plan_r->findings, FINDING_WARNING,
                     "suppressd does not take \"%s\" for users' mail, as its settings stand: "
                     "user_daemons = \"%s\"",
                     plan_r->pickup.daemon, settings->user_daemons);
    return 0;
}

static int plan_and_apply(struct ctl *ctl, const struct options *options)
{
    struct postfix_plan plan;
    struct error error;
    int code, blocked;

    if (make_plan(ctl, options, &plan, &error))
        return ctl_fail("setup", error.code == ERROR_INPUT ? EXIT_USAGE : EXIT_FAILED, "%s",
                        error.text);
    blocked = findings_count(&plan.findings, FINDING_BLOCK) > 0;
    if (!options->apply) {
        if (ctl->json)
            print_json(&plan, 0);
        else
            print_plan(&plan);
        code = blocked ? EXIT_NO : EXIT_YES;
    } else if (!blocked && plan.change_count && postfix_apply(&plan, &error)) {
        code = ctl_fail("setup", EXIT_FAILED, "%s", error.text);
    } else {
        code = report_apply(ctl, &plan, blocked);
    }
    postfix_plan_clear(&plan);
    return code;
}

static int remove_setup(struct ctl *ctl, const struct options *options)
{
    struct postfix *postfix = NULL;
    struct postfix_record record = {0};
    struct error error;
    int found, code = EXIT_YES;

    if (postfix_look(options->directory, &postfix, &error))
        return ctl_fail("setup", EXIT_FAILED, "%s", error.text);
    found = postfix_record_read(postfix->directory, &record, &error);
    if (found < 0 || (found && postfix_undo(postfix, &record, &error)))
        code = ctl_fail("setup", EXIT_FAILED, "%s", error.text);
    else if (ctl->json)
        printf("{\"removed\":%s}\n", found ? "true" : "false");
    else if (found)
        printf("removed; in force after: postfix -c %s reload\n", postfix->directory);
    else
        printf("nothing to take back: --apply has added nothing in %s\n", postfix->directory);
    postfix_record_clear(&record);
    postfix_free(&postfix);
    return code;
}

int setup_postfix(struct ctl *ctl, int argc, char **argv)
{
    struct options options = {0};

    if (read_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return options.remove ? remove_setup(ctl, &options) : plan_and_apply(ctl, &options);
}
