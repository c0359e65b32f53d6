/* See inspect.h. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "classifier/inspect.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "classifier/ruleset.h"
#include "classifier/ruleset_data.h"

/* As the matcher's; a try that gets here has no deadline to keep but must end. */
#define PATTERN_OPTIONS                                                       \
    (PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF | \
     PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY)

const struct rule *ruleset_rule(const struct ruleset *ruleset, size_t i)
{
    return &ruleset->book.rules[i];
}

/* 1 and the span where the pattern matches the words. */
static int find(const char *pattern, const struct reply *reply, size_t *start_r, size_t *end_r)
{
    int why, result;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PATTERN_OPTIONS,
                                     &why, &offset, NULL);
    pcre2_match_data *data;

    if (!code)
        return 0; /* cannot be: the set was compiled */
    data = pcre2_match_data_create(1, NULL);
    result = data ? pcre2_match(code, (PCRE2_SPTR)reply->words, reply->length, 0, 0, data, NULL) : -1;
    if (result >= 0) {
        *start_r = pcre2_get_ovector_pointer(data)[0];
        *end_r = pcre2_get_ovector_pointer(data)[1];
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return result >= 0;
}

/* 1 when the text begins with one of the prefixes, or there are none. With a
 * stop the prefix ends there or with the text. */
static int begins(const char *text, const struct strings *prefixes, char stop)
{
    size_t i, length;

    for (i = 0; i < prefixes->count; i++) {
        length = strlen(prefixes->list[i]);
        if (!strncmp(text, prefixes->list[i], length) &&
            (!stop || !text[length] || text[length] == stop))
            return 1;
    }
    return !prefixes->count;
}

static int is_of_provider(const struct rule *rule, const char *provider)
{
    size_t i;

    for (i = 0; i < rule->providers.count; i++)
        if (!strcmp(rule->providers.list[i], provider))
            return 1;
    return !rule->providers.count;
}

static enum match_fate fate_of(const struct rule *rule, const struct verdict *verdict)
{
    char code[16] = "";

    if (verdict->code)
        snprintf(code, sizeof(code), "%d", verdict->code);
    if (!is_of_provider(rule, verdict->provider))
        return MATCH_PROVIDER;
    if (!begins(code, &rule->codes, 0))
        return MATCH_CODE;
    if (!begins(verdict->status, &rule->statuses, '.'))
        return MATCH_STATUS;
    if (rule->stage_mask && !(rule->stage_mask >> verdict->stage & 1))
        return MATCH_STAGE;
    return strcmp(rule->id, verdict->rule) ? MATCH_LATE : MATCH_WINS;
}

static void try_rule(struct inspection *inspection, const struct rule *rule)
{
    struct match match = {.rule = rule};
    size_t i;

    for (i = 0; i < rule->patterns.count; i++) {
        if (!find(rule->patterns.list[i], &inspection->reply, &match.start, &match.end))
            continue;
        match.pattern = rule->patterns.list[i];
        match.fate = fate_of(rule, &inspection->verdict);
        inspection->matches =
            xrealloc(inspection->matches, (inspection->count + 1) * sizeof(match));
        inspection->matches[inspection->count++] = match;
        return;
    }
}

int inspect(struct ruleset *ruleset, const struct classify_input *input,
            struct inspection *inspection_r, struct error *error)
{
    struct classifier *classifier = classifier_open(ruleset, error);
    size_t i;

    if (!classifier)
        return -1;
    memset(inspection_r, 0, sizeof(*inspection_r));
    classify(classifier, input, &inspection_r->verdict);
    classifier_close(&classifier);
    reply_parse(input->text, input->length, &inspection_r->reply);
    for (i = 0; i < ruleset_size(ruleset); i++)
        try_rule(inspection_r, ruleset_rule(ruleset, i));
    return 0;
}

void inspection_clear(struct inspection *inspection)
{
    free(inspection->matches);
    inspection->matches = NULL;
    inspection->count = 0;
}

const char *match_fate_name(enum match_fate fate)
{
    static const char *const names[] = {"wins", "late", "provider", "code", "status", "stage"};

    return (unsigned)fate < sizeof(names) / sizeof(*names) ? names[fate] : "";
}
