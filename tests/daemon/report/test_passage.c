/* Paragraphs, and where in them a failure is told. */
#include "config.h"

#include "daemon/report/passage.h"

#include "tests/run.h"

#include <string.h>

static int equal(struct span span, const char *text)
{
    return span.length == strlen(text) && !memcmp(span.start ? span.start : "", text, span.length);
}

START_TEST(a_paragraph_ends_with_an_empty_line)
{
    ck_assert(equal(passage_paragraph(span_of("one\ntwo\n\nthree\n")), "one\ntwo\n"));
    ck_assert(equal(passage_paragraph(span_of("\none\r\n \r\ntwo")), "\none\r\n"));
    ck_assert(equal(passage_paragraph(span_of("one")), "one"));
    ck_assert(equal(passage_paragraph(span_of("")), ""));
}
END_TEST

START_TEST(the_coded_line_begins_the_telling_part)
{
    ck_assert(equal(passage_coded(span_of("hello\nhost said: 550 no\nreally\n\nbye")),
                    "host said: 550 no\nreally\n"));
    ck_assert(equal(passage_coded(span_of("see page 5.1.1 there\n550 no")), "550 no"));
    ck_assert(equal(passage_coded(span_of("sorry (#5.1.1)")), "sorry (#5.1.1)"));
    ck_assert(equal(passage_coded(span_of("no code")), ""));
}
END_TEST

START_TEST(words_are_more_than_marks)
{
    ck_assert(passage_has_words(span_of("user unknown")));
    ck_assert(!passage_has_words(span_of(" - [550] no.")));
    ck_assert(!passage_has_words(SPAN_NONE));
}
END_TEST

START_TEST(marks_in_front_go)
{
    ck_assert(equal(passage_bare(span_of(">: host said \n")), "host said"));
    ck_assert(equal(passage_bare(span_of(" . - ")), ""));
    ck_assert(equal(passage_bare(span_of("> (expanded from <a@x.example>): no host")), "no host"));
    ck_assert(equal(passage_bare(span_of("\n (generated from a@x.example)\n host said")), "host said"));
    ck_assert(equal(passage_bare(span_of("(reason: 550 no)")), "(reason: 550 no)"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("passage");
    TCase *tcase = tcase_create("passage");

    tcase_add_test(tcase, a_paragraph_ends_with_an_empty_line);
    tcase_add_test(tcase, the_coded_line_begins_the_telling_part);
    tcase_add_test(tcase, words_are_more_than_marks);
    tcase_add_test(tcase, marks_in_front_go);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
