/* suppressctl show ADDR: everything that is known of one recipient: each
 * delivery result with the remote's words, the rule and the decision, and
 * each change of its suppression. */
#include "config.h"

#include "ctl/command.h"

#include "ctl/ask.h"
#include "daemon/console/change.h"
#include "daemon/ledger/lookup.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct history {
    struct ctl *ctl;
    json_t *events, *changes, *held; /* --json only */
    int rows;
};

static json_t *event_json(const struct past_event *e)
{
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:b, s:i}", "event", (json_int_t)e->id,
        "time", (json_int_t)e->time, "recorded", (json_int_t)e->recorded, "action", ask_json(e->action),
        "reason", ask_json(e->reason), "persistence", ask_json(e->persistence), "rule", ask_json(e->rule),
        "ruleset", ask_json(e->ruleset), "provider", ask_json(e->provider), "code", e->code, "status",
        ask_json(e->status), "reply", ask_json(e->reply), "trusted", e->trusted, "witnesses", e->witnesses);

    json_object_update_new(object, json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "reporting_mta", ask_json(e->reporting_mta),
        "remote_mta", ask_json(e->remote_mta), "queue_id", ask_json(e->queue_id), "message_id",
        ask_json(e->message_id), "sender", ask_json(e->sender), "stream", ask_json(e->stream),
        "original_recipient", ask_json(e->original_recipient), "source", ask_json(e->source), "evidence",
        ask_json(e->evidence), "decision", ask_json(e->decision), "sentence", ask_json(e->sentence), "told_by", ask_json(e->told_by)));
    return object;
}

static void print_field(const char *name, const char *value)
{
    if (!*value)
        return;
    printf("    %-10s ", name);
    ask_print(value);
    putchar('\n');
}

static void on_event(const struct past_event *event, void *context)
{
    struct history *history = context;
    char when[32], by[400];

    history->rows++;
    if (history->ctl->json) {
        json_array_append_new(history->events, event_json(event));
        return;
    }
    printf("%s  %s: %s (%s)\n", ask_time(event->time, when), event->action, event->reason, event->persistence);
    print_field("reply", event->reply);
    print_field("from", event->remote_mta);
    snprintf(by, sizeof(by), "%s (rules %s)", event->rule, event->ruleset);
    print_field("rule", *event->rule ? by : "");
    print_field("decision", event->decision);
    print_field("because", event->sentence);
    snprintf(by, sizeof(by), "%s by %s, %s", event->evidence, event->source,
             *event->reporting_mta ? event->reporting_mta : "unknown host");
    print_field("evidence", by);
    snprintf(by, sizeof(by), "%d time(s), by %s", event->witnesses, event->told_by);
    print_field("told", by);
    snprintf(by, sizeof(by), "%s from <%s>", *event->queue_id ? event->queue_id : "?", event->sender);
    print_field("message", by);
}

static void on_change(const struct past_change *change, void *context)
{
    struct history *history = context;
    char when[32], until[32];

    history->rows++;
    if (history->ctl->json) {
        json_array_append_new(history->changes, json_pack(
            "{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "time", (json_int_t)change->time, "who",
            ask_json(change->who), "what", ask_json(change->what), "stream", ask_json(change->stream),
            "reason", ask_json(change->reason), "origin", ask_json(change->origin), "until",
            (json_int_t)change->until, "event", (json_int_t)change->event, "note", ask_json(change->note)));
        return;
    }
    printf("%s  %s by ", ask_time(change->time, when), change->what);
    ask_print(change->who);
    printf(": %s%s%s\n", change->reason, change->until ? " until " : "", ask_time(change->until, until));
    print_field("note", change->note);
}

static void on_held(const struct past_held *held, void *context)
{
    struct history *history = context;
    char since[32];

    if (history->ctl->json)
        json_array_append_new(history->held, json_pack(
            "{s:I, s:o, s:o, s:o, s:I}", "incident", (json_int_t)held->incident, "state", ask_json(held->state), "stream",
            ask_json(held->stream), "reason", ask_json(held->reason), "since", (json_int_t)held->since));
    else if (!strcmp(held->state, "held"))
        printf("held by incident %lld: %s since %s, not enforced\n\n", (long long)held->incident, held->reason,
               ask_time(held->since, since));
    else if (!strcmp(held->state, "waiting"))
        printf("was held by incident %lld: %s; the next failure suppresses, a delivery drops it\n\n",
               (long long)held->incident, held->reason);
}

static int print_state(struct history *history, struct lookup *lookup, const char *key, struct error *error)
{
    const char *at = strrchr(key, '@');
    struct suppressed suppressed;
    char since[32];
    int found;

    found = lookup_suppressed(lookup, key, at ? at + 1 : "", "", (int64_t)time(NULL), &suppressed, error);
    if (found < 0 || history->ctl->json)
        return found;
    ask_print(key);
    if (found)
        printf(": suppressed: %s since %s\n\n", suppressed.reason, ask_time(suppressed.since, since));
    else
        puts(": not suppressed\n");
    return found;
}

static int show(struct history *history, struct lookup *lookup, const char *key, struct error *error)
{
    int found = print_state(history, lookup, key, error);

    if (found < 0 || lookup_held(lookup, 0, key, on_held, history, error) || lookup_events(lookup, key, on_event, history, error))
        return -1;
    if (!history->ctl->json && history->rows)
        putchar('\n');
    if (lookup_changes(lookup, key, on_change, history, error))
        return -1;
    if (history->ctl->json)
        ask_print_json(json_pack("{s:o, s:b, s:O, s:O, s:O}", "recipient", ask_json(key), "suppressed", found,
                                 "events", history->events, "changes", history->changes, "held", history->held));
    else if (!history->rows)
        puts("nothing is known of it");
    return 0;
}

int command_show(struct ctl *ctl, int argc, char **argv)
{
    struct history history = {.ctl = ctl};
    char key[ADDRESS_SIZE];
    struct error error = {0};
    struct settings *settings;
    struct lookup *lookup;
    int failed;

    if (argc != 2)
        return ctl_fail(argv[0], EXIT_USAGE, "name one address, or @ and a domain");
    if (!(settings = ask_settings(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    if (change_key(argv[1], (int)settings->strict_local_part, key, &error))
        return ctl_fail(argv[0], EXIT_USAGE, "%s", error.text);
    if (!(lookup = ask_lookup(ctl, &error)))
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    history.events = json_array();
    history.changes = json_array();
    history.held = json_array();
    failed = show(&history, lookup, key, &error);
    json_decref(history.events);
    json_decref(history.changes);
    json_decref(history.held);
    lookup_close(&lookup);
    if (failed)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    return history.rows ? EXIT_YES : EXIT_NO;
}
