/* base/error: texts stay one bounded line. */
#include "config.h"

#include "base/error.h"

#include "tests/run.h"

#include <string.h>

START_TEST(sets_code_and_text)
{
    struct error error;

    ck_assert_int_eq(error_set(&error, ERROR_INPUT, "line %d: %s", 7, "why"), -1);
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_str_eq(error.text, "line 7: why");
}
END_TEST

START_TEST(prefix_goes_in_front_and_keeps_the_code)
{
    struct error error;

    (void)error_set(&error, ERROR_ENVIRONMENT, "disk full");
    ck_assert_int_eq(error_prefix(&error, "commit %d", 3), -1);
    ck_assert_int_eq(error.code, ERROR_ENVIRONMENT);
    ck_assert_str_eq(error.text, "commit 3: disk full");
}
END_TEST

START_TEST(hostile_text_cannot_forge_a_line)
{
    struct error error;

    (void)error_set(&error, ERROR_INPUT, "%s", "a\nb\rc\x1b[0m");
    ck_assert_str_eq(error.text, "a b c [0m");
}
END_TEST

START_TEST(long_text_is_cut)
{
    struct error error;
    char big[2000];

    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    (void)error_set(&error, ERROR_INPUT, "%s", big);
    ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
    (void)error_prefix(&error, "%s", big);
    ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/error");
    TCase *tc = tcase_create("error");

    tcase_add_test(tc, sets_code_and_text);
    tcase_add_test(tc, prefix_goes_in_front_and_keeps_the_code);
    tcase_add_test(tc, hostile_text_cannot_forge_a_line);
    tcase_add_test(tc, long_text_is_cut);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
