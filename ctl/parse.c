/* suppressctl parse: what do these messages say of which recipient?
 *
 * One JSON object a message; nothing is recorded.
 */
#include "config.h"

#include "ctl/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/ask.h"
#include "daemon/ledger/judge.h"
#include "daemon/report/message.h"

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

static void put(json_t *object, const char *name, const char *value)
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
    put(object, "reason", reason_info(verdict.reason)->name);
    put(object, "family", reason_info(verdict.reason)->family);
    put(object, "persistence", persistence_name(verdict.persistence));
    put(object, "rule", verdict.rule);
    put(object, "provider", verdict.provider);
    put(object, "stage", stage_name(verdict.stage));
}

static json_t *delivery_object(const struct delivery *delivery, struct classifier *classifier)
{
    json_t *object = json_object();

    put(object, "recipient", delivery->recipient);
    put(object, "original_recipient", delivery->original_recipient);
    put(object, "action", action_name(delivery->action));
    put(object, "status", delivery->status);
    put(object, "reply", delivery->reply);
    put(object, "remote_mta", delivery->remote_mta);
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

    put(object, "file", file);
    put(object, "kind", report_kind_name(report->kind));
    put(object, "reporting_mta", report->reporting_mta);
    put(object, "queue_id", report->queue_id);
    put(object, "sender", report->original_sender);
    put(object, "message_id", report->original_message_id);
    put(object, "problem", report->problem);
    if (report->time)
        json_object_set_new(object, "time", json_integer(report->time));
    for (i = 0; i < report->count; i++)
        json_array_append_new(deliveries, delivery_object(&report->deliveries[i], classifier));
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
    message_parse(bytes, length, &report);
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
    int i, code = EXIT_YES;

    if (argc < 2)
        return ctl_fail(argv[0], EXIT_USAGE, "name message files, or - for standard input");
    ruleset = ctl_ruleset(ctl, &error);
    classifier = ruleset ? classifier_open(ruleset, &error) : NULL;
    ruleset_unref(&ruleset);
    if (!classifier)
        return ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    message_init();
    for (i = 1; i < argc; i++)
        if (parse_file(argv[i], classifier, &error))
            code = ctl_fail(argv[0], EXIT_FAILED, "%s", error.text);
    classifier_close(&classifier);
    return code;
}
