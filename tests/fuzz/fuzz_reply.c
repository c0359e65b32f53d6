/* Reply parser, matcher, verdict and fingerprint. The first line of the input is the MTA's
 * name, the second the status given beside the text, the rest is the text. */
#include "config.h"

#include "base/mem.h"
#include "classifier/classify.h"
#include "classifier/fingerprint.h"
#include "classifier/reply.h"
#include "classifier/ruleset.h"
#include "tests/fuzz/target.h"

#include <string.h>

static struct classifier *shared(void)
{
    static struct classifier *classifier;
    struct error error = {0};
    struct ruleset *ruleset;

    if (classifier)
        return classifier;
    ruleset = ruleset_load(NULL, NULL, &error);
    must_hold(ruleset);
    classifier = classifier_open(ruleset, &error);
    must_hold(classifier);
    ruleset_unref(&ruleset);
    return classifier;
}

/* The next line, ended by a NUL; owned by the caller. */
static char *take_line(const char **at, const char *end)
{
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    char *line = xstrndup(*at, (size_t)((stop ? stop : end) - *at));

    *at = stop ? stop + 1 : end;
    return line;
}

static void hold_reply(const char *text, size_t length)
{
    static struct reply reply;

    reply_parse(text, length, &reply);
    must_hold(reply.length <= REPLY_TEXT_MAX && reply.words[reply.length] == '\0');
    must_hold(reply.code == 0 || (reply.code >= 200 && reply.code < 600));
}

static void hold_fingerprint(const char *text, size_t length)
{
    char pattern[4 * FINGERPRINT_TEMPLATE_MAX + 1], example[sizeof(pattern)];
    struct fingerprint print;

    fingerprint(text, length, &print);
    must_hold(strlen(print.template) <= FINGERPRINT_TEMPLATE_MAX && print.hash);
    must_hold(!strpbrk(print.template, "\r\n"));
    fingerprint_pattern(&print, pattern, sizeof(pattern));
    must_hold(!strchr(pattern, '\''));
    fingerprint_example(&print, example, sizeof(example));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = size ? (const char *)data : "", *end = at + size;
    char *mta = take_line(&at, end), *status = take_line(&at, end);
    struct classify_input input = {.text = at, .length = (size_t)(end - at), .mta = mta, .status = status};
    struct verdict verdict, again;

    classify(shared(), &input, &verdict);
    must_hold((unsigned)verdict.reason < REASON_COUNT);
    must_hold(strlen(verdict.rule) < sizeof(verdict.rule));
    classify(shared(), &input, &again);
    must_hold(again.reason == verdict.reason && !strcmp(again.rule, verdict.rule));
    hold_reply(at, (size_t)(end - at));
    hold_fingerprint(at, (size_t)(end - at));
    free(mta);
    free(status);
    return 0;
}
