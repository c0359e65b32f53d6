/* See policy.h. */
#include "config.h"

#include "daemon/ledger/policy.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY 86400L
#define LINES_MAX 1000

/* Where neither a line nor the taxonomy says more. */
#define FAILURES 5
#define DAYS 7
#define RETRY_AFTER (30 * DAY) /* a full mailbox may be emptied, a domain registered again */
#define RECIPIENTS 3
#define AFTER (3 * DAY)        /* longer than a zone that was broken by mistake stays so */
#define MEMORY (30 * DAY)      /* past.c looks so far back for domains that agree */

struct policy {
    struct policy_line *lines; /* the most specific first */
    size_t count;
    struct policy_trial trial;
    char stop_all[REASON_COUNT];
    atomic_int holders;
};

int policy_blames_recipient(enum reason reason)
{
    const char *subject = reason_info(reason)->subject;

    return !strcmp(subject, "recipient") || !strcmp(subject, "recipient-domain");
}

static int names_reason(const char *name)
{
    enum reason reason;

    return reason_from_name(name, &reason);
}

/* Bits from the most to the least telling. */
static int specificity(const struct policy_line *line)
{
    return names_reason(line->name) * 4 + (*line->stream != '\0') * 2 + (*line->provider != '\0');
}

int policy_is_about(const struct policy_line *line, enum reason reason)
{
    const struct reason_info *info = reason_info(reason);

    return !strcmp(line->name, info->name) || (!names_reason(line->name) && !strcmp(line->name, info->family));
}

/* Each reason that the line is about must be one that it may act on. */
static int check_reasons(const struct policy_line *line, struct error *error)
{
    int found = 0;

    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);

        if (!policy_is_about(line, (enum reason)i))
            continue;
        found = 1;
        if (line->action > POLICY_NONE && !policy_blames_recipient((enum reason)i))
            return error_set(error, ERROR_INPUT, "policy \"%s\": action %s is not allowed, for %s is not the "
                             "recipient's fault (subject: %s)", line->name,
                             policy_action_name((enum policy_action)line->action), info->name, info->subject);
    }
    return found ? 0 : error_set(error, ERROR_INPUT, "policy \"%s\": there is no such reason or family", line->name);
}

static int check_tie(const struct policy *policy, const struct policy_line *line, struct error *error)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct policy_line *other = &policy->lines[i];

        if (!strcmp(other->name, line->name) && !strcasecmp(other->stream, line->stream) &&
            !strcasecmp(other->provider, line->provider))
            return error_set(error, ERROR_INPUT, "policy \"%s\": for the same stream and provider there is a line "
                             "at %s", line->name, other->where);
    }
    return 0;
}

int policy_add(struct policy *policy, const struct policy_line *line, struct error *error)
{
    size_t at = policy->count;

    if (check_reasons(line, error) || check_tie(policy, line, error))
        return -1;
    if (policy->count == LINES_MAX)
        return error_set(error, ERROR_INPUT, "more than %d policy lines", LINES_MAX);
    policy->lines = xrealloc(policy->lines, (policy->count + 1) * sizeof(*line));
    for (; at && specificity(&policy->lines[at - 1]) < specificity(line); at--)
        policy->lines[at] = policy->lines[at - 1];
    policy->lines[at] = *line;
    policy->count++;
    return 0;
}

int policy_stop_all(struct policy *policy, const char *reasons, struct error *error)
{
    char *copy = xstrdup(reasons), *rest = NULL;
    enum reason reason;
    int failed = 0;

    memset(policy->stop_all, 0, sizeof(policy->stop_all));
    for (char *one = strtok_r(copy, ", ", &rest); one && !failed; one = strtok_r(NULL, ", ", &rest)) {
        if (reason_from_name(one, &reason))
            policy->stop_all[reason] = 1;
        else
            failed = error_set(error, ERROR_INPUT, "there is no reason '%.60s' in the taxonomy", one);
    }
    free(copy);
    return failed;
}

void policy_set_trial(struct policy *policy, const struct policy_trial *trial)
{
    policy->trial = *trial;
}

const struct policy_trial *policy_trial(const struct policy *policy)
{
    return &policy->trial;
}

static void fill_standard(enum reason reason, struct policy_rule *rule_r)
{
    static const enum policy_action actions[] = {
        [HYGIENE_NONE] = POLICY_NONE, [HYGIENE_COUNT] = POLICY_COUNT, [HYGIENE_SUPPRESS] = POLICY_SUPPRESS};
    const struct reason_info *info = reason_info(reason);
    int of_domain = !strcmp(info->family, "domain");

    *rule_r = (struct policy_rule){
        .action = policy_blames_recipient(reason) ? actions[info->hygiene] : POLICY_NONE,
        .failures = FAILURES,
        .days = DAYS,
        .scope = of_domain ? POLICY_DOMAIN : POLICY_ADDRESS,
        .streams = POLICY_ALL_STREAMS,
        .mode = POLICY_ENFORCE,
        .recipients = RECIPIENTS,
        .after = AFTER,
        .name = info->name,
        .where = "taxonomy",
    };
}

static long or_standard(long value, long standard)
{
    return value == POLICY_UNSET ? standard : value;
}

static void apply(const struct policy_line *line, enum reason reason, struct policy_rule *rule)
{
    rule->failures = or_standard(line->failures, rule->failures);
    rule->days = or_standard(line->days, rule->days);
    rule->scope = (enum policy_scope)or_standard(line->scope, rule->scope);
    rule->streams = (enum policy_streams)or_standard(line->streams, rule->streams);
    rule->mode = (enum policy_mode)or_standard(line->mode, rule->mode);
    rule->recipients = or_standard(line->recipients, rule->recipients);
    rule->after = or_standard(line->after, (long)rule->after);
    if (policy_blames_recipient(reason)) /* whatever the line says */
        rule->action = (enum policy_action)or_standard(line->action, (long)rule->action);
    rule->name = line->name;
    rule->where = line->where;
}

static int fits(const struct policy_line *line, enum reason reason, const char *stream, const char *provider)
{
    return policy_is_about(line, reason) && (!*line->stream || !strcasecmp(line->stream, stream)) &&
           (!*line->provider || !strcasecmp(line->provider, provider));
}

void policy_find(const struct policy *policy, enum reason reason, const char *stream, const char *provider,
                 struct policy_rule *rule_r)
{
    const struct policy_line *line = NULL;

    fill_standard(reason, rule_r);
    for (size_t i = 0; i < policy->count && !line; i++)
        if (fits(&policy->lines[i], reason, stream ? stream : "", provider ? provider : ""))
            line = &policy->lines[i];
    if (line)
        apply(line, reason, rule_r);
    if (line && line->duration != POLICY_UNSET)
        rule_r->duration = line->duration;
    else
        rule_r->duration = rule_r->action == POLICY_COUNT || rule_r->scope == POLICY_DOMAIN ? RETRY_AFTER : 0;
    if ((unsigned)reason < REASON_COUNT && policy->stop_all[reason])
        rule_r->streams = POLICY_ALL_STREAMS;
}

/* Of failures that must lie so many days apart the first must still be there when
 * the last comes: twice as long, for between them nothing is prescribed. */
int64_t policy_memory(const struct policy *policy)
{
    int64_t longest = MEMORY;

    for (size_t i = 0; i < policy->count; i++) {
        int64_t days = policy->lines[i].days == POLICY_UNSET ? 0 : 2 * DAY * policy->lines[i].days;
        int64_t after = policy->lines[i].after == POLICY_UNSET ? 0 : 2 * policy->lines[i].after;

        longest = days > longest ? days : longest;
        longest = after > longest ? after : longest;
    }
    return longest;
}

static void put_number(FILE *out, const char *name, long value)
{
    if (value != POLICY_UNSET)
        fprintf(out, ", %s %ld", name, value);
}

static void put_line(FILE *out, const struct policy_line *line)
{
    static const char *const scopes[] = {"address", "domain"}, *const streams[] = {"all", "own"},
                      *const modes[] = {"enforce", "shadow"};

    fprintf(out, "%s%s%s%s%s: %s", line->name, *line->stream ? " of stream " : "", line->stream,
            *line->provider ? " at " : "", line->provider,
            line->action == POLICY_UNSET ? "as usual" : policy_action_name((enum policy_action)line->action));
    put_number(out, "failures", line->failures);
    put_number(out, "days", line->days);
    put_number(out, "duration", line->duration);
    put_number(out, "recipients", line->recipients);
    put_number(out, "after", line->after);
    if (line->scope != POLICY_UNSET)
        fprintf(out, ", scope %s", scopes[line->scope]);
    if (line->streams != POLICY_UNSET)
        fprintf(out, ", streams %s", streams[line->streams]);
    if (line->mode != POLICY_UNSET)
        fprintf(out, ", mode %s", modes[line->mode]);
    fputc('\n', out);
}

char *policy_text(const struct policy *policy)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort(); /* out of memory */
    for (size_t i = 0; i < policy->count; i++)
        put_line(out, &policy->lines[i]);
    for (int i = 0; i < REASON_COUNT; i++)
        if (policy->stop_all[i])
            fprintf(out, "%s stops every stream\n", reason_info((enum reason)i)->name);
    fclose(out);
    return text;
}

size_t policy_lines(const struct policy *policy)
{
    return policy->count;
}

const struct policy_line *policy_line(const struct policy *policy, size_t which)
{
    return &policy->lines[which];
}

const char *policy_action_name(enum policy_action action)
{
    static const char *const names[] = {"none", "count", "hold", "suppress"};

    return names[action];
}

struct policy *policy_new(void)
{
    struct policy *policy = xcalloc(1, sizeof(*policy));

    policy->holders = 1;
    policy->trial = (struct policy_trial){.sends = 2, .quiet = 7 * DAY, .longest = 365 * DAY, .believes_sent = 1};
    return policy;
}

struct policy *policy_ref(struct policy *policy)
{
    atomic_fetch_add(&policy->holders, 1);
    return policy;
}

void policy_unref(struct policy **policy)
{
    struct policy *old = *policy;

    *policy = NULL;
    if (!old || atomic_fetch_sub(&old->holders, 1) > 1)
        return;
    free(old->lines);
    free(old);
}
