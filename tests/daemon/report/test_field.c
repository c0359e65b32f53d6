/* Header fields: folds, oddities, decoding, dates, parameters. */
#include "config.h"

#include "daemon/report/field.h"

#include "daemon/report/message.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>

START_TEST(a_header_is_read_up_to_its_body)
{
    struct span rest = span_of("From joe Mon Nov  2 10:00:00 2026\nTo: a@example.com\nSubject: one\n two\n"
                               "X-Empty:\n\nbody: no field\n");
    struct header *header = calloc(1, sizeof(*header));

    header_read(&rest, HEADER_BYTES_MAX, header);
    ck_assert_uint_eq(header->count, 3);
    ck_assert(span_is(header_get(header, "to"), "a@example.com"));
    ck_assert(span_is(header_get(header, "Subject"), "one\n two"));
    ck_assert_ptr_nonnull(header_get(header, "X-Empty").start);
    ck_assert_ptr_null(header_get(header, "X-Absent").start);
    ck_assert(span_starts(rest, "body:"));
    free(header);
}
END_TEST

START_TEST(a_line_that_is_no_field_begins_the_body)
{
    struct span rest = span_of("To: a@example.com\nthis is text\n\nmore\n");
    struct header *header = calloc(1, sizeof(*header));

    header_read(&rest, HEADER_BYTES_MAX, header);
    ck_assert_uint_eq(header->count, 1);
    ck_assert(span_starts(rest, "this is text"));
    free(header);
}
END_TEST

START_TEST(a_huge_header_is_bounded)
{
    size_t i, size = 16 * 100000;
    char *text = malloc(size + 1), *at = text;
    struct header *header = calloc(1, sizeof(*header));
    struct span rest;

    for (i = 0; i < 100000; i++)
        at += sprintf(at, "X-%06zu: value\n", i);
    rest = (struct span){text, (size_t)(at - text)};
    header_read(&rest, HEADER_BYTES_MAX, header);
    ck_assert_uint_eq(header->count, HEADER_FIELDS_MAX);
    ck_assert_uint_eq(rest.length, 0);
    free(header);
    free(text);
}
END_TEST

#define RAW(text) text, sizeof(text) - 1

START_TEST(a_long_value_is_cut_behind_an_address)
{
    struct header *header = malloc(sizeof(*header));
    char *text = malloc(2 * HEADER_VALUE_MAX), *at = text + sprintf(text, "To: ");
    struct span rest, to;

    while (at - text < HEADER_VALUE_MAX + 1000)
        at += sprintf(at, "ann@example.com,");
    at += sprintf(at, "\n");
    rest = (struct span){text, (size_t)(at - text)};
    header_read(&rest, HEADER_BYTES_MAX, header);
    to = header_get(header, "To");
    ck_assert_uint_le(to.length, HEADER_VALUE_MAX);
    ck_assert_uint_gt(to.length, HEADER_VALUE_MAX - 20);
    ck_assert(span_ends(to, "ann@example.com,"));
    free(text);
    free(header);
}
END_TEST

START_TEST(a_header_without_an_end_leaves_nothing)
{
    struct header *header = malloc(sizeof(*header));
    struct span rest = span_of("A: 1\nB: 2\nC: 3\n\nbody\n");

    header_read(&rest, 9, header);
    ck_assert_uint_eq(header->count, 1); /* of B there may be more */
    ck_assert_uint_eq(rest.length, 0);
    free(header);
}
END_TEST

static const struct {
    const char *raw;
    size_t length;
    size_t max;
    const char *text;
} values[] = {
    {RAW("plain"), 100, "plain"},
    {RAW("  one\r\n\ttwo\n   three "), 100, "one two three"},
    {RAW("a\tb\x01" "c\x7f" "d"), 100, "a b c d"},
    {RAW("a\0b"), 100, "a b"},
    {RAW("=?utf-8?Q?gr=C3=BC=C3=9Fe?= dich"), 100, "gr\xc3\xbc\xc3\x9f" "e dich"},
    {RAW("=?utf-8?Q?one=0D=0Atwo?="), 100, "one  two"},
    {RAW("abc\xff"), 100, "abc\xef\xbf\xbd"},
    {RAW("ab\xc3\xbc"), 3, "ab"},
    {RAW("\x1b$B%(%i!<\x1b(B 550"), 100, "\xe3\x82\xa8\xe3\x83\xa9\xe3\x83\xbc 550"},
    {RAW("\x1b$B\xff\x1b(B 550"), 100, "$B\xef\xbf\xbd (B 550"},
    {RAW("abcdef"), 3, "abc"},
    {RAW("  \r\n  "), 100, NULL},
};

START_TEST(text_is_fit_to_be_shown)
{
    char *text = field_text((struct span){values[_i].raw, values[_i].length}, values[_i].max);

    if (values[_i].text)
        ck_assert_str_eq(text, values[_i].text);
    else
        ck_assert_ptr_null(text);
    free(text);
}
END_TEST

START_TEST(dates_are_seconds)
{
    ck_assert_int_eq(field_date(span_of("Thu, 1 Jan 1970 01:00:10 +0100")), 10);
    ck_assert_int_eq(field_date(span_of("1 Jan 1970 00:00:10 GMT (that is UTC)")), 10);
    ck_assert_int_eq(field_date(span_of("yesterday")), 0);
    ck_assert_int_eq(field_date(SPAN_NONE), 0);
    ck_assert_int_eq(field_date(span_of("Thu, 1 Jan 1900 00:00:00 +0000")), 0);
}
END_TEST

static const struct {
    const char *value, *name, *expected;
} parameters[] = {
    {"text/plain; charset=utf-8", "charset", "utf-8"},
    {"multipart/report; report-type=delivery-status;\n\tboundary=\"a b\\\"c\"", "boundary", "a b\"c"},
    {"multipart/report; BOUNDARY = x ; report-type=\"feedback-report\"", "report-type", "feedback-report"},
    {"multipart/report; boundary=\"x;report-type=y\"", "report-type", NULL},
    {"text/plain; charset", "charset", NULL},
    {"text/plain", "charset", NULL},
    {"x; a=\"never closed", "a", "never closed"},
    {"x;; ; a=b", "a", "b"},
    {"x; flag; a=b", "a", "b"},
    {"x; flag; a=b", "flag", NULL},
};

START_TEST(parameters_are_found)
{
    char value[40];

    if (!parameters[_i].expected)
        ck_assert(!field_parameter(span_of(parameters[_i].value), parameters[_i].name, value, sizeof(value)));
    else {
        ck_assert(field_parameter(span_of(parameters[_i].value), parameters[_i].name, value, sizeof(value)));
        ck_assert_str_eq(value, parameters[_i].expected);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("field");
    TCase *tcase = tcase_create("field");

    tcase_add_test(tcase, a_header_is_read_up_to_its_body);
    tcase_add_test(tcase, a_line_that_is_no_field_begins_the_body);
    tcase_add_test(tcase, a_huge_header_is_bounded);
    tcase_add_test(tcase, a_long_value_is_cut_behind_an_address);
    tcase_add_test(tcase, a_header_without_an_end_leaves_nothing);
    tcase_add_loop_test(tcase, text_is_fit_to_be_shown, 0, (int)(sizeof(values) / sizeof(values[0])));
    tcase_add_test(tcase, dates_are_seconds);
    tcase_add_loop_test(tcase, parameters_are_found, 0, (int)(sizeof(parameters) / sizeof(parameters[0])));
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
