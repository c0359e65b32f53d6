/* suppressctl classify: replies in, verdicts out, one JSON object a line.
 *
 * An input line that starts with "{" is an object {"id","reply","status","mta",
 * "domain"} of which only the reply must be there; any other line is a reply.
 * Output keeps the order, and unless the input is a file each line goes out at
 * once, so that the command can stand in a pipe for as long as one likes.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/command.h"

struct options {
    int vocabulary; /* enum vocabulary, or -1 */
};

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(object, key, json_string(value));
}

static void print_verdict(const struct classifier *classifier, const struct options *options,
                          json_t *id, const struct verdict *verdict)
{
    const struct reason_info *info = reason_info(verdict->reason);
    json_t *object = json_object();

    if (id)
        json_object_set(object, "id", id);
    set_text(object, "reason", info->name);
    set_text(object, "family", info->family);
    set_text(object, "subject", info->subject);
    set_text(object, "persistence", persistence_name(verdict->persistence));
    set_text(object, "action", hygiene_name(info->hygiene));
    json_object_set_new(object, "rule", json_string(verdict->rule));
    if (verdict->code)
        json_object_set_new(object, "code", json_integer(verdict->code));
    set_text(object, "status", verdict->status);
    set_text(object, "provider", verdict->provider);
    set_text(object, "stage", stage_name(verdict->stage));
    if (options->vocabulary >= 0)
        set_text(object, "category", info->vocabulary[options->vocabulary]);
    set_text(object, "ruleset", classifier_version(classifier));
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

/* 0, or -1 when the line is no object with a reply. */
static int from_object(const char *line, size_t length, json_t **object_r,
                       struct classify_input *input)
{
    json_t *object = json_loadb(line, length, JSON_ALLOW_NUL, NULL);
    json_t *reply = json_object_get(object, "reply");

    *object_r = object;
    if (!json_is_string(reply))
        return -1;
    input->text = json_string_value(reply);
    input->length = json_string_length(reply);
    input->status = json_string_value(json_object_get(object, "status"));
    input->mta = json_string_value(json_object_get(object, "mta"));
    input->domain = json_string_value(json_object_get(object, "domain"));
    return 0;
}

static int one_line(struct classifier *classifier, const struct options *options, const char *line,
                    size_t length)
{
    struct classify_input input = {.text = line, .length = length};
    struct verdict verdict;
    json_t *object = NULL;
    int result = 0;

    /* A line that is no JSON after all is a reply that begins with a brace. */
    if (*line == '{' && from_object(line, length, &object, &input) < 0 && object)
        result = -1;
    classify(classifier, &input, &verdict);
    print_verdict(classifier, options, json_object_get(object, "id"), &verdict);
    json_decref(object);
    return result;
}

static int all_lines(struct classifier *classifier, const struct options *options)
{
    struct stat input;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int number = 0, code = EXIT_YES;

    if (fstat(STDIN_FILENO, &input) < 0 || !S_ISREG(input.st_mode))
        setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    while ((length = getline(&line, &size, stdin)) >= 0) {
        number++;
        while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = 0;
        if (one_line(classifier, options, line, (size_t)length) < 0)
            code = ctl_fail("classify", EXIT_USAGE, "line %d: there is no \"reply\"", number);
    }
    free(line);
    if (ferror(stdin) || fflush(stdout))
        return ctl_fail("classify", EXIT_FAILED, "input or output failed");
    return code;
}

static int read_options(int argc, char **argv, struct options *options)
{
    enum vocabulary vocabulary;
    int i;

    options->vocabulary = -1;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--vocabulary") || i + 1 == argc)
            return ctl_fail("classify", EXIT_USAGE, "unknown argument: %s", argv[i]);
        if (!vocabulary_from_name(argv[++i], &vocabulary))
            return ctl_fail("classify", EXIT_USAGE, "no such vocabulary: %s", argv[i]);
        options->vocabulary = (int)vocabulary;
    }
    return 0;
}

int command_classify(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct options options;
    struct ruleset *ruleset;
    struct classifier *classifier;
    int code = read_options(argc, argv, &options);

    if (code)
        return code;
    ruleset = ctl_ruleset(ctl, &error);
    if (!ruleset)
        return ctl_fail("classify", EXIT_FAILED, "%s", error.text);
    classifier = classifier_open(ruleset, &error);
    ruleset_unref(&ruleset);
    if (!classifier)
        return ctl_fail("classify", EXIT_FAILED, "%s", error.text);
    code = all_lines(classifier, &options);
    classifier_close(&classifier);
    return code;
}
