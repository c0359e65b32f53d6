/* suppressctl parse: what do these messages say of which recipient?
 *
 * One JSON object a message, or with --log one a recipient of a delivery line;
 * nothing is recorded.
 */
#include "config.h"

#include "ctl/parse.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "ctl/command.h"
#include "daemon/ledger/judge.h"
#include "daemon/report/message.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_SIZE_MAX (256u << 20)
#define CHUNK 65536

/* Reads a whole file, however long it says it is. Owned by the caller; NULL and error. */
static char *read_all(const char *name, size_t *length_r, struct error *error)
{
    FILE *in = strcmp(name, "-") ? fopen(name, "rb") : stdin;
    char *bytes = NULL;
    size_t size = 0, length = 0, got;

    if (!in) {
        error_set(error, ERROR_ENVIRONMENT, "%s: %s", name, strerror(errno));
        return NULL;
    }
    do {
        if (size - length < CHUNK)
            bytes = xrealloc(bytes, size = size ? 2 * size : 2 * CHUNK);
        length += got = fread(bytes + length, 1, size - length, in);
    } while (got && length < MESSAGE_SIZE_MAX);
    if (ferror(in)) {
        error_set(error, ERROR_ENVIRONMENT, "%s: %s", name, strerror(errno));
        free(bytes);
        bytes = NULL;
    }
    if (in != stdin)
        fclose(in);
    *length_r = length;
    return bytes;
}

void parse_put(json_t *object, const char *name, const char *value)
{
    if (value)
        json_object_set_new(object, name, ask_json(value));
}

static void put_verdict(json_t *object, struct classifier *classifier,
                        const struct delivery *delivery)
{
    const char *at = delivery->recipient ? strrchr(delivery->recipient, '@') : NULL;
    struct verdict verdict;

    judge(classifier, delivery, at ? at + 1 : NULL, &verdict);
    parse_put(object, "reason", reason_info(verdict.reason)->name);
    parse_put(object, "family", reason_info(verdict.reason)->family);
    parse_put(object, "persistence", persistence_name(verdict.persistence));
    parse_put(object, "rule", verdict.rule);
    parse_put(object, "provider", verdict.provider);
    parse_put(object, "stage", stage_name(verdict.stage));
}

json_t *parse_delivery(const struct delivery *delivery, struct classifier *classifier)
{
    json_t *object = json_object();

    parse_put(object, "recipient", delivery->recipient);
    parse_put(object, "original_recipient", delivery->original_recipient);
    parse_put(object, "action", action_name(delivery->action));
    parse_put(object, "status", delivery->status);
    parse_put(object, "reply", delivery->reply);
    parse_put(object, "remote_mta", delivery->remote_mta);
    if (delivery->time)
        json_object_set_new(object, "time", json_integer(delivery->time));
    put_verdict(object, classifier, delivery);
    return object;
}

static json_t *report_object(const char *file, const struct report *report,
                             struct classifier *classifier)
{
    json_t *object = json_object(), *deliveries = json_array();
    size_t i;

    parse_put(object, "file", file);
    parse_put(object, "kind", report_kind_name(report->kind));
    parse_put(object, "reporting_mta", report->reporting_mta);
    parse_put(object, "queue_id", report->queue_id);
    parse_put(object, "sender", report->original_sender);
    parse_put(object, "message_id", report->original_message_id);
    parse_put(object, "problem", report->problem);
    if (report->time)
        json_object_set_new(object, "time", json_integer(report->time));
    for (i = 0; i < report->count; i++)
        json_array_append_new(deliveries, parse_delivery(&report->deliveries[i], classifier));
    json_object_set_new(object, "deliveries", deliveries);
    return object;
}

static int parse_file(const char *file, struct classifier *classifier, struct error *error)
{
    struct report report;
    json_t *object;
    size_t length;
    char *bytes = read_all(file, &length, error);

    if (!bytes)
        return -1;
    message_parse(bytes, length, NULL, &report);
    object = report_object(file, &report, classifier);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
    report_clear(&report);
    free(bytes);
    return 0;
}

int command_parse(struct ctl *ctl, int argc, char **argv)
{
    struct error error;
    struct ruleset *ruleset;
    struct classifier *classifier;
    int log = argc > 1 && !strcmp(argv[1], "--log"), i, code = EXIT_YES;

    if (argc < 2 + log)
        return ctl_fail(argv[0], EXIT_USAGE, "name files, or - for standard input");
    ruleset = ctl_ruleset(ctl, &error);
    classifier = ruleset ? classifier_open(ruleset, &error) : NULL;
    ruleset_unref(&ruleset);
    if (!classifier)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    message_init();
    for (i = 1 + log; i < argc; i++)
        if (log ? parse_log_file(argv[i], classifier, &error) : parse_file(argv[i], classifier, &error))
            code = ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    classifier_close(&classifier);
    return code;
}
