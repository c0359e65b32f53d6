/* A pattern and a text, parted by the first newline: the matcher says what PCRE2 says. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/mem.h"
#include "classifier/matcher.h"
#include "tests/fuzz/target.h"

#include <pcre2.h>
#include <string.h>

/* 1, 0, or -1 where PCRE2 gives up. */
static int by_pcre2(const char *pattern, const char *text)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    PCRE2_SIZE offset;
    int why, result;
    pcre2_code *code = pcre2_compile(
        (PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
        PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY,
        &why, &offset, NULL);

    must_hold(code);
    result = pcre2_match(code, (PCRE2_SPTR)text, strlen(text), 0, 0, data, NULL);
    pcre2_code_free(code);
    pcre2_match_data_free(data);
    return result >= 0 ? 1 : result == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

static void compare(struct matcher *matcher, const char *pattern, const char *text)
{
    struct search *search = search_create(matcher);
    unsigned index = 0;
    int found, expected = by_pcre2(pattern, text);

    search_text(search, text, strlen(text));
    found = search_next(search, &index) && search_confirm(search, index);
    /* What costs too much counts as no match, in either. */
    if (expected >= 0 && !search_is_exhausted(search))
        must_hold(found == expected);
    search_free(&search);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *pattern = xstrndup((const char *)data, size), *text = strchr(pattern, '\n');
    const char *const patterns[] = {pattern};
    const struct matcher_input input = {.patterns = patterns, .count = 1};
    struct matcher *matcher;
    struct error error = {0};
    size_t bad;

    if (text && text - pattern < 300) {
        *text++ = 0;
        /* A reply's words are one line without control characters. */
        for (char *at = text; *at; at++)
            *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
        matcher = matcher_create(&input, &bad, &error);
        must_hold(matcher || error.code != ERROR_NONE);
        if (matcher)
            compare(matcher, pattern, text);
        matcher_free(&matcher);
    }
    free(pattern);
    return 0;
}
