/* suppressctl aside: list, show, read again and drop what could not be understood.
 *
 * What became of a message tells the database afterwards: gone is understood,
 * or dropped; what is there still has its problem.
 */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/record.h"
#include "daemon/report/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct work {
    struct ctl *ctl;
    const char *command; /* "aside" */
    struct lookup *lookup;
    struct ruleset *rules; /* for retry without a daemon; loaded when that is so */
    int drop;
    int64_t *ids;
    size_t count;
    int code;
};

/* -------------------------------------------------------------- list, show */

static json_t *aside_json(const struct past_aside *aside)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "id", (json_int_t)aside->id,
                     "time", (json_int_t)aside->time, "last", (json_int_t)aside->last, "count",
                     (json_int_t)aside->count, "size", (json_int_t)aside->size, "stored",
                     (json_int_t)aside->stored, "source", ask_json(aside->source), "evidence",
                     ask_json(aside->evidence), "sender", ask_json(aside->sender), "problem",
                     ask_json(aside->problem));
}

static void print_aside(const struct past_aside *aside, void *context)
{
    const struct ctl *ctl = context;
    char last[32];

    if (ctl->json) {
        ask_print_json(aside_json(aside));
        return;
    }
    printf("%lld\t%s\t%lld\t%lld\t%s\t<", (long long)aside->id, ask_time(aside->last, last),
           (long long)aside->count, (long long)aside->size, aside->evidence);
    ask_print(aside->sender);
    printf(">\t");
    ask_print(aside->problem);
    putchar('\n');
}

/* Into a pipe as it came; a terminal gets no control characters. */
static void print_message(const char *bytes, size_t size)
{
    if (!isatty(STDOUT_FILENO)) {
        fwrite(bytes, 1, size, stdout);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c != '\r')
            putchar((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
    }
}

static int parse_id(const char *text, int64_t *id_r)
{
    char *end;

    *id_r = (int64_t)strtoll(text, &end, 10);
    return *text && !*end && *id_r > 0;
}

static int show(struct work *work, int argc, char **argv)
{
    struct error error;
    char *bytes = NULL;
    size_t size;
    int64_t id;
    int found;

    if (argc != 1 || !parse_id(argv[0], &id))
        return ctl_fail(work->command, EXIT_USAGE, "show takes one number of the list");
    if ((found = lookup_aside_message(work->lookup, id, &bytes, &size, &error)) < 0)
        return ctl_fail(work->command, EXIT_FAILED, "%s", error.text);
    if (!found)
        return ctl_fail(work->command, EXIT_NO, "no message %lld is kept aside", (long long)id);
    if (work->ctl->json)
        ask_print_json(json_pack("{s:I, s:o}", "id", (json_int_t)id, "message", ask_json(bytes)));
    else
        print_message(bytes, size);
    free(bytes);
    return EXIT_YES;
}

/* ------------------------------------------------------------- retry, drop */

static void add_id(const struct past_aside *aside, void *context)
{
    struct work *work = context;

    if (!(work->count & (work->count - 1)))
        work->ids = xrealloc(work->ids, (work->count ? 2 * work->count : 1) * sizeof(*work->ids));
    work->ids[work->count++] = aside->id;
}

/* Adds those that are chosen and there. Exit code. */
static int choose(struct work *work, const struct aside_choice *choice)
{
    size_t before = work->count;
    struct error error;

    if (lookup_aside(work->lookup, choice, add_id, work, &error))
        return ctl_fail(work->command, EXIT_FAILED, "%s", error.text);
    if (choice->id && work->count == before)
        work->code = ctl_fail(work->command, EXIT_NO, "no message %lld is kept aside", (long long)choice->id);
    return EXIT_YES;
}

static int choose_named(struct work *work, int argc, char **argv)
{
    int failed = 0;

    for (int i = 0; i < argc && !failed; i++) {
        struct aside_choice choice = {0};

        if (!parse_id(argv[i], &choice.id))
            return ctl_fail(work->command, EXIT_USAGE, "'%s' is no number of the list", argv[i]);
        failed = choose(work, &choice);
    }
    return failed;
}

static int choose_before(struct work *work, const char *date)
{
    struct aside_choice choice = {0};
    struct tm day = {0};
    const char *end = strptime(date, "%Y-%m-%d", &day);

    choice.before = (int64_t)timegm(&day);
    if (!end || *end || choice.before <= 0)
        return ctl_fail(work->command, EXIT_USAGE, "--before takes a date: 2027-01-31");
    return choose(work, &choice);
}

static int run_directly(struct work *work, const int64_t *ids, size_t count, struct error *error)
{
    struct record *record = change_aside(work->drop, ids, count, (int64_t)time(NULL), error);

    if (!record)
        return -1;
    if (!work->drop && !work->rules) {
        message_init();
        work->rules = ctl_ruleset(work->ctl, error);
    }
    if (!work->drop && !work->rules) {
        record_free(&record);
        return -1;
    }
    return ask_directly(work->ctl, work->rules, record, error);
}

static int run_some(struct work *work, const int64_t *ids, size_t count, struct error *error)
{
    json_t *list = json_array(), *request, *answer = NULL;
    int result;

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer((json_int_t)ids[i]));
    request = json_pack("{s:s, s:o}", "command", work->drop ? "aside-drop" : "aside-retry", "ids", list);
    result = ask_daemon(work->ctl, request, &answer, error);
    json_decref(request);
    if (!result)
        return run_directly(work, ids, count, error);
    return result > 0 ? ask_changed(answer, error) : -1;
}

struct outcome {
    struct work *work;
    int kept;
};

static void print_outcome(const struct ctl *ctl, int64_t id, const char *what, const char *problem)
{
    if (ctl->json) {
        ask_print_json(json_pack("{s:I, s:s, s:o*}", "id", (json_int_t)id, "outcome", what, "problem",
                                 problem ? ask_json(problem) : NULL));
        return;
    }
    printf("%lld\t%s", (long long)id, what);
    if (problem)
        fputs(": ", stdout), ask_print(problem);
    putchar('\n');
}

static void print_kept(const struct past_aside *aside, void *context)
{
    struct outcome *outcome = context;

    outcome->kept = 1;
    print_outcome(outcome->work->ctl, aside->id, "kept", aside->problem);
}

static int print_outcomes(struct work *work, const int64_t *ids, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct aside_choice choice = {.id = ids[i]};
        struct outcome outcome = {.work = work};

        if (lookup_aside(work->lookup, &choice, print_kept, &outcome, error))
            return -1;
        if (!outcome.kept)
            print_outcome(work->ctl, ids[i], work->drop ? "dropped" : "understood", NULL);
        else if (work->code == EXIT_YES)
            work->code = EXIT_NO;
    }
    return 0;
}

static int run_all(struct work *work)
{
    struct error error = {0};

    for (size_t done = 0; done < work->count; done += CHANGE_ASIDE_MAX) {
        size_t left = work->count - done, some = left < CHANGE_ASIDE_MAX ? left : CHANGE_ASIDE_MAX;

        if (run_some(work, work->ids + done, some, &error) < 0 ||
            print_outcomes(work, work->ids + done, some, &error))
            return ctl_fail(work->command, EXIT_FAILED, "%s", error.text);
    }
    return work->code;
}

static int retry(struct work *work, int argc, char **argv)
{
    const struct aside_choice all = {0};
    int failed = argc ? choose_named(work, argc, argv) : choose(work, &all);

    return failed ? failed : run_all(work);
}

static int drop(struct work *work, int argc, char **argv)
{
    int failed;

    work->drop = 1;
    if (argc == 2 && !strcmp(argv[0], "--before"))
        failed = choose_before(work, argv[1]);
    else if (argc)
        failed = choose_named(work, argc, argv);
    else
        failed = ctl_fail(work->command, EXIT_USAGE, "drop takes numbers of the list, or --before DATE");
    return failed ? failed : run_all(work);
}

static int list(struct work *work, int argc, char **argv)
{
    const struct aside_choice all = {0};
    struct error error;

    if (argc)
        return ctl_fail(work->command, EXIT_USAGE, "'%s' is none of show, retry and drop", argv[0]);
    if (lookup_aside(work->lookup, &all, print_aside, work->ctl, &error))
        return ctl_fail(work->command, EXIT_FAILED, "%s", error.text);
    return EXIT_YES;
}

int command_aside(struct ctl *ctl, int argc, char **argv)
{
    struct work work = {.ctl = ctl, .command = argv[0], .code = EXIT_YES};
    const char *what = argc > 1 ? argv[1] : "";
    struct error error;
    int code;

    if (!(work.lookup = ask_lookup(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    if (!strcmp(what, "show"))
        code = show(&work, argc - 2, argv + 2);
    else if (!strcmp(what, "retry"))
        code = retry(&work, argc - 2, argv + 2);
    else if (!strcmp(what, "drop"))
        code = drop(&work, argc - 2, argv + 2);
    else
        code = list(&work, argc - 1, argv + 1);
    lookup_close(&work.lookup);
    ruleset_unref(&work.rules);
    free(work.ids);
    return code;
}
