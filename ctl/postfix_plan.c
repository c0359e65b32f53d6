/* See postfix_plan.h. */
#include "config.h"

#include "ctl/postfix_plan.h"

#include "base/mem.h"
#include "ctl/postfix_list.h"

#include <stdlib.h>
#include <string.h>

/* The per-milter form (Postfix 3.0): whatever happens to suppressd, and whatever
 * milter_default_action says for the others, mail goes on. The content timeout
 * must outlast the daemon's ack_timeout, which answers first with a tempfail. */
#define MILTER_ITEM                                                                               \
    "{ %s, default_action=accept, connect_timeout=5s, command_timeout=10s, content_timeout=60s }"

static const char *expanded(const struct postfix_plan *plan, enum postfix_parameter parameter)
{
    return plan->postfix->values[parameter].expanded;
}

static const char *raw(const struct postfix_plan *plan, enum postfix_parameter parameter)
{
    return plan->postfix->values[parameter].raw;
}

/* One instance of several must be meant by name, or the wrong one is changed. */
static int refuse_to_guess(const struct postfix_plan *plan, struct error *error)
{
    const char *others = expanded(plan, POSTFIX_INSTANCES);

    if (!others[strspn(others, " ,")])
        return 0;
    return error_set(error, ERROR_INPUT,
                     "this machine runs several Postfix instances; name one with --config-dir: "
                     "%s (the first), %s",
                     plan->postfix->directory, others);
}

static void change(struct postfix_plan *plan, enum postfix_parameter parameter, const char *item,
                   const char *found_by)
{
    plan->changes[parameter].value = list_append(raw(plan, parameter), item);
    plan->changes[parameter].item = xstrdup(found_by);
    plan->change_count++;
}

/* 1 if the item's text has words in it, blanks not counted. */
static int item_says(struct span item, const char *words)
{
    size_t length = strlen(words), i, matched = 0;

    for (i = 0; i < item.length && matched < length; i++) {
        if (item.at[i] == ' ' || item.at[i] == '\t')
            continue;
        matched = item.at[i] == words[matched] ? matched + 1 : item.at[i] == words[0];
    }
    return matched == length;
}

/* 1 if without the milter mail would stop: its own default action counts, else that of all. */
static int stops_mail(const struct postfix_plan *plan, struct span item)
{
    if (item_says(item, "default_action="))
        return !item_says(item, "default_action=accept");
    return strcmp(expanded(plan, POSTFIX_DEFAULT_ACTION), "accept") != 0;
}

static void note_present(struct postfix_plan *plan, const char *name, struct span item)
{
    if (stops_mail(plan, item))
        findings_add(&plan->findings, FINDING_WARNING,
                     "%s has suppressd as \"%.*s\", without default_action=accept: whenever "
                     "suppressd is not there, mail stops",
                     name, (int)item.length, item.at);
    else
        findings_add(&plan->findings, FINDING_NOTE, "%s has suppressd already", name);
}

/* A list that takes in the other one's value gets the milter through it. */
static void plan_milters(struct postfix_plan *plan)
{
    static const enum postfix_parameter lists[] = {POSTFIX_SMTPD_MILTERS,
                                                   POSTFIX_NON_SMTPD_MILTERS};
    char *item = xasprintf(MILTER_ITEM, plan->place.reached);
    const char *name, *other_name;
    struct span present;
    size_t i;

    for (i = 0; i < 2; i++) {
        name = postfix_parameter_name(lists[i]);
        other_name = postfix_parameter_name(lists[1 - i]);
        if (milter_place_listed(&plan->place, expanded(plan, lists[i]), &present))
            note_present(plan, name, present);
        else if (list_refers(raw(plan, lists[i]), other_name))
            findings_add(&plan->findings, FINDING_NOTE, "%s gets suppressd through $%s", name,
                         other_name);
        else
            change(plan, lists[i], item, plan->place.reached);
    }
    free(item);
}

static void plan_bounces(struct postfix_plan *plan)
{
    const char *milters = raw(plan, POSTFIX_NON_SMTPD_MILTERS);

    if (list_has(expanded(plan, POSTFIX_INTERNAL_FILTER), "bounce")) {
        findings_add(&plan->findings, FINDING_NOTE,
                     "internal_mail_filter_classes has bounce already");
        return;
    }
    change(plan, POSTFIX_INTERNAL_FILTER, "bounce", "bounce");
    if (plan->changes[POSTFIX_NON_SMTPD_MILTERS].value && milters[strspn(milters, " ,")])
        findings_add(&plan->findings, FINDING_NOTE,
                     "the other milters of non_smtpd_milters will see Postfix's own bounces too");
}

/* 1 if the override keeps a service's mail from suppressd. */
static int hides(const struct postfix_plan *plan, const struct postfix_override *override)
{
    int milters = !strcmp(override->name, postfix_parameter_name(POSTFIX_SMTPD_MILTERS)) ||
                  !strcmp(override->name, postfix_parameter_name(POSTFIX_NON_SMTPD_MILTERS));
    struct span present;

    if (milters)
        return !milter_place_listed(&plan->place, override->value, &present);
    if (!strcmp(override->name, postfix_parameter_name(POSTFIX_INTERNAL_FILTER)))
        return !list_has(override->value, "bounce");
    return !strcmp(override->name, postfix_parameter_name(POSTFIX_OVERRIDES)) &&
           list_has(override->value, "no_milters");
}

static void name_overrides(struct postfix_plan *plan)
{
    const struct postfix_override *override;
    const char *maps = expanded(plan, POSTFIX_MILTER_MAPS);
    size_t i;

    if (list_has(expanded(plan, POSTFIX_OVERRIDES), "no_milters"))
        findings_add(&plan->findings, FINDING_WARNING,
                     "main.cf: receive_override_options has no_milters: suppressd sees no mail that "
                     "comes by SMTP");
    if (*maps)
        findings_add(&plan->findings, FINDING_NOTE,
                     "smtpd_milter_maps = %s names milters by client; it overrides smtpd_milters", maps);
    for (i = 0; i < plan->postfix->override_count; i++) {
        override = &plan->postfix->overrides[i];
        if (hides(plan, override))
            findings_add(&plan->findings, FINDING_NOTE,
                         "master.cf: %s has its own \"%s = %s\", which overrides main.cf: "
                         "suppressd does not see its mail",
                         override->service, override->name, override->value);
    }
}

/* What an earlier --apply did. With another socket it must be taken back first, or
 * the record of what to undo would no longer be true. */
static int look_at_record(struct postfix_plan *plan, int *master_r, struct error *error)
{
    struct postfix_record record;
    const struct postfix_addition *addition = &record.additions[POSTFIX_SMTPD_MILTERS];
    int found = postfix_record_read(plan->postfix->directory, &record, error);

    if (found < 0)
        return -1;
    if (!addition->added)
        addition = &record.additions[POSTFIX_NON_SMTPD_MILTERS];
    if (found && addition->added && strcmp(addition->item, plan->place.reached) != 0)
        findings_add(&plan->findings, FINDING_BLOCK,
                     "an earlier --apply put in %s: take it back with --remove first",
                     addition->item);
    *master_r = record.files[POSTFIX_MASTER].changed;
    postfix_record_clear(&record);
    return 0;
}

static int fill(const char *directory, const char *socket, struct postfix_plan *plan,
                struct error *error)
{
    int ours;

    if (postfix_look(directory, &plan->postfix, error) ||
        (!directory && refuse_to_guess(plan, error)) ||
        milter_place_read(socket, expanded(plan, POSTFIX_QUEUE_DIRECTORY), &plan->place, error))
        return -1;
    if (!postfix_at_least(plan->postfix, 3, 0))
        findings_add(&plan->findings, FINDING_BLOCK,
                     "Postfix %s cannot set a default action per milter: 3.0 or later is needed",
                     expanded(plan, POSTFIX_VERSION));
    plan_milters(plan);
    plan_bounces(plan);
    name_overrides(plan);
    milter_place_inspect(&plan->place, plan->postfix, &plan->findings);
    if (look_at_record(plan, &ours, error) ||
        pickup_plan_make(plan->postfix, ours, &plan->pickup, &plan->findings, error))
        return -1;
    plan->change_count += plan->pickup.count;
    return 0;
}

int postfix_plan_make(const char *directory, const char *socket, struct postfix_plan *plan_r,
                      struct error *error)
{
    *plan_r = (struct postfix_plan){0};
    if (fill(directory, socket, plan_r, error)) {
        postfix_plan_clear(plan_r);
        return -1;
    }
    return 0;
}

void postfix_plan_clear(struct postfix_plan *plan)
{
    int i;

    for (i = 0; i < POSTFIX_PARAMETERS; i++) {
        free(plan->changes[i].value);
        free(plan->changes[i].item);
    }
    pickup_plan_clear(&plan->pickup);
    findings_clear(&plan->findings);
    milter_place_clear(&plan->place);
    postfix_free(&plan->postfix);
    *plan = (struct postfix_plan){0};
}

int postfix_plan_changes(const struct postfix_plan *plan, enum postfix_file file)
{
    return file == POSTFIX_MASTER ? plan->pickup.count > 0
                                  : plan->change_count > plan->pickup.count;
}
