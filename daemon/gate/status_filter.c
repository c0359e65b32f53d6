/* See status_filter.h. */
#include "config.h"

#include "daemon/gate/status_filter.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "daemon/report/span.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>

#define OWN_REFUSAL "suppressd-refusal" /* the rule that knows our gate's words */

/* A mailbox or domain that does not exist, or takes nothing: no later attempt
 * can end otherwise. */
static const enum reason may_be_final[] = {
    REASON_NO_SUCH_USER, REASON_INACTIVE_MAILBOX, REASON_MOVED, REASON_NO_SUCH_DOMAIN, REASON_DOMAIN_NOT_ACCEPTING};

static int is_final(enum reason reason)
{
    for (size_t i = 0; i < sizeof(may_be_final) / sizeof(may_be_final[0]); i++)
        if (may_be_final[i] == reason)
            return 1;
    return 0;
}

/* Takes the next name off the list: 0 when there is none left. */
static int next_name(struct span *rest_io, struct span *name_r)
{
    const char *comma;

    if (!rest_io->length)
        return 0;
    comma = memchr(rest_io->start, ',', rest_io->length);
    *name_r = span_trim(comma ? span_to(*rest_io, comma) : *rest_io);
    *rest_io = comma ? span_from(*rest_io, (size_t)(comma + 1 - rest_io->start)) : SPAN_NONE;
    return 1;
}

int status_filter_check(const char *text, int final, struct error *error)
{
    struct span rest = span_of(text), name;

    while (next_name(&rest, &name)) {
        char copy[64];
        enum reason reason;

        snprintf(copy, sizeof(copy), "%.*s", (int)name.length, name.length ? name.start : "");
        if (!reason_from_name(copy, &reason))
            return error_set(error, ERROR_INPUT, "'%s' is no reason", copy);
        if (final && !is_final(reason))
            return error_set(error, ERROR_INPUT, "'%s' cannot be made final: it may pass", copy);
    }
    return 0;
}

static int is_listed(const char *list, enum reason reason)
{
    struct span rest = span_of(list), name;
    const char *wanted = reason_info(reason)->name;

    while (next_name(&rest, &name))
        if (name.length == strlen(wanted) && !memcmp(name.start, wanted, name.length))
            return 1;
    return 0;
}

/* "5.7.1" at the head of the line, of class 4 or 5; gives what is behind "5.7.1 ". */
static const char *take_status(const char *line, char status_r[12])
{
    unsigned subject, detail;
    int end = 0;

    if ((*line != '4' && *line != '5') || sscanf(line + 1, ".%3u.%3u %n", &subject, &detail, &end) != 2 || !end ||
        !line[1 + end])
        return NULL;
    snprintf(status_r, 12, "%c.%u.%u", *line, subject, detail);
    return line + 1 + end;
}

/* The server that "host mx.example[192.0.2.1] said: ..." names. */
static void find_host(const char *text, char *host_r, size_t size)
{
    size_t length = 0;

    if (!strncmp(text, "host ", 5)) {
        text += 5;
        length = strcspn(text, "[ ");
    }
    snprintf(host_r, size, "%.*s", (int)(length < size ? length : 0), text);
}

static char new_class(const struct settings *settings, char class, const struct verdict *verdict, struct counters *counters)
{
    if (class == '5' && is_listed(settings->status_retry, verdict->reason)) {
        counters_add(counters, COUNTER_STATUS_RETRIED, 1);
        return '4';
    }
    if (class == '4' && verdict->code / 100 == 4 && is_final(verdict->reason) &&
        is_listed(settings->status_return, verdict->reason)) {
        counters_add(counters, COUNTER_STATUS_RETURNED, 1);
        return '5';
    }
    return class;
}

char *status_filter(struct classifier *classifier, const struct settings *settings, const char *line,
                    struct counters *counters)
{
    char status[12], host[256], was[24] = "", class;
    const char *text = take_status(line, status);
    struct classify_input input;
    struct verdict verdict;

    if (!text)
        return NULL;
    find_host(text, host, sizeof(host));
    input = (struct classify_input){.text = text, .length = strlen(text), .status = status, .mta = *host ? host : NULL};
    classify(classifier, &input, &verdict);
    if (!strcmp(verdict.rule, OWN_REFUSAL))
        return NULL;
    class = new_class(settings, *line, &verdict, counters);
    if (class != *line)
        snprintf(was, sizeof(was), ", was %s", status);
    return xasprintf("%c%s (suppressd: %s%s)", class, line + 1, reason_info(verdict.reason)->name, was);
}
