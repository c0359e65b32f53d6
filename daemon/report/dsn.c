/* See dsn.h.
 *
 * Fields are taken as they come, one table row each. A new recipient begins
 * with a field that the present one has already, or with an address field
 * behind an empty line when the present one is complete. That reads the groups
 * of RFC 3464 and all the ways to get them wrong.
 */
#include "config.h"

#include "daemon/report/dsn.h"

#include "base/mem.h"
#include "daemon/report/dsn_value.h"
#include "daemon/report/message.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_ID_MAX 1024
#define HOST_TEXT_MAX 255
#define CONTENT_MAX (8u << 20)
#define LINES_MAX 500000 /* with their folds; ten thousand recipients have a fifth of that */

/* The recipient whose fields are being read. */
struct group {
    char *original, *final, *reply, *status, *remark, *remote_mta;
    int64_t time;
    int action;      /* enum action, -1 unknown */
    int has_action;  /* there was such a field, understood or not: what stands */
    int has_final;   /* behind one that was not understood must never pass for */
    int has_original; /* a part of its group */
    int after_blank; /* an empty line follows what was read so far */
};

struct reader {
    struct report *report;
    struct group group;
    size_t taken, refused;
    struct delivery nameless;
    size_t nameless_count;
};

static const struct {
    const char *word;
    enum action action;
} actions[] = {
    {"failed", ACTION_FAILED},       {"failure", ACTION_FAILED},
    {"fail", ACTION_FAILED},         {"expired", ACTION_FAILED},
    {"undeliverable", ACTION_FAILED}, {"delayed", ACTION_DELAYED},
    {"deferred", ACTION_DELAYED},    {"delivered", ACTION_DELIVERED},
    {"deliverable", ACTION_DELIVERED}, {"relayed", ACTION_RELAYED},
    {"expanded", ACTION_EXPANDED},
};

struct delivery *report_add(struct report *report)
{
    if (report->count >= (report->max ? report->max : MESSAGE_RECIPIENTS_MAX)) {
        report->cut |= REPORT_CUT_RECIPIENTS;
        return NULL;
    }
    if (!(report->count & (report->count - 1)))
        report->deliveries = xrealloc(report->deliveries, (report->count ? 2 * report->count : 1) *
                                                              sizeof(*report->deliveries));
    memset(&report->deliveries[report->count], 0, sizeof(*report->deliveries));
    return &report->deliveries[report->count++];
}

/* ------------------------------------------------------- one recipient's end */

static void group_clear(struct group *group)
{
    free(group->original);
    free(group->final);
    free(group->reply);
    free(group->status);
    free(group->remark);
    free(group->remote_mta);
    *group = (struct group){.action = -1};
}

/* RFC 3464 2.3.3 demands an Action; where it is missing the class of the status
 * tells. A 4yz alone may be either; the harmless reading is a delay. */
static int action_of(const struct group *group)
{
    if (group->action >= 0 || !group->status)
        return group->action;
    return group->status[0] == '5'   ? ACTION_FAILED
           : group->status[0] == '4' ? ACTION_DELAYED
                                     : ACTION_DELIVERED;
}

/* The remote's own words go before what the reporting MTA made of them: Sendmail
 * turns a "550 5.7.1 blocked" at RCPT into Status: 5.1.1, and 4.4.7 (expired)
 * says less than the last "450 4.7.1". But a class of 5 above a 450 stays: the
 * finality is the reporting MTA's decision, and hygiene wants to know that. */
static void refine_status(struct delivery *delivery)
{
    int vague = !delivery->status || !strcmp(delivery->status + 1, ".0.0");
    char found[12];

    if (!delivery->reply || delivery->action > ACTION_DELAYED)
        return;
    if (!dsn_status_behind_code(delivery->reply, found) &&
        !(vague && dsn_status_within(delivery->reply, found)))
        return;
    if (delivery->status && (!strcmp(found + 1, ".0.0") || (*delivery->status == '5' && *found == '4')))
        return;
    free(delivery->status);
    delivery->status = xstrdup(found);
}

static char *take(char **pointer)
{
    char *taken = *pointer;

    *pointer = NULL;
    return taken;
}

static void fill(struct delivery *delivery, struct group *group, int action)
{
    delivery->recipient = group->final ? take(&group->final) : xstrdup(group->original);
    delivery->original_recipient = take(&group->original);
    delivery->reply = group->reply ? take(&group->reply) : take(&group->remark);
    delivery->status = take(&group->status);
    delivery->remote_mta = take(&group->remote_mta);
    delivery->time = group->time;
    delivery->action = (enum action)action;
    refine_status(delivery);
}

static void group_end(struct reader *reader)
{
    struct group *group = &reader->group;
    int action = action_of(group);
    struct delivery *delivery;

    if (action >= 0 && !group->final && !group->original) {
        if (!reader->nameless_count++)
            fill(&reader->nameless, group, action);
    } else if (action >= 0) {
        delivery = report_add(reader->report);
        if (delivery)
            fill(delivery, group, action);
        reader->taken += delivery != NULL;
        reader->refused += !delivery;
    }
    group_clear(group);
}

/* --------------------------------------------------- fields of one recipient */

/* A field that stands there already begins the next recipient. */
static struct group *group_for(struct reader *reader, int again)
{
    struct group *group = &reader->group;

    if (again || (group->after_blank && group->has_action &&
                  (group->has_final || group->has_original)))
        group_end(reader);
    group->after_blank = 0;
    return group;
}

static void take_final(struct reader *reader, struct span value)
{
    struct group *group = group_for(reader, reader->group.has_final);

    group->final = dsn_address(value, 0);
    group->has_final = 1;
}

static void take_original(struct reader *reader, struct span value)
{
    struct group *group = group_for(reader, reader->group.has_original);

    group->original = dsn_address(value, 1);
    group->has_original = 1;
}

static void take_action(struct reader *reader, struct span value)
{
    struct group *group = &reader->group;
    size_t i;

    if (group->has_action)
        group_end(reader);
    group->has_action = 1;
    for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (span_starts(value, actions[i].word)) {
            group->action = (int)actions[i].action;
            break;
        }
}

/* "5.0.0 (permanent failure)": the remark stands in for a missing reply. */
static void take_status(struct reader *reader, struct span value)
{
    struct group *group = &reader->group;
    const char *open = value.length ? memchr(value.start, '(', value.length) : NULL;

    if (group->status)
        return;
    group->status = dsn_status(value);
    if (open && !group->remark) {
        struct span remark = span_from(value, (size_t)(open - value.start) + 1);

        if (remark.length && remark.start[remark.length - 1] == ')')
            remark.length--;
        group->remark = field_text(remark, MESSAGE_REPLY_MAX);
    }
}

static void take_reply(struct reader *reader, struct span value)
{
    if (!reader->group.reply)
        reader->group.reply = field_text(dsn_without_type(value), MESSAGE_REPLY_MAX);
}

static void take_remote_mta(struct reader *reader, struct span value)
{
    if (!reader->group.remote_mta)
        reader->group.remote_mta = dsn_host(value);
}

static void take_time(struct reader *reader, struct span value)
{
    reader->group.time = field_date(value);
}

/* ---------------------------------------------------- fields of the message */

static void take_reporting_mta(struct reader *reader, struct span value)
{
    if (!reader->report->reporting_mta)
        reader->report->reporting_mta = dsn_host(value);
}

static void take_queue_id(struct reader *reader, struct span value)
{
    if (!reader->report->queue_id)
        reader->report->queue_id = field_plain(value, HOST_TEXT_MAX);
}

static void take_message_id(struct reader *reader, struct span value)
{
    value = span_trim(value);
    if (value.length && value.start[0] == '<')
        value = span_from(value, 1);
    if (value.length && value.start[value.length - 1] == '>')
        value.length--;
    if (!reader->report->original_message_id)
        reader->report->original_message_id = field_plain(value, MESSAGE_ID_MAX);
}

static void take_sender(struct reader *reader, struct span value)
{
    if (reader->report->original_sender)
        return;
    value = dsn_without_type(value);
    reader->report->original_sender = value.length ? dsn_address(value, 0) : xstrdup("");
}

static const struct {
    const char *name;
    void (*take)(struct reader *reader, struct span value);
} fields[] = {
    {"Final-Recipient", take_final},
    {"Original-Recipient", take_original},
    {"Action", take_action},
    {"Status", take_status},
    {"Diagnostic-Code", take_reply},
    {"Localized-Diagnostic", take_reply},
    {"Remote-MTA", take_remote_mta},
    {"Last-Attempt-Date", take_time},
    {"Reporting-MTA", take_reporting_mta},
    {"X-Postfix-Queue-ID", take_queue_id},
    {"X-Postfix-Sender", take_sender},
    {"X-Original-Message-ID", take_message_id}, /* Google */
    {"X-SendGrid-QueueID", take_queue_id},
    {"X-SendGrid-Sender", take_sender},
    {"X-OpenSMTPD-Queue-ID", take_queue_id},
};

static void take_field(struct reader *reader, const struct field *field)
{
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!((field->name.start[0] ^ fields[i].name[0]) & ~0x20) && span_is(field->name, fields[i].name)) {
            fields[i].take(reader, field->value);
            return;
        }
}

size_t dsn_read(const struct part *part, struct report *report, struct delivery *nameless_r)
{
    struct reader reader = {.report = report, .group.action = -1};
    struct field field;
    enum field_kind kind;
    size_t lines = 0;
    char *owned;
    struct span rest = part_lines(part, CONTENT_MAX, &owned);

    while (!reader.refused && lines++ < LINES_MAX && (kind = field_next(&rest, &field)) != FIELD_END) {
        if (kind == FIELD_FOUND)
            take_field(&reader, &field);
        else if (kind == FIELD_BLANK)
            reader.group.after_blank = 1;
    }
    group_end(&reader);
    if (lines > LINES_MAX)
        report->cut |= REPORT_CUT_RECIPIENTS;
    free(owned);
    if (!nameless_r || reader.nameless_count != 1)
        delivery_clear(&reader.nameless);
    if (nameless_r)
        *nameless_r = reader.nameless;
    if (reader.refused && !report->problem)
        report->problem = xasprintf("recipients beyond the first %zu were not read", report->count);
    else if (lines > LINES_MAX && !report->problem)
        report->problem = xasprintf("lines beyond the first %d of the delivery status were not read", LINES_MAX);
    return reader.taken;
}

/* "from ... by mx.example.com (Postfix) with ESMTP id 4XYZ": the id, when host wrote it. */
static char *received_id(struct span received, const char *host)
{
    char *text = field_plain(received, MESSAGE_REPLY_MAX), *by, *id, *end, *found = NULL;
    size_t length = strlen(host);

    if (!text)
        return NULL;
    by = !strncmp(text, "by ", 3) ? text : strstr(text, " by ");
    by = by ? strstr(by, "by ") + 3 : NULL;
    if (by && !g_ascii_strncasecmp(by, host, length) && (by[length] == ' ' || !by[length]) &&
        (id = strstr(by, " id "))) {
        id += 4;
        for (end = id; *end && !span_char(*end, " ;<>()"); end++)
            ;
        found = end > id && end - id < HOST_TEXT_MAX ? xstrndup(id, (size_t)(end - id)) : NULL;
    }
    free(text);
    return found;
}

void dsn_read_returned(const struct header *header, struct report *report)
{
    struct reader reader = {.report = report};
    struct span value = span_trim(header_get(header, "Return-Path"));

    take_message_id(&reader, header_get(header, "Message-ID"));
    if (!report->original_sender && value.start)
        report->original_sender = span_is(value, "<>") ? xstrdup("") : dsn_address(value, 0);
    value = header_get(header, "Received");
    if (!report->queue_id && report->reporting_mta && value.length)
        report->queue_id = received_id(value, report->reporting_mta);
}
