/* Spans: bounded, of any bytes, ASCII letters in either case. */
#include "config.h"

#include "daemon/report/span.h"

#include "tests/run.h"

#include <string.h>

START_TEST(none_is_equal_to_nothing)
{
    ck_assert(!span_is(SPAN_NONE, ""));
    ck_assert(!span_starts(SPAN_NONE, "a"));
    ck_assert(!span_ends(SPAN_NONE, "a"));
    ck_assert_ptr_null(span_find(SPAN_NONE, "a"));
    ck_assert_ptr_null(span_find_case(SPAN_NONE, "a"));
    ck_assert_ptr_null(span_dup(SPAN_NONE));
    ck_assert_uint_eq(span_trim(SPAN_NONE).length, 0);
}
END_TEST

START_TEST(letters_match_in_either_case)
{
    ck_assert(span_is(span_of("Status"), "sTATUS"));
    ck_assert(!span_is(span_of("Status:"), "status"));
    ck_assert(span_starts(span_of("RFC822;x"), "rfc822"));
    ck_assert(span_ends(span_of("RCPT TO"), "to"));
    ck_assert(!span_ends(span_of("o"), "to"));
    ck_assert_str_eq(span_find_case(span_of("an Unknown user"), "unknown"), "Unknown user");
    ck_assert_ptr_null(span_find_case(span_of("unknow"), "unknown"));
}
END_TEST

START_TEST(a_search_stays_within)
{
    const char *text = "abc-def";

    ck_assert_ptr_null(span_find(span_to(span_of(text), text + 4), "def"));
    ck_assert_ptr_null(span_find_case(span_to(span_of(text), text + 6), "def"));
}
END_TEST

START_TEST(lines_end_in_any_way)
{
    struct span rest = span_of("one\ntwo\r\nthree\r\r\n\nfive"), line;
    static const char *const lines[] = {"one", "two", "three", "", "five"};
    size_t i;

    for (i = 0; i < 5; i++) {
        ck_assert(span_line(&rest, &line));
        ck_assert(line.length == strlen(lines[i]) && !memcmp(line.start, lines[i], line.length));
    }
    ck_assert(!span_line(&rest, &line));
}
END_TEST

START_TEST(a_nul_is_in_no_set)
{
    ck_assert(span_char('4', "245"));
    ck_assert(!span_char('3', "245"));
    ck_assert(!span_char('\0', "245"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("span");
    TCase *tcase = tcase_create("span");

    tcase_add_test(tcase, none_is_equal_to_nothing);
    tcase_add_test(tcase, letters_match_in_either_case);
    tcase_add_test(tcase, a_search_stays_within);
    tcase_add_test(tcase, lines_end_in_any_way);
    tcase_add_test(tcase, a_nul_is_in_no_set);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
