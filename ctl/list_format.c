/* See list_format.h. */
#include "config.h"

#include "ctl/list_format.h"

#include "ctl/csv.h"

#include <string.h>

/* What a service lists without telling why. */
#define LISTED REASON_RECIPIENT_SUPPRESSED

static const struct list_word ses_words[] = {
    {"BOUNCE", NULL, LISTED}, {"COMPLAINT", NULL, REASON_COMPLAINT}, {"COMPLAINT", NULL, REASON_OPT_OUT}, {NULL, NULL, 0},
};
static const struct list_word postmark_words[] = {
    {"HardBounce", NULL, LISTED},
    {"SpamComplaint", NULL, REASON_COMPLAINT},
    {"ManualSuppression", "Recipient", REASON_OPT_OUT},
    {"ManualSuppression", NULL, LISTED},
    {NULL, NULL, 0},
};
static const struct list_word sparkpost_words[] = {
    {"Bounce Rule", NULL, LISTED},
    {"Spam Complaint", NULL, REASON_COMPLAINT},
    {"List Unsubscribe", NULL, REASON_OPT_OUT},
    {"Unsubscribe Link", NULL, REASON_OPT_OUT},
    {"Manually Added", NULL, LISTED},
    {"Compliance", NULL, LISTED},
    {"", NULL, LISTED}, /* the CSV that is handed in need not say */
    {NULL, NULL, 0},
};

/* In the order in which they are tried. */
const struct list_format list_formats[] = {
    {"ses", LIST_JSON, "SuppressedDestinationSummaries",
     {{"EmailAddress", LIST_ADDRESS, NULL}, {"Reason", LIST_WORD, NULL}, {"LastUpdateTime", LIST_TIME, NULL}},
     {"EmailAddress", "Reason", "LastUpdateTime"}, 0, REASON_COUNT, ses_words, 0, 0, 0},
    {"postmark", LIST_JSON, "Suppressions",
     {{"EmailAddress", LIST_ADDRESS, NULL}, {"SuppressionReason", LIST_WORD, NULL}, {"Origin", LIST_ORIGIN, "Recipient"},
      {"CreatedAt", LIST_TIME, NULL}},
     {"EmailAddress", "SuppressionReason", NULL}, 0, REASON_COUNT, postmark_words, 0, 0, 0},
    {"sparkpost", LIST_JSON, "results",
     {{"recipient", LIST_ADDRESS, NULL}, {"type", LIST_NOTHING, "non_transactional"}, {"source", LIST_WORD, NULL},
      {"description", LIST_REPLY, NULL}, {"created", LIST_TIME, NULL}},
     {"recipient", "type", NULL}, 0, REASON_COUNT, sparkpost_words, 0, 0, 0},
    {"mailgun-bounces", LIST_JSON, "items",
     {{"address", LIST_ADDRESS, NULL}, {"code", LIST_CODE, NULL}, {"error", LIST_REPLY, NULL},
      {"created_at", LIST_MAIL_TIME, NULL}},
     {"address", "code", "error"}, 0, LISTED, NULL, 0, 0, 0},
    {"mailgun-unsubscribes", LIST_JSON, "items",
     {{"address", LIST_ADDRESS, NULL}, {"tags", LIST_TAGS, NULL}, {"created_at", LIST_MAIL_TIME, NULL}},
     {"address", "tags", NULL}, 0, REASON_OPT_OUT, NULL, 0, 0, 0},
    {"mailgun-complaints", LIST_JSON, "items",
     {{"address", LIST_ADDRESS, NULL}, {"created_at", LIST_MAIL_TIME, NULL}},
     {"address", "created_at", NULL}, 3, REASON_COMPLAINT, NULL, 0, 0, 0},
    {"sendgrid-bounces", LIST_JSON, NULL,
     {{"created", LIST_UNIX, NULL}, {"email", LIST_ADDRESS, NULL}, {"reason", LIST_REPLY, NULL},
      {"status", LIST_STATUS, NULL}},
     {"created", "email", "reason"}, 0, LISTED, NULL, 0, 1, 0},
    {"sendgrid-blocks", LIST_JSON, NULL,
     {{"created", LIST_UNIX, NULL}, {"email", LIST_ADDRESS, NULL}, {"reason", LIST_REPLY, NULL},
      {"status", LIST_STATUS, NULL}},
     {"created", "email", "reason"}, 0, REASON_POLICY, NULL, 1, 0, 0},
    {"sendgrid-spam-reports", LIST_JSON, NULL,
     {{"created", LIST_UNIX, NULL}, {"email", LIST_ADDRESS, NULL}, {"ip", LIST_NOTHING, NULL}},
     {"created", "email", "ip"}, 3, REASON_COMPLAINT, NULL, 0, 0, 0},
    {"sendgrid-unsubscribes", LIST_JSON, NULL, {{"created", LIST_UNIX, NULL}, {"email", LIST_ADDRESS, NULL}},
     {"created", "email", NULL}, 2, REASON_OPT_OUT, NULL, 0, 0, 0},
    {"mailchimp-cleaned", LIST_CSV, NULL, {{"Email Address", LIST_ADDRESS, NULL}, {"CLEAN_TIME", LIST_TIME, NULL}},
     {"Email Address", "CLEAN_TIME", NULL}, 0, LISTED, NULL, 0, 0, 0},
    {"mailchimp-unsubscribed", LIST_CSV, NULL, {{"Email Address", LIST_ADDRESS, NULL}, {"UNSUB_TIME", LIST_TIME, NULL}},
     {"Email Address", "UNSUB_TIME", NULL}, 0, REASON_OPT_OUT, NULL, 0, 0, 0},
    {"mailchimp-subscribed", LIST_CSV, NULL, {{"Email Address", LIST_ADDRESS, NULL}},
     {"Email Address", "MEMBER_RATING", NULL}, 0, LISTED, NULL, 0, 0, 1},
    {"csv", LIST_CSV, NULL,
     {{"recipient", LIST_ADDRESS, NULL}, {"stream", LIST_STREAM, NULL}, {"reason", LIST_REASON, NULL},
      {"since", LIST_TIME, NULL}, {"until", LIST_UNTIL, NULL}, {"origin", LIST_ORIGIN, NULL}, {"note", LIST_NOTE, NULL}},
     {NULL, NULL, NULL}, 0, REASON_COUNT, NULL, 0, 0, 0},
    {"ndjson", LIST_LINES, NULL,
     {{"recipient", LIST_ADDRESS, NULL}, {"stream", LIST_STREAM, NULL}, {"reason", LIST_REASON, NULL},
      {"since", LIST_UNIX, NULL}, {"until", LIST_UNTIL, NULL}, {"origin", LIST_ORIGIN, NULL}, {"note", LIST_NOTE, NULL}},
     {NULL, NULL, NULL}, 0, REASON_COUNT, NULL, 0, 0, 0},
    {NULL, 0, NULL, {{NULL, 0, NULL}}, {NULL, NULL, NULL}, 0, 0, NULL, 0, 0, 0},
};

const struct list_format *list_format_named(const char *name)
{
    for (const struct list_format *format = list_formats; format->name; format++)
        if (!strcmp(format->name, name))
            return format;
    return NULL;
}

static int fits(const struct list_format *format, const char *const *names, size_t count)
{
    if (!format->known_by[0] || (format->columns_max && count > format->columns_max))
        return 0;
    for (size_t i = 0; i < 3 && format->known_by[i]; i++) {
        size_t at = 0;

        while (at < count && !csv_same_name(names[at], format->known_by[i]))
            at++;
        if (at == count)
            return 0;
    }
    return 1;
}

const struct list_format *list_format_guess(const char *const *names, size_t count, enum list_shape shape)
{
    for (const struct list_format *format = list_formats; format->name; format++)
        if (fits(format, names, count))
            return format;
    return list_format_named(shape == LIST_CSV ? "csv" : "ndjson");
}

const char *list_column(const struct list_format *format, enum list_value value)
{
    for (size_t i = 0; i < LIST_COLUMNS_MAX && format->columns[i].name; i++)
        if (format->columns[i].value == value)
            return format->columns[i].name;
    return NULL;
}

const char *list_word(const struct list_format *format, enum reason reason)
{
    const struct list_word *word = format->words;

    while (word && word->word && word->reason != reason)
        word++;
    if (word && word->word)
        return word->word;
    return format->words ? format->words[0].word : NULL;
}

int list_holds(const struct list_format *format, enum reason reason)
{
    int asked = reason == REASON_COMPLAINT || reason == REASON_OPT_OUT; /* the person's own wish */

    if (format->reason == REASON_COUNT)
        return 1;
    return asked ? reason == format->reason : format->reason == LISTED;
}
