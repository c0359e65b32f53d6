/* See message.h.
 *
 * The order of the questions matters: what a machine wrote for machines goes
 * before what it wrote for people, and a mail system's word before the signs of
 * an automatic reply, for many bounces bear those as well.
 */
#include "config.h"

#include "daemon/report/message.h"

#include "base/mem.h"
#include "daemon/report/arf.h"
#include "daemon/report/bounce.h"
#include "daemon/report/dsn.h"
#include "daemon/report/field.h"
#include "daemon/report/mime.h"
#include "daemon/report/notice.h"
#include "daemon/report/scan.h"
#include "daemon/report/ses.h"
#include "daemon/report/signs.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#define RETURNED_MAX (256u << 10) /* bytes of a returned message that hold its header */
#define NESTING_MAX 2             /* a bounce within a forwarded message within ... */
#define SUBJECT_MAX 998

const struct message_limits message_limits_usual = MESSAGE_LIMITS_USUAL;

static const char *const status_types[] = {
    "message/delivery-status", "message/global-delivery-status", NULL};
static const char *const returned_types[] = {
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
    "text/rfc822-header", "message/global-headers", NULL};
static const char *const feedback_types[] = {"message/feedback-report", NULL};
static const char *const disposition_types[] = {
    "message/disposition-notification", "message/global-disposition-notification", NULL};

/* One message while it is read. */
struct reading {
    struct header header;
    struct header returned;
    struct mime mime;
    struct notice notice;
    const struct part *status;
    struct delivery nameless; /* the only recipient of a DSN, known by no mail address */
    char *owned; /* where returned lies when it had to be decoded */
    const char *problem;
    int claims; /* the Content-Type says that it is a delivery status report */
    int depth;
    const struct message_limits *limits;
    struct report *report;
};

static void read_message(struct span bytes, int depth, const struct message_limits *limits, struct report *report);

void message_init(void)
{
    g_mime_init();
}

static const struct part *find_part(const struct mime *mime, const char *const *types)
{
    size_t i, t;

    for (i = 0; i < mime->count; i++)
        for (t = 0; types[t]; t++)
            if (!strcmp(mime->parts[i].type, types[t]))
                return &mime->parts[i];
    return NULL;
}

static int claims_dsn(const struct header *header)
{
    char type[40];

    return field_parameter(header_get(header, "Content-Type"), "report-type", type, sizeof(type)) &&
           span_is(span_of(type), "delivery-status");
}

static struct span without_blank_lines(struct span text)
{
    while (text.length && (text.start[0] == '\n' || text.start[0] == '\r'))
        text = span_from(text, 1);
    return text;
}

/* The returned message's header, from its own part or from the end of the text. */
static void read_returned(struct reading *reading)
{
    const struct part *part = find_part(&reading->mime, returned_types);
    struct span content = reading->notice.returned;

    if (part)
        content = part_content(part, RETURNED_MAX, &reading->owned);
    content = without_blank_lines(content);
    header_read(&content, RETURNED_MAX, &reading->returned);
    dsn_read_returned(&reading->returned, reading->report);
}

/* ------------------------------------------------------------------ kinds */

static int read_dsn(struct reading *reading)
{
    struct report *report = reading->report;
    size_t i;

    reading->status = find_part(&reading->mime, status_types);
    reading->claims = claims_dsn(&reading->header);
    if (!reading->status) {
        reading->problem = "the report has no delivery status part";
        return 0;
    }
    if (!dsn_read(reading->status, report, &reading->nameless)) {
        reading->problem = reading->status->closed
                               ? "the delivery status names no recipient and action"
                               : "the message ends within its delivery status";
        return 0;
    }
    report->kind = REPORT_DSN;
    if (!reading->status->closed && !report->problem)
        report->problem = xstrdup("the message ends within its delivery status");
    for (i = 0; i < report->count && report->deliveries[i].reply; i++)
        ;
    if (i < report->count) {
        notice_read(&reading->mime, &reading->notice);
        bounce_fill_replies(&reading->notice, report);
    }
    read_returned(reading);
    return 1;
}

static int read_complaint(struct reading *reading)
{
    const struct part *part = find_part(&reading->mime, feedback_types);

    if (part) {
        read_returned(reading);
        arf_read(part, &reading->returned, reading->report);
        return 1;
    }
    return 0;
}

static void take_over(struct report *report, struct report *inner)
{
    inner->time = report->time;
    inner->cut |= report->cut;
    report_clear(report);
    *report = *inner;
}

/* A report that someone forwarded, whole. */
static int read_nested(struct reading *reading)
{
    const struct part *part = find_part(&reading->mime, returned_types);
    struct span bytes = part ? part->body : reading->notice.returned;
    struct header *header;
    struct report inner;
    struct span rest;
    int claims;

    if (!bytes.length || reading->depth >= NESTING_MAX)
        return 0;
    rest = bytes = without_blank_lines(bytes);
    header = xmalloc(sizeof(*header));
    header_read(&rest, reading->limits->header, header);
    claims = claims_dsn(header);
    free(header);
    if (!claims)
        return 0;
    read_message(bytes, reading->depth + 1, reading->limits, &inner);
    if (inner.kind == REPORT_DSN && inner.count)
        take_over(reading->report, &inner);
    else
        report_clear(&inner);
    return reading->report->count > 0;
}

/* The same as somebody's mail program quotes it. */
static int read_quoted(struct reading *reading)
{
    struct span rest = without_blank_lines(reading->notice.returned), line;
    struct report inner;
    size_t length = 0;
    char *text;

    if (!span_starts(rest, ">") || reading->depth >= NESTING_MAX)
        return 0;
    text = xmalloc(rest.length + 1);
    while (span_line(&rest, &line)) {
        line = span_from(line, span_starts(line, "> ") ? 2 : span_starts(line, ">") ? 1 : 0);
        memcpy(text + length, line.start, line.length);
        length += line.length;
        text[length++] = '\n';
    }
    read_message((struct span){text, length}, reading->depth + 1, reading->limits, &inner);
    if (inner.kind == REPORT_BOUNCE && inner.count)
        take_over(reading->report, &inner);
    else
        report_clear(&inner);
    free(text);
    return reading->report->count > 0;
}

/* The text has the name, the delivery status all the rest. */
static void give_name(struct report *report, struct delivery *nameless)
{
    struct delivery *named = &report->deliveries[0];

    if (report->count != 1 || !nameless->status)
        return;
    nameless->recipient = named->recipient;
    named->recipient = NULL;
    if (!nameless->reply) {
        nameless->reply = named->reply;
        named->reply = NULL;
    }
    delivery_clear(named);
    *named = *nameless;
    memset(nameless, 0, sizeof(*nameless));
}

static int read_bounce(struct reading *reading)
{
    struct report *report = reading->report;

    if (!bounce_read_fields(&reading->notice, report) &&
        (reading->status || !read_nested(reading)) &&
        !bounce_read(&reading->notice, &reading->header, &reading->returned, report))
        return 0;
    give_name(report, &reading->nameless);
    report->kind = REPORT_BOUNCE;
    if ((reading->claims || reading->status) && !report->problem)
        report->problem = xasprintf("read from the text: %s", reading->problem);
    return 1;
}

/* Says who is away; nothing follows from it but that the address is alive. The
 * reply of a challenge says that it is one. */
static void read_auto_reply(struct reading *reading, int challenge)
{
    struct delivery *delivery;
    struct span address;
    char *subject;

    reading->report->kind = REPORT_AUTO_REPLY;
    if (!scan_address(header_get(&reading->header, "From"), &address))
        return;
    delivery = report_add(reading->report);
    delivery->recipient = span_dup(address);
    delivery->action = ACTION_AUTO_REPLY;
    subject = field_text(header_get(&reading->header, "Subject"), SUBJECT_MAX);
    if (challenge)
        delivery->reply = xasprintf("Challenge-Response: %s", subject ? subject : "");
    else
        delivery->reply = xstrdup(subject);
    free(subject);
}

static void broken(struct report *report, const char *why)
{
    report->kind = REPORT_BROKEN;
    if (!report->problem)
        report->problem = xstrdup(why);
}

/* A mail filter's refusal (RFC 5429) goes out as a disposition notification. */
static int is_refusal(const struct header *header)
{
    return span_find_case(header_get(header, "Auto-Submitted"), "rejected") ||
           span_find_case(header_get(header, "Subject"), "rejected");
}

/* A person may well write of a delivery report, of mail that went astray, or quote
 * what came back: words in the subject want more words in the text, or what only
 * systems send, a returned message or a null sender. A postmaster may write that
 * a mailbox is almost full. */
static int tells_failure(const struct reading *reading, enum bounce_sign sign)
{
    int returned = find_part(&reading->mime, returned_types) || reading->notice.returned.length;
    struct span text = reading->notice.own;

    if (sign >= BOUNCE_SENT)
        return 1;
    if (sign == BOUNCE_OFFICE)
        return returned || signs_failure(text) || scan_code(text);
    if (sign == BOUNCE_WORDED)
        return returned || signs_failure(text) || span_is(header_get(&reading->header, "Return-Path"), "<>");
    return (returned || span_is(header_get(&reading->header, "Return-Path"), "<>")) &&
           signs_failure(text);
}

static void read_for_people(struct reading *reading)
{
    enum bounce_sign sign = signs_bounce(&reading->header);
    int automatic = signs_auto_reply(&reading->header);
    int challenge = signs_challenge(&reading->header, reading->notice.own);
    int disposition = find_part(&reading->mime, disposition_types) != NULL;
    int report = reading->claims || reading->status ||
                 ((sign >= BOUNCE_OFFICE || !automatic) && tells_failure(reading, sign));

    if (disposition && !is_refusal(&reading->header))
        reading->report->kind = REPORT_MDN;
    else if ((report || disposition) && read_bounce(reading))
        ;
    else if (sign == BOUNCE_WORDED && read_quoted(reading))
        ;
    else if (reading->claims || reading->status)
        broken(reading->report, reading->problem);
    else if (automatic || challenge)
        read_auto_reply(reading, challenge);
    else if (sign >= BOUNCE_SENT)
        broken(reading->report, "a mail system's notice that names no recipient");
}

static void read_message(struct span bytes, int depth, const struct message_limits *limits, struct report *report)
{
    struct reading *reading = xcalloc(1, sizeof(*reading));

    memset(report, 0, sizeof(*report));
    report->kind = REPORT_ORDINARY;
    report->max = limits->recipients;
    reading->report = report;
    reading->depth = depth;
    reading->limits = limits;
    header_read(&bytes, limits->header, &reading->header);
    mime_read(&reading->header, bytes, limits, &reading->mime);
    report->cut = reading->mime.cut | (reading->header.cut ? REPORT_CUT_HEADER : 0);
    report->time = field_date(header_get(&reading->header, "Date"));
    if (!read_dsn(reading) && !read_complaint(reading)) {
        notice_read(&reading->mime, &reading->notice);
        read_returned(reading);
        if (!ses_read(reading->notice.own, report) &&
            !arf_read_unmarked(&reading->header, &reading->returned, report))
            read_for_people(reading);
        if (report->kind == REPORT_ORDINARY && reading->header.cut)
            broken(report, "its header is longer than may be read");
    }
    notice_clear(&reading->notice);
    mime_clear(&reading->mime);
    delivery_clear(&reading->nameless);
    free(reading->owned);
    free(reading);
}

void message_parse(const char *bytes, size_t length, const struct message_limits *limits, struct report *report_r)
{
    read_message((struct span){bytes, length}, 0, limits ? limits : &message_limits_usual, report_r);
}
