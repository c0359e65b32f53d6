/* The matcher agrees with the patterns themselves; nothing that it does to save work
 * hides a match or makes one up. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "classifier/matcher.h"

#include "base/embed.h"
#include "base/mem.h"
#include "classifier/prefilter.h"
#include "classifier/rule.h"
#include "tests/run.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

extern const struct embedded classifier_rules[];

static const struct {
    const char *pattern, *text;
    int match;
} cases[] = {
    {"user unknown", "the user unknown here", 1},
    {"user unknown", "the USER Unknown here", 1},
    {"user unknown", "user is unknown", 0},
    {"(user|recipient) (is )?(unknown|gone)", "recipient is gone", 1},
    {"(user|recipient) (is )?(unknown|gone)", "sender is gone", 0},
    {"quota.{0,9}exceeded", "quota was exceeded", 1},
    {"quota.{0,9}exceeded", "quota of someone else was exceeded", 0},
    {"^blocked$", "blocked", 1},
    {"^blocked$", "unblocked", 0},
    {"\\bSPF\\b", "spf fails", 1},
    {"\\bSPF\\b", "aspfx", 0},
    {"[xy]z+abc", "yzzzabc", 1},
    {"[^q]uota", "quota", 0},
    {"[^q]uota", "muota", 1},
    {"[[:digit:]]+ users", "12 users", 1},
    {"foo(?=bar)|quux", "quux", 1},
    {"(?i)foo", "FOO", 1},
    {"a{2}b", "aab", 1},
    {"(abc)?def", "def", 1},
    {"(abc)*def", "def", 1},
    {"(abc)+def", "abcabcdef", 1},
    {"IB1\\d", "ib12", 1},
    {"IB10", "ib12", 0},
    {"a\\.b\\.c", "a.b.c", 1},
    {"\\x61bc", "abc", 1},
    {"caf\xc3\xa9 ferm", "caf\xc3\xa9 ferm\xc3\xa9", 1},
    {"caf\xc3\xa9 ferm", "caf\xc3\xa8 ferm\xc3\xa9", 0},
    {"", "anything", 1},
    {"user (is )?(un)?known", "user known", 1},
    {"user (is )?(un)?known", "user is unknown", 1},
    {"user (is )?(un)?known", "user isknown", 0},
    {"(user|name\\w*) gone", "names gone", 1},
    {"(user|name\\w*) gone", "nam gone", 0},
    {"\\buser\\b.{0,3}\\bgone\\b", "user-gone", 1},
    {"\\buser\\b.{0,3}\\bgone\\b", "usergone", 0},
    {"\\buser\\b.{0,3}\\bgone\\b", "superuser gone", 0},
    {"([0-9]{1,3}\\.){3}[0-9]{1,3} listed", "192.0.2.1 listed", 1},
    {"([0-9]{1,3}\\.){3}[0-9]{1,3} listed", "192.0.2 listed", 0},
    {"^\\S{1,9} gone$", "somebody gone", 1},
    {"^\\S{1,9} gone$", "x somebody gone", 0},
    {"^\\S{1,9} gone$", "somebody gone.", 0},
    {"code[_-]5\\d\\d", "code_512", 1},
    {"code[_-]5\\d\\d", "code 512", 0},
    {"ab.cd", "xab\ncdx", 1},
    {"{curly} [square]word", "{curly} qword", 1},
    {"\\{curly\\}", "[curly]", 0},
    {"gone(:|$)", "all gone", 1},
    {"gone(:|$)", "gone away", 0},
    {"(a|b)c? ?(d|e)+ of it", "bc ddee of it", 1},
};

static int matches(const char *pattern, const char *text)
{
    struct error error = {0};
    const struct matcher_input input = {.patterns = &pattern, .count = 1};
    size_t bad;
    struct matcher *matcher = matcher_create(&input, &bad, &error);
    struct search *search;
    unsigned index = 0;
    int result;

    ck_assert_msg(matcher != NULL, "%s: %s", pattern, error.text);
    search = search_create(matcher);
    search_text(search, text, strlen(text));
    result = search_next(search, &index) && search_confirm(search, index);
    search_free(&search);
    matcher_free(&matcher);
    return result;
}

START_TEST(patterns_match_as_they_say)
{
    ck_assert_int_eq(matches(cases[_i].pattern, cases[_i].text), cases[_i].match);
}
END_TEST

/* All patterns and examples of the shipped rules. */
static void collect(struct rulebook *book, struct strings *patterns_r, struct strings *texts_r)
{
    const struct embedded *file;
    struct error error = {0};
    size_t i, j;

    for (file = classifier_rules; file->name; file++)
        ck_assert_msg(rulebook_read(book, file->name, file->text, 0, &error) == 0, "%s", error.text);
    for (i = 0; i < book->rule_count; i++) {
        const struct rule *rule = &book->rules[i];
        const struct strings *sets[] = {&rule->patterns, &rule->examples, &rule->counters};

        for (j = 0; j < 3; j++) {
            struct strings *to = j ? texts_r : patterns_r;

            to->list = xrealloc(to->list, (to->count + sets[j]->count + 1) * sizeof(*to->list));
            memcpy(to->list + to->count, sets[j]->list, sets[j]->count * sizeof(*to->list));
            to->count += sets[j]->count;
        }
    }
}

/* What PCRE2 alone says, with the matcher's options. */
static pcre2_code *compiled(const char *pattern)
{
    PCRE2_SIZE offset;
    int why;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &why,
                                     &offset, NULL);

    ck_assert_ptr_nonnull(code);
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return code;
}

static void compare(struct search *search, pcre2_code *const *codes, const struct strings *patterns,
                    const char *text)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    unsigned next = 0, i;

    search_text(search, text, strlen(text));
    for (i = 0; i < patterns->count; i++) {
        int expected = pcre2_match(codes[i], (PCRE2_SPTR)text, strlen(text), 0, 0, data, NULL) >= 0;
        int found;

        next = i;
        found = search_next(search, &next) && next == i && search_confirm(search, i);
        ck_assert_msg(found == expected, "'%s' and \"%s\": %d, not %d", patterns->list[i], text,
                      found, expected);
    }
    ck_assert_int_eq(search_is_exhausted(search), 0);
    pcre2_match_data_free(data);
}

/* A text in other case, with another one behind it, or cut: all that differs from an
 * example by little. */
static char *variation(const struct strings *texts, size_t i, int how)
{
    const char *text = texts->list[i], *other = texts->list[(i * 7919 + 13) % texts->count];
    char *made = how == 1 ? xasprintf("%s %s", other, text)
                          : xstrndup(text, strlen(text) - (how == 2 ? strlen(text) / 4 : 0));
    char *at;

    for (at = made; *at && how == 3; at++)
        *at = (char)toupper((unsigned char)*at);
    return made;
}

START_TEST(shipped_patterns_match_as_pcre2_says)
{
    struct strings patterns = {0}, texts = {0};
    struct rulebook book = {0};
    struct error error = {0};
    struct matcher_input input;
    struct matcher *matcher;
    struct search *search;
    pcre2_code **codes;
    size_t bad, i;

    collect(&book, &patterns, &texts);
    input = (struct matcher_input){(const char *const *)patterns.list, patterns.count,
                                   (const char *const *)texts.list, texts.count};
    matcher = matcher_create(&input, &bad, &error);
    ck_assert_msg(matcher != NULL, "%s", error.text);
    search = search_create(matcher);
    codes = xcalloc(patterns.count, sizeof(*codes));
    for (i = 0; i < patterns.count; i++)
        codes[i] = compiled(patterns.list[i]);
    for (i = 0; i < texts.count; i++) {
        char *text = variation(&texts, i, _i);

        compare(search, codes, &patterns, text);
        free(text);
    }
    for (i = 0; i < patterns.count; i++)
        pcre2_code_free(codes[i]);
    free(codes);
    free(patterns.list);
    free(texts.list);
    search_free(&search);
    matcher_free(&matcher);
    rulebook_free(&book);
}
END_TEST

START_TEST(a_bad_pattern_is_named)
{
    const char *const patterns[] = {"fine", "not (fine", "fine"};
    const struct matcher_input input = {.patterns = patterns, .count = 3};
    struct error error = {0};
    size_t bad = 9;

    ck_assert_ptr_null(matcher_create(&input, &bad, &error));
    ck_assert_uint_eq(bad, 1);
    ck_assert_int_eq(error.code, ERROR_INPUT);
}
END_TEST

START_TEST(no_pattern_runs_away)
{
    static char text[8000];

    memset(text, 'a', sizeof(text) - 1);
    ck_assert_int_eq(matches("(a+)+b|(a|aa)+c", text), 0);
}
END_TEST

START_TEST(words_and_gaps_are_chains)
{
    struct prefilter prefilter;

    prefilter_create("(no|bad) (user|alias).{0,9}here", &prefilter);
    ck_assert_uint_eq(prefilter.chain.count, 2);
    ck_assert_uint_eq(prefilter.chain.links[0].count, 4);
    ck_assert_uint_eq(prefilter.chain.links[1].gap.max, 9);
    prefilter_free(&prefilter);
    prefilter_create("\\w+", &prefilter);
    ck_assert_uint_eq(prefilter.count, 0);
    ck_assert_uint_eq(prefilter.chain.count, 0);
    prefilter_free(&prefilter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matcher");
    TCase *tcase = tcase_create("match");

    tcase_add_loop_test(tcase, patterns_match_as_they_say, 0,
                        (int)(sizeof(cases) / sizeof(*cases)));
    tcase_add_loop_test(tcase, shipped_patterns_match_as_pcre2_says, 0, 4);
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, a_bad_pattern_is_named);
    tcase_add_test(tcase, no_pattern_runs_away);
    tcase_add_test(tcase, words_and_gaps_are_chains);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
