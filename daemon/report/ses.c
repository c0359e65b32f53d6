/* See ses.h. */
#include "config.h"

#include "daemon/report/ses.h"

#include "base/mem.h"
#include "daemon/report/dsn.h"
#include "daemon/report/dsn_value.h"
#include "daemon/report/field.h"
#include "daemon/report/message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What each event holds under which name. */
static const struct event {
    const char *type, *object, *recipients;
    enum report_kind kind;
    enum action action;
} events[] = {
    {"Bounce", "bounce", "bouncedRecipients", REPORT_BOUNCE, ACTION_FAILED},
    {"Complaint", "complaint", "complainedRecipients", REPORT_COMPLAINT, ACTION_COMPLAINT},
    {"DeliveryDelay", "deliveryDelay", "delayedRecipients", REPORT_BOUNCE, ACTION_DELAYED},
    {"Delivery", "delivery", "recipients", REPORT_DSN, ACTION_DELIVERED},
};

/* MTAs break lines of more than 990 bytes with "!" and a blank. */
static char *unbroken(struct span text, size_t *length_r)
{
    char *out = xmalloc(text.length + 1);
    size_t i, length = 0;

    for (i = 0; i < text.length; i++) {
        size_t skip = i + 2 < text.length && text.start[i + 1] == '\r' ? 4 : 3;

        if (text.start[i] == '!' && i + skip <= text.length && text.start[i + skip - 2] == '\n' &&
            text.start[i + skip - 1] == ' ')
            i += skip - 1;
        else
            out[length++] = text.start[i];
    }
    *length_r = length;
    return out;
}

static const char *string(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static char *text_of(const json_t *object, const char *name, size_t max)
{
    return field_plain(span_of(string(object, name)), max);
}

static void add(struct report *report, const struct event *event, const json_t *object,
                const json_t *recipient)
{
    const char *address = json_is_string(recipient) ? json_string_value(recipient)
                                                    : string(recipient, "emailAddress");
    char *bare = address ? dsn_address(span_of(address), 0) : NULL;
    const char *feedback = string(object, "complaintFeedbackType");
    struct delivery *delivery = bare ? report_add(report) : NULL;

    if (!delivery) {
        free(bare);
        return;
    }
    delivery->recipient = bare;
    delivery->action = event->action;
    delivery->status = dsn_status(span_of(string(recipient, "status")));
    if (event->action == ACTION_COMPLAINT)
        delivery->reply = xasprintf("Feedback-Type: %.40s", feedback ? feedback : "abuse");
    else if (event->action == ACTION_DELIVERED)
        delivery->reply = text_of(object, "smtpResponse", MESSAGE_REPLY_MAX);
    else if (string(recipient, "diagnosticCode"))
        delivery->reply = field_plain(dsn_without_type(span_of(string(recipient, "diagnosticCode"))),
                                      MESSAGE_REPLY_MAX);
    else
        delivery->reply = text_of(object, "bounceSubType", MESSAGE_REPLY_MAX);
}

static int names_nobody(const struct event *event, const json_t *object, const json_t *recipients)
{
    const char *feedback = string(object, "complaintFeedbackType");

    if (event->action != ACTION_COMPLAINT)
        return 0;
    return json_array_size(recipients) > 1 ||
           (feedback && (!strcmp(feedback, "not-spam") || !strcmp(feedback, "auth-failure")));
}

static void read_event(const json_t *root, const struct event *event, struct report *report)
{
    const json_t *object = json_object_get(root, event->object);
    const json_t *recipients = json_object_get(object, event->recipients);
    const json_t *mail = json_object_get(root, "mail"), *recipient;
    size_t i;

    report->kind = event->kind;
    report->original_sender = text_of(mail, "source", MESSAGE_REPLY_MAX);
    report->queue_id = text_of(mail, "messageId", MESSAGE_REPLY_MAX);
    if (string(object, "reportingMTA"))
        report->reporting_mta = dsn_host(span_of(string(object, "reportingMTA")));
    if (names_nobody(event, object, recipients))
        report->problem = xstrdup("a complaint that names nobody for certain");
    else
        json_array_foreach(recipients, i, recipient)
            add(report, event, object, recipient);
}

int ses_read(struct span text, struct report *report)
{
    const char *type;
    size_t length, i;
    char *bytes;
    json_t *root;
    int found = 0;

    text = span_trim(text);
    if (!text.length || text.start[0] != '{')
        return 0;
    bytes = unbroken(text, &length);
    root = json_loadb(bytes, length, JSON_DISABLE_EOF_CHECK, NULL);
    type = string(root, "notificationType") ? string(root, "notificationType")
                                            : string(root, "eventType");
    for (i = 0; type && i < sizeof(events) / sizeof(events[0]) && !found; i++)
        if (!strcmp(type, events[i].type) && json_is_object(json_object_get(root, "mail"))) {
            read_event(root, &events[i], report);
            found = 1;
        }
    json_decref(root);
    free(bytes);
    return found;
}
