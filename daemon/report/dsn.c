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
#include "daemon/report/message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define ADDRESS_TEXT_MAX 1024
#define HOST_TEXT_MAX 255
#define CONTENT_MAX (64u << 20)

/* The recipient whose fields are being read. */
struct group {
    char *original, *final, *reply, *status, *remark, *remote_mta;
    int64_t time;
    int action;      /* enum action, -1 unknown */
    int has_action;  /* there was an Action field, understood or not */
    int after_blank; /* an empty line follows what was read so far */
};

struct reader {
    struct report *report;
    struct group group;
    size_t taken, refused;
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
    if (report->count >= MESSAGE_RECIPIENTS_MAX)
        return NULL;
    if (!(report->count & (report->count - 1)))
        report->deliveries = xrealloc(report->deliveries, (report->count ? 2 * report->count : 1) *
                                                              sizeof(*report->deliveries));
    memset(&report->deliveries[report->count], 0, sizeof(*report->deliveries));
    return &report->deliveries[report->count++];
}

/* "type; value": the type is one word. Returns the value, all of it without a type. */
static struct span without_type(struct span value)
{
    const char *mark = value.length ? memchr(value.start, ';', value.length) : NULL;
    struct span type;

    if (!mark)
        return span_trim(value);
    type = span_trim(span_to(value, mark));
    if (memchr(type.start, ' ', type.length) || memchr(type.start, '@', type.length) ||
        memchr(type.start, '<', type.length))
        return span_trim(value);
    return span_trim(span_from(value, (size_t)(mark - value.start) + 1));
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3461 4 wants "+" and "=" encoded and nothing printable besides, so a text
 * in which another thing stands behind a "+" is no xtext but a tagged address. */
static void decode_xtext(char *text)
{
    char *in, *out;

    for (in = text; (in = strchr(in, '+')); in += 3) {
        int high = hex_value(in[1]), low = high < 0 ? -1 : hex_value(in[2]);
        int c = low < 0 ? 0 : 16 * high + low;

        if (c != '+' && c != '=' && c < 0x80)
            return;
    }
    if (strchr(text, '='))
        return;
    for (in = out = text; *in; out++) {
        if (*in == '+') {
            *out = (char)(16 * hex_value(in[1]) + hex_value(in[2]));
            in += 3;
        } else
            *out = *in++;
    }
    *out = '\0';
}

/* "\x{F6}" (RFC 6533 3). What is malformed, or would be a control character, stays. */
static void decode_unicode(char *text)
{
    char *in, *out, *end;

    for (in = out = text; *in;) {
        if (!strncmp(in, "\\x{", 3) && g_ascii_isxdigit(in[3])) {
            guint64 c = g_ascii_strtoull(in + 3, &end, 16);

            if (*end == '}' && c >= 0x20 && c <= 0x10ffff && g_unichar_validate((gunichar)c) &&
                !g_unichar_iscntrl((gunichar)c)) {
                out += g_unichar_to_utf8((gunichar)c, out); /* never longer than its escape */
                in = end + 1;
                continue;
            }
        }
        *out++ = *in++;
    }
    *out = '\0';
}

/* Cuts what stands in angle brackets or before a comment; quoted strings stay whole. */
static struct span bare_address(struct span text)
{
    size_t i, start = 0;
    int quoted = 0;

    for (i = 0; i < text.length; i++) {
        char c = text.start[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '<')
            start = i + 1;
        else if (!quoted && (c == '>' || c == ' ' || c == '\t') && i > start &&
                 memchr(text.start + start, '@', i - start))
            break;
    }
    if (i > text.length)
        i = text.length;
    return span_trim((struct span){text.start + start, i - start});
}

char *dsn_address(struct span value, int xtext)
{
    char *text = field_plain(without_type(value), ADDRESS_TEXT_MAX);
    char *address = text ? span_dup(bare_address(span_of(text))) : NULL;
    const char *at;

    free(text);
    if (!address)
        return NULL;
    decode_unicode(address);
    if (xtext)
        decode_xtext(address);
    at = strrchr(address, '@');
    if (at && at > address && at[1])
        return address;
    free(address);
    return NULL;
}

static size_t digits(struct span text)
{
    size_t i;

    for (i = 0; i < text.length && i < 4 && g_ascii_isdigit(text.start[i]); i++)
        ;
    return i;
}

/* Length of an enhanced status (RFC 3463 2) at the start, or 0. */
static size_t status_length(struct span text)
{
    size_t subject, detail, length;

    if (text.length < 5 || !strchr("245", text.start[0]) || text.start[1] != '.')
        return 0;
    subject = digits(span_from(text, 2));
    if (!subject || subject > 3 || text.length < 3 + subject || text.start[2 + subject] != '.')
        return 0;
    detail = digits(span_from(text, 3 + subject));
    length = 3 + subject + detail;
    if (!detail || detail > 3)
        return 0;
    if (length + 1 < text.length && text.start[length] == '.' &&
        g_ascii_isdigit(text.start[length + 1]))
        return 0; /* an address of IPv4 */
    return length;
}

char *dsn_status(struct span text)
{
    size_t length = status_length(span_trim(text));

    return length ? xstrndup(span_trim(text).start, length) : NULL;
}

int dsn_status_within(const char *text, char status_r[12])
{
    const char *at;
    size_t length;

    for (at = text; *at; at++) {
        if (at > text && (g_ascii_isalnum(at[-1]) || at[-1] == '.'))
            continue;
        length = status_length(span_of(at));
        if (length && !g_ascii_isalpha(at[length])) {
            memcpy(status_r, at, length);
            status_r[length] = '\0';
            return 1;
        }
    }
    return 0;
}

char *dsn_host(struct span value)
{
    struct span host = without_type(value);
    size_t i;

    for (i = 0; i < host.length; i++)
        if ((unsigned char)host.start[i] <= ' ' || host.start[i] == '(' || host.start[i] == ';')
            break;
    if (i > 1 && host.start[i - 1] == '.')
        i--;
    host.length = i;
    return field_plain(host, HOST_TEXT_MAX);
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
 * says less than the last "450 4.7.1". */
static void refine_status(struct delivery *delivery)
{
    char found[12];

    if (!delivery->reply || !dsn_status_within(delivery->reply, found))
        return;
    if (delivery->status && !strcmp(found + 1, ".0.0"))
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

static void group_end(struct reader *reader)
{
    struct group *group = &reader->group;
    int action = action_of(group);
    struct delivery *delivery;

    if (action >= 0 && (group->final || group->original)) {
        delivery = report_add(reader->report);
        if (delivery) {
            delivery->recipient = group->final ? take(&group->final) : xstrdup(group->original);
            delivery->original_recipient = take(&group->original);
            delivery->reply = group->reply ? take(&group->reply) : take(&group->remark);
            delivery->status = take(&group->status);
            delivery->remote_mta = take(&group->remote_mta);
            delivery->time = group->time;
            delivery->action = (enum action)action;
            refine_status(delivery);
            reader->taken++;
        } else
            reader->refused++;
    }
    group_clear(group);
}

/* --------------------------------------------------- fields of one recipient */

/* A field that stands there already begins the next recipient. */
static struct group *group_for(struct reader *reader, int again)
{
    struct group *group = &reader->group;

    if (again || (group->after_blank && group->has_action && (group->final || group->original)))
        group_end(reader);
    group->after_blank = 0;
    return group;
}

static void take_final(struct reader *reader, struct span value)
{
    group_for(reader, reader->group.final != NULL)->final = dsn_address(value, 0);
}

static void take_original(struct reader *reader, struct span value)
{
    group_for(reader, reader->group.original != NULL)->original = dsn_address(value, 1);
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
        reader->group.reply = field_text(without_type(value), MESSAGE_REPLY_MAX);
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

static void take_sender(struct reader *reader, struct span value)
{
    if (reader->report->original_sender)
        return;
    value = without_type(value);
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
    {"X-SendGrid-QueueID", take_queue_id},
    {"X-SendGrid-Sender", take_sender},
    {"X-OpenSMTPD-Queue-ID", take_queue_id},
};

static void take_field(struct reader *reader, const struct field *field)
{
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (span_is(field->name, fields[i].name)) {
            fields[i].take(reader, field->value);
            return;
        }
}

static struct span whole_lines(struct span content, int closed)
{
    while (!closed && content.length && content.start[content.length - 1] != '\n')
        content.length--;
    return content;
}

size_t dsn_read(const struct part *part, struct report *report)
{
    struct reader reader = {.report = report, .group.action = -1};
    struct field field;
    enum field_kind kind;
    char *owned;
    struct span rest = whole_lines(part_content(part, CONTENT_MAX, &owned), part->closed);

    while ((kind = field_next(&rest, &field)) != FIELD_END) {
        if (kind == FIELD_FOUND)
            take_field(&reader, &field);
        else if (kind == FIELD_BLANK)
            reader.group.after_blank = 1;
    }
    group_end(&reader);
    free(owned);
    if (reader.refused && !report->problem)
        report->problem = xasprintf("%zu recipients beyond the first %d were not read",
                                    reader.refused, MESSAGE_RECIPIENTS_MAX);
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
        for (end = id; *end && !strchr(" ;<>()", *end); end++)
            ;
        found = end > id && end - id < HOST_TEXT_MAX ? xstrndup(id, (size_t)(end - id)) : NULL;
    }
    free(text);
    return found;
}

void dsn_read_returned(const struct header *header, struct report *report)
{
    struct span value = span_trim(header_get(header, "Message-ID"));

    if (value.length && value.start[0] == '<')
        value = span_from(value, 1);
    if (value.length && value.start[value.length - 1] == '>')
        value.length--;
    if (!report->original_message_id)
        report->original_message_id = field_plain(value, ADDRESS_TEXT_MAX);
    value = span_trim(header_get(header, "Return-Path"));
    if (!report->original_sender && value.start)
        report->original_sender = span_is(value, "<>") ? xstrdup("") : dsn_address(value, 0);
    value = header_get(header, "Received");
    if (!report->queue_id && report->reporting_mta && value.length)
        report->queue_id = received_id(value, report->reporting_mta);
}
