/* suppressctl classify: replies in, verdicts out, one JSON object a line.
 *
 * Input is read as replies.h says. Output keeps the order, and unless the input
 * is a file each line goes out at once, so that the command can stand in a pipe
 * for as long as one likes.
 */
#include "config.h"

#include "ctl/command.h"

#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "ctl/replies.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct job {
    struct classifier *classifier;
    int vocabulary; /* enum vocabulary, or -1 */
};

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(object, key, json_string(value));
}

static void print_verdict(const struct job *job, json_t *id, const struct verdict *verdict)
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
    if (job->vocabulary >= 0) {
        json_object_set_new(object, "category", json_string(info->vocabulary[job->vocabulary]));
        set_text(object, "vocabulary", vocabulary_version(job->vocabulary));
    }
    set_text(object, "ruleset", classifier_version(job->classifier));
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

static void one_reply(void *context, const struct classify_input *input, json_t *id)
{
    const struct job *job = context;
    struct verdict verdict;

    classify(job->classifier, input, &verdict);
    print_verdict(job, id, &verdict);
}

static int all_lines(struct job *job)
{
    struct stat input;
    int code;

    if (fstat(STDIN_FILENO, &input) < 0 || !S_ISREG(input.st_mode))
        setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    code = replies_each("classify", one_reply, job);
    if (fflush(stdout))
        return ctl_fail("classify", EXIT_FAILED, "output failed");
    return code;
}

static int read_options(int argc, char **argv, struct job *job)
{
    enum vocabulary vocabulary;
    int i;

    job->vocabulary = -1;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--vocabulary") || i + 1 == argc)
            return ctl_fail("classify", EXIT_USAGE, "unknown argument: %s", argv[i]);
        if (!vocabulary_from_name(argv[++i], &vocabulary))
            return ctl_fail("classify", EXIT_USAGE, "no such vocabulary: %s", argv[i]);
        job->vocabulary = (int)vocabulary;
    }
    return 0;
}

int command_classify(struct ctl *ctl, int argc, char **argv)
{
    struct error error = {0};
    struct job job;
    struct ruleset *ruleset;
    int code = read_options(argc, argv, &job);

    if (code)
        return code;
    ruleset = ctl_ruleset(ctl, &error);
    if (!ruleset)
        return ctl_fail("classify", EXIT_FAILED, "%s", error.text);
    job.classifier = classifier_open(ruleset, &error);
    ruleset_unref(&ruleset);
    if (!job.classifier)
        return ctl_fail("classify", EXIT_FAILED, "%s", error.text);
    code = all_lines(&job);
    classifier_close(&job.classifier);
    return code;
}
