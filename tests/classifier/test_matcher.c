/* The matcher agrees with the patterns themselves; the prefilter never hides a match. */
#include "config.h"

#include "classifier/matcher.h"

#include "classifier/prefilter.h"
#include "tests/run.h"

#include <string.h>

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
};

static int matches(const char *pattern, const char *text)
{
    struct error error = {0};
    size_t bad, count, i;
    struct matcher *matcher = matcher_create(&pattern, 1, &bad, &error);
    struct scan *scan;
    const unsigned *list;
    int result = 0;

    ck_assert_msg(matcher != NULL, "%s: %s", pattern, error.text);
    scan = scan_create(matcher);
    count = scan_text(scan, text, strlen(text), &list);
    for (i = 0; i < count; i++)
        result |= scan_confirm(scan, list[i], text, strlen(text));
    scan_free(&scan);
    matcher_free(&matcher);
    return result;
}

START_TEST(patterns_match_as_they_say)
{
    ck_assert_int_eq(matches(cases[_i].pattern, cases[_i].text), cases[_i].match);
}
END_TEST

START_TEST(a_bad_pattern_is_named)
{
    const char *const patterns[] = {"fine", "not (fine", "fine"};
    struct error error = {0};
    size_t bad = 9;

    ck_assert_ptr_null(matcher_create(patterns, 3, &bad, &error));
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

START_TEST(words_alone_need_no_try)
{
    struct prefilter prefilter;

    prefilter_create("(no|bad) (user|alias)", &prefilter);
    ck_assert_int_eq(prefilter.sufficient, 1);
    ck_assert_uint_eq(prefilter.count, 1);
    ck_assert_uint_eq(prefilter.clauses[0].count, 4);
    prefilter_free(&prefilter);
    prefilter_create("\\w+", &prefilter);
    ck_assert_uint_eq(prefilter.count, 0);
    prefilter_free(&prefilter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matcher");
    TCase *tcase = tcase_create("match");

    tcase_add_loop_test(tcase, patterns_match_as_they_say, 0,
                        (int)(sizeof(cases) / sizeof(*cases)));
    tcase_add_test(tcase, a_bad_pattern_is_named);
    tcase_add_test(tcase, no_pattern_runs_away);
    tcase_add_test(tcase, words_alone_need_no_try);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
