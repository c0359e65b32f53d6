/* suppressctl incident list|show|close|rollback: a provider's trouble, and
 * what it holds. */
#include "config.h"

#include "ctl/command.h"

#include "base/mem.h"
#include "ctl/ask.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/record.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct listing {
    struct ctl *ctl;
    int open_only, rows;
    json_t *held; /* --json only */
    json_t *object;
};

static json_t *incident_json(const struct past_incident *i)
{
    json_t *object = json_pack(
        "{s:I, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:f}", "incident", (json_int_t)i->id, "kind", ask_json(i->kind),
        "scope", ask_json(i->scope), "name", ask_json(i->name), "begun", (json_int_t)i->begun, "opened",
        (json_int_t)i->opened, "closed", i->closed ? json_integer((json_int_t)i->closed) : json_null(), "closed_by",
        i->closed ? ask_json(i->closed_by) : json_null(), "failures", (json_int_t)i->failures, "usual", i->usual);

    json_object_update_new(object, json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "got_through", (json_int_t)i->got_through, "held", (json_int_t)i->held, "waiting",
        (json_int_t)i->waiting, "confirmed", (json_int_t)i->confirmed, "dropped", (json_int_t)i->dropped));
    return object;
}

static void print_incident(const struct past_incident *incident, void *context)
{
    struct listing *listing = context;
    char opened[32], closed[32];

    if (listing->open_only && incident->closed)
        return;
    listing->rows++;
    if (listing->ctl->json) {
        ask_print_json(incident_json(incident));
        return;
    }
    printf("%lld\t%s\t%s ", (long long)incident->id, incident->kind, incident->scope);
    ask_print(incident->name);
    printf("\t%s\t%s\t%lld held, %lld waiting, %lld confirmed, %lld dropped\n", ask_time(incident->opened, opened),
           incident->closed ? ask_time(incident->closed, closed) : "open", (long long)incident->held,
           (long long)incident->waiting, (long long)incident->confirmed, (long long)incident->dropped);
}

static void describe(const struct past_incident *incident, void *context)
{
    struct listing *listing = context;
    char when[32];

    listing->rows++;
    if (listing->ctl->json) {
        listing->object = incident_json(incident);
        return;
    }
    printf("incident %lld: %s at %s ", (long long)incident->id, incident->kind, incident->scope);
    ask_print(incident->name);
    printf("\n    seen in     %lld failures since %s, where %.1f are usual\n", (long long)incident->failures,
           ask_time(incident->begun, when), incident->usual);
    printf("    opened      %s\n", ask_time(incident->opened, when));
    printf("    closed      %s%s%s\n", incident->closed ? ask_time(incident->closed, when) : "no, it is open",
           incident->closed ? " by " : "", incident->closed ? incident->closed_by : "");
    printf("    concerned   %lld held, %lld waiting, %lld confirmed, %lld dropped\n", (long long)incident->held,
           (long long)incident->waiting, (long long)incident->confirmed, (long long)incident->dropped);
    printf("    of these    %lld were suppressed before it was known\n\n", (long long)incident->got_through);
}

static void print_held(const struct past_held *held, void *context)
{
    struct listing *listing = context;
    char since[32], changed[32];

    if (listing->ctl->json) {
        json_array_append_new(listing->held, json_pack(
            "{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:b}", "recipient", ask_json(held->recipient), "stream",
            ask_json(held->stream), "reason", ask_json(held->reason), "state", ask_json(held->state), "since",
            (json_int_t)held->since, "changed", (json_int_t)held->changed, "failures", (json_int_t)held->failures,
            "last_failure", (json_int_t)held->last_failure, "got_through", held->got_through));
        return;
    }
    ask_print(held->recipient);
    printf("\t%s\t%s\t%s\t%s\t%lld failure(s)\n", held->reason, ask_time(held->since, since), held->state,
           ask_time(held->changed, changed), (long long)held->failures);
}

static int list(struct ctl *ctl, struct lookup *lookup, int all, struct error *error)
{
    struct listing listing = {.ctl = ctl, .open_only = !all};

    if (lookup_incidents(lookup, 0, print_incident, &listing, error))
        return ctl_fail("incident", EXIT_FAILED, "%s", error->text);
    return EXIT_YES;
}

static int show(struct ctl *ctl, struct lookup *lookup, int64_t id, struct error *error)
{
    struct listing listing = {.ctl = ctl, .held = json_array()};
    int failed = lookup_incidents(lookup, id, describe, &listing, error) ||
                 lookup_held(lookup, id, NULL, print_held, &listing, error);

    if (listing.object) {
        json_object_set(listing.object, "suppressions", listing.held);
        ask_print_json(listing.object);
    }
    json_decref(listing.held);
    if (failed)
        return ctl_fail("incident", EXIT_FAILED, "%s", error->text);
    return listing.rows ? EXIT_YES : ctl_fail("incident", EXIT_NO, "there is no incident %lld", (long long)id);
}

/* With no daemon. What was closed or how many were released, -1. */
static int change_directly(struct ctl *ctl, int64_t id, int rollback, struct error *error)
{
    struct record *record = record_new(RECORD_INCIDENT, (int64_t)time(NULL));
    const struct passwd *user = getpwuid(getuid());

    record->incident = id;
    record->rollback = rollback;
    record->who = xstrdup(user ? user->pw_name : "unknown");
    return ask_directly(ctl, NULL, record, error);
}

static int change(struct ctl *ctl, int64_t id, int rollback, struct error *error)
{
    json_t *request = json_pack("{s:s, s:I, s:b}", "command", "incident", "incident", (json_int_t)id, "rollback",
                                rollback), *answer = NULL;
    int result = ask_daemon(ctl, request, &answer, error);

    json_decref(request);
    if (!result)
        return change_directly(ctl, id, rollback, error);
    if (result > 0) {
        const char *problem = json_string_value(json_object_get(answer, "error"));

        result = (int)json_integer_value(json_object_get(answer, "count"));
        if (!json_is_true(json_object_get(answer, "ok")))
            result = error_set(error, ERROR_ENVIRONMENT, "%s", problem ? problem : "refused");
    }
    json_decref(answer);
    return result;
}

static void note_one(const struct past_incident *incident, void *context)
{
    (void)incident;
    *(int *)context = 1;
}

/* 1, 0, -1. */
static int exists(struct ctl *ctl, int64_t id, struct error *error)
{
    struct lookup *lookup = ask_lookup(ctl, error);
    int found = 0;

    if (!lookup)
        return -1;
    if (lookup_incidents(lookup, id, note_one, &found, error))
        found = -1;
    lookup_close(&lookup);
    return found;
}

static int change_and_tell(struct ctl *ctl, int64_t id, int rollback)
{
    struct error error = {0};
    int found = exists(ctl, id, &error), result;

    if (!found)
        return ctl_fail("incident", EXIT_NO, "there is no incident %lld", (long long)id);
    if (found < 0 || (result = change(ctl, id, rollback, &error)) < 0)
        return ctl_fail("incident", EXIT_FAILED, "%s", error.text);
    if (ctl->json)
        ask_print_json(json_pack("{s:I, s:s, s:i}", "incident", (json_int_t)id, "done", rollback ? "rollback" : "close",
                                 "count", result));
    else if (rollback)
        printf("incident %lld: %d suppression(s) released, and nothing is held any more\n", (long long)id, result);
    else
        printf("incident %lld: %s\n", (long long)id, result ? "closed" : "it was closed already");
    return rollback || result ? EXIT_YES : EXIT_NO;
}

static int look(struct ctl *ctl, int64_t id, int all)
{
    struct error error = {0};
    struct lookup *lookup = ask_lookup(ctl, &error);
    int code;

    if (!lookup)
        return ctl_fail("incident", EXIT_FAILED, "%s", error.text);
    code = id ? show(ctl, lookup, id, &error) : list(ctl, lookup, all, &error);
    lookup_close(&lookup);
    return code;
}

int command_incident(struct ctl *ctl, int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "list";
    char *end = NULL;
    int64_t id;

    if (!strcmp(what, "list") && (argc < 3 || (argc == 3 && !strcmp(argv[2], "--all"))))
        return look(ctl, 0, argc == 3);
    if (argc != 3 || (strcmp(what, "show") != 0 && strcmp(what, "close") != 0 && strcmp(what, "rollback") != 0))
        return ctl_fail(argv[0], EXIT_USAGE, "list [--all], or show, close or rollback and the number of an incident");
    errno = 0;
    id = strtoll(argv[2], &end, 10);
    if (errno || *end || id <= 0)
        return ctl_fail(argv[0], EXIT_USAGE, "'%s' is not the number of an incident", argv[2]);
    return strcmp(what, "show") ? change_and_tell(ctl, id, !strcmp(what, "rollback")) : look(ctl, id, 0);
}
