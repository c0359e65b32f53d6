/* See message.h. */
#include "config.h"

#include "daemon/report/message.h"

#include "base/mem.h"
#include "daemon/report/dsn.h"
#include "daemon/report/field.h"
#include "daemon/report/mime.h"

#include <stdlib.h>
#include <string.h>

#include <gmime/gmime.h>

#define RETURNED_MAX (256u << 10) /* bytes of a returned message that hold its header */

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

static const char *const status_types[] = {
    "message/delivery-status", "message/global-delivery-status", NULL};
static const char *const returned_types[] = {
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
    "message/global-headers", NULL};

static void read_returned(const struct mime *mime, struct header *header, struct report *report)
{
    const struct part *part = find_part(mime, returned_types);
    struct span content;
    char *owned;

    if (!part)
        return;
    content = part_content(part, RETURNED_MAX, &owned);
    while (content.length && (content.start[0] == '\n' || content.start[0] == '\r'))
        content = span_from(content, 1);
    header_read(&content, header);
    dsn_read_returned(header, report);
    free(owned);
}

static int claims_dsn(const struct header *header)
{
    char type[40];

    return field_parameter(header_get(header, "Content-Type"), "report-type", type, sizeof(type)) &&
           span_is(span_of(type), "delivery-status");
}

static void broken(struct report *report, const char *why)
{
    report->kind = REPORT_BROKEN;
    if (!report->problem)
        report->problem = xstrdup(why);
}

static void read_dsn(const struct mime *mime, const struct part *status, struct report *report)
{
    size_t taken = dsn_read(status, report);

    report->kind = REPORT_DSN;
    if (!taken)
        broken(report, status->closed ? "the delivery status names no recipient and action"
                                      : "the message ends within its delivery status");
    else if (mime->truncated && !status->closed && !report->problem)
        report->problem = xstrdup("the message ends within its delivery status");
}

void message_parse(const char *bytes, size_t length, struct report *report_r)
{
    struct header *header = xmalloc(sizeof(*header));
    struct span rest = {bytes, length};
    const struct part *status;
    struct mime mime;

    memset(report_r, 0, sizeof(*report_r));
    report_r->kind = REPORT_ORDINARY;
    header_read(&rest, header);
    mime_read(header, rest, &mime);
    report_r->time = field_date(header_get(header, "Date"));
    status = find_part(&mime, status_types);
    if (status)
        read_dsn(&mime, status, report_r);
    else if (claims_dsn(header))
        broken(report_r, "the report has no delivery status part");
    if (status)
        read_returned(&mime, header, report_r);
    mime_clear(&mime);
    free(header);
}
