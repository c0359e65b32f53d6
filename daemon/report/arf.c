/* See arf.h. */
#include "config.h"

#include "daemon/report/arf.h"

#include "base/mem.h"
#include "daemon/report/dsn.h"
#include "daemon/report/dsn_value.h"
#include "daemon/report/scan.h"
#include "daemon/report/verp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_MAX (1u << 20)
#define TYPE_MAX 40
#define COMPLAINTS_MAX 100 /* recipients of one complaint; a real one has one */

static int names_nobody(struct span type)
{
    return span_is(type, "not-spam") || span_starts(type, "auth-failure") || span_is(type, "dmarc");
}

static void add(struct report *report, struct span address, const char *type)
{
    char *recipient = report->count < COMPLAINTS_MAX ? dsn_address(address, 0) : NULL;
    struct delivery *delivery;
    size_t i;

    for (i = 0; recipient && i < report->count; i++)
        if (span_is(span_of(recipient), report->deliveries[i].recipient)) {
            free(recipient);
            return;
        }
    if (!recipient || !(delivery = report_add(report))) {
        free(recipient);
        return;
    }
    delivery->recipient = recipient;
    delivery->action = ACTION_COMPLAINT;
    delivery->reply = xasprintf("Feedback-Type: %s", type);
    delivery->time = report->time;
}

/* The one address of a To field; a list of them tells nothing. */
static void add_only(struct report *report, struct span to, const char *type)
{
    struct span address;

    if (scan_only(to, &address))
        add(report, address, type);
}

/* Who hides the recipient mostly leaves the return address as it was. */
static void add_verp(struct report *report, const char *type)
{
    char *recipient = verp_recipient(span_of(report->original_sender));

    if (recipient)
        add(report, span_of(recipient), type);
    free(recipient);
}

static void add_from_returned(const struct header *returned, struct report *report, const char *type)
{
    static const char *const marks[] = {
        "X-HmXmrOriginalRecipient", "X-MSFBL-Original-Recipient", "X-Original-Recipient"};
    size_t i;

    for (i = 0; i < sizeof(marks) / sizeof(marks[0]) && !report->count; i++)
        add(report, header_get(returned, marks[i]), type);
    if (!report->count)
        add_verp(report, type);
    if (!report->count)
        add_only(report, header_get(returned, "To"), type);
}

static void read_field(const struct field *field, struct report *report, const char *type,
                       struct span *removal_io)
{
    if (span_is(field->name, "Original-Rcpt-To") || span_is(field->name, "Original-Recipient") ||
        span_is(field->name, "Final-Recipient"))
        add(report, field->value, type);
    else if (span_is(field->name, "Removal-Recipient"))
        *removal_io = field->value;
    else if (span_is(field->name, "Original-Mail-From") && !report->original_sender)
        report->original_sender =
            span_is(field->value, "<>") ? xstrdup("") : dsn_address(field->value, 0);
    else if (span_is(field->name, "Reporting-MTA") && !report->reporting_mta)
        report->reporting_mta = dsn_host(field->value);
}

static void read_type(struct span text, char type_r[TYPE_MAX])
{
    struct field field;
    enum field_kind kind;
    char *type;

    strcpy(type_r, "other");
    while ((kind = field_next(&text, &field)) != FIELD_END)
        if (kind == FIELD_FOUND && span_is(field.name, "Feedback-Type") &&
            (type = field_plain(field.value, TYPE_MAX - 1))) {
            snprintf(type_r, TYPE_MAX, "%s", type);
            free(type);
            return;
        }
}

void arf_read(const struct part *part, const struct header *returned, struct report *report)
{
    char type[TYPE_MAX], *owned;
    struct span text = part_lines(part, CONTENT_MAX, &owned), removal = SPAN_NONE;
    struct field field;
    enum field_kind kind;

    report->kind = REPORT_COMPLAINT;
    dsn_read_returned(returned, report);
    read_type(text, type);
    if (names_nobody(span_of(type)))
        report->problem = xasprintf("feedback of type %s suppresses nobody", type);
    else {
        report->complaint = xstrdup(type);
        while ((kind = field_next(&text, &field)) != FIELD_END)
            if (kind == FIELD_FOUND)
                read_field(&field, report, type, &removal);
        if (!report->count && removal.length)
            add(report, removal, type);
        if (!report->count)
            add_from_returned(returned, report, type);
    }
    free(owned);
}

static int is_unsubscription(const struct header *header)
{
    struct span subject = header_get(header, "Subject");

    return span_is(subject, "unsubscribe") &&
           span_starts(header_get(header, "Auto-Submitted"), "auto-");
}

int arf_read_unmarked(const struct header *header, const struct header *returned,
                      struct report *report)
{
    if (header_get(returned, "X-HmXmrOriginalRecipient").length &&
        span_find_case(header_get(header, "Subject"), "complaint")) {
        dsn_read_returned(returned, report);
        report->complaint = xstrdup("abuse");
        add_from_returned(returned, report, "abuse");
    } else if (is_unsubscription(header))
        add_only(report, header_get(header, "From"), "opt-out");
    else
        return 0;
    report->kind = REPORT_COMPLAINT;
    return 1;
}
