/* suppressctl status: is the daemon well, and what does it know? */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"
#include "daemon/counters.h"
#include "daemon/ledger/lookup.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ASIDE_SHOWN 5

static void print_daemon(const json_t *answer)
{
    const char *reload_error = json_string_value(json_object_get(answer, "reload_error"));
    json_t *counters = json_object_get(answer, "counters");
    char started[32];

    printf("daemon      running, version %s, pid %lld, since %s\n",
           json_string_value(json_object_get(answer, "version")),
           json_integer_value(json_object_get(answer, "pid")),
           ask_time(json_integer_value(json_object_get(answer, "started")), started));
    printf("gate        %s\n", json_string_value(json_object_get(answer, "gate_mode")));
    printf("rules       %lld, version %s\n", json_integer_value(json_object_get(answer, "rules")),
           json_string_value(json_object_get(answer, "rules_version")));
    printf("queue       %lld waiting\n", json_integer_value(json_object_get(answer, "queued")));
    if (reload_error && *reload_error)
        printf("reload      FAILED, the old settings and rules are in force: %s\n", reload_error);
    puts("\nsince the start:");
    for (int i = 0; i < COUNTER_COUNT; i++) {
        long long value = json_integer_value(json_object_get(counters, counter_name((enum counter)i)));

        if (value)
            printf("  %10lld  %s\n", value, counter_help((enum counter)i));
    }
}

static void print_aside(const struct past_aside *aside, void *context)
{
    char when[32];

    (void)context;
    printf("  %s  %lld: %lld bytes from <", ask_time(aside->last, when), (long long)aside->id,
           (long long)aside->size);
    ask_print(aside->sender);
    printf(">: ");
    ask_print(aside->problem);
    putchar('\n');
}

static void print_totals(const struct lookup_totals *totals)
{
    char last[32];

    puts("\ndatabase:");
    printf("  %10lld  suppressions in force\n", (long long)totals->suppressions);
    printf("  %10lld  incidents open%s\n", (long long)totals->incidents_open,
           totals->incidents_open ? " (suppressctl incident list)" : "");
    printf("  %10lld  delivery results%s%s\n", (long long)totals->events,
           totals->last_event ? ", the last at " : "", ask_time(totals->last_event, last));
    printf("  %10lld  recipients known\n", (long long)totals->recipients);
    printf("  %10lld  submitted messages remembered\n", (long long)totals->sent);
    printf("  %10lld  reports kept aside (%lld bytes)\n", (long long)totals->aside,
           (long long)totals->aside_bytes);
}

static json_t *totals_json(const struct lookup_totals *totals)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i}", "suppressions",
                     (json_int_t)totals->suppressions, "events", (json_int_t)totals->events, "recipients",
                     (json_int_t)totals->recipients, "sent", (json_int_t)totals->sent, "aside",
                     (json_int_t)totals->aside, "aside_bytes", (json_int_t)totals->aside_bytes,
                     "last_event", (json_int_t)totals->last_event, "incidents_open",
                     (json_int_t)totals->incidents_open, "schema", totals->schema);
}

static int report_database(struct ctl *ctl, json_t *status, struct error *error)
{
    struct lookup *lookup = ask_lookup(ctl, error);
    const struct aside_choice newest = {.max = ASIDE_SHOWN};
    struct lookup_totals totals;
    int failed = 1;

    if (lookup && !lookup_totals(lookup, (int64_t)time(NULL), &totals, error)) {
        json_object_set_new(status, "database", totals_json(&totals));
        failed = 0;
        if (!ctl->json) {
            print_totals(&totals);
            failed = lookup_aside(lookup, &newest, print_aside, NULL, error);
        }
    }
    lookup_close(&lookup);
    return failed;
}

int command_status(struct ctl *ctl, int argc, char **argv)
{
    json_t *request = json_pack("{s:s}", "command", "status"), *answer = NULL, *status;
    struct error error = {0};
    int running, failed;

    if (argc > 1)
        return ctl_fail(argv[0], EXIT_USAGE, "takes no arguments");
    running = ask_daemon(ctl, request, &answer, &error);
    json_decref(request);
    status = json_pack("{s:o, s:o*}", "running", running < 0 ? json_null() : json_boolean(running), "daemon",
                       answer);
    /* Who may read the records need not be one who may talk to the daemon. */
    if (running < 0)
        ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    else if (running && !ctl->json)
        print_daemon(answer);
    else if (!ctl->json)
        puts("daemon      NOT RUNNING: bounces are not learned and nobody is refused");
    failed = report_database(ctl, status, &error);
    if (ctl->json)
        ask_print_json(status);
    else
        json_decref(status);
    if (failed)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    return running < 0 ? EXIT_FAILED : running ? EXIT_YES : EXIT_NO;
}
