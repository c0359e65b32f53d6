/* Lines out of a stream. */
#include "config.h"

#include "daemon/report/lines.h"

#include "daemon/report/maillog.h"
#include "tests/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG (3 * MAILLOG_LINE_MAX + 17)

static void drain(struct lines *lines, char *out)
{
    struct span line;

    while (lines_next(lines, &line)) {
        size_t shown = line.length > 20 ? 20 : line.length;

        sprintf(out + strlen(out), "%.*s/%zu ", (int)shown, line.start, line.length);
    }
}

/* Feeds text in pieces; what came out of it as "line/length line/length". */
static void feed(struct lines *lines, const char *text, size_t length, size_t piece, char *out)
{
    while (length) {
        size_t room, part;
        char *space = lines_space(lines, &room);

        part = piece < room ? piece : room;
        part = part < length ? part : length;
        ck_assert_uint_gt(part, 0);
        memcpy(space, text, part);
        lines_added(lines, part);
        text += part;
        length -= part;
        drain(lines, out);
    }
}

START_TEST(pieces_of_any_size_give_the_same_lines)
{
    static const size_t pieces[] = {1, 2, 3, 5, 100};
    static const char text[] = "one\n\nthree\nrest";
    struct lines *lines = lines_new();
    char out[200] = "";
    struct span line;

    feed(lines, text, sizeof(text) - 1, pieces[_i], out);
    ck_assert_str_eq(out, "one/3 /0 three/5 ");
    ck_assert_uint_eq(lines_taken(lines), 11);
    ck_assert_int_eq(lines_last(lines, &line), 1);
    ck_assert(span_is(line, "rest"));
    ck_assert_int_eq(lines_last(lines, &line), 0);
    ck_assert_uint_eq(lines_taken(lines), 15);
    lines_free(&lines);
}
END_TEST

START_TEST(an_overlong_line_is_cut_and_its_rest_skipped)
{
    static const size_t pieces[] = {1000, 70000, 10 * LONG};
    char *text = malloc(LONG + 10), out[200] = "", expected[100];
    struct lines *lines = lines_new();

    memset(text, 'x', LONG);
    memcpy(text + LONG, "\nnext\n", 6);
    feed(lines, text, LONG + 6, pieces[_i], out);
    snprintf(expected, sizeof(expected), "xxxxxxxxxxxxxxxxxxxx/%d next/4 ",
             _i == 2 ? LONG : MAILLOG_LINE_MAX + 1); /* all at once: as it is */
    ck_assert_str_eq(out, expected);
    ck_assert_uint_eq(lines_taken(lines), LONG + 6);
    lines_free(&lines);
    free(text);
}
END_TEST

START_TEST(a_stream_may_begin_in_the_middle_of_a_line)
{
    struct lines *lines = lines_new();
    char out[200] = "";

    lines_reset(lines, 1);
    feed(lines, "tail\nnext\n", 10, 3, out);
    ck_assert_str_eq(out, "next/4 ");
    lines_free(&lines);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_loop_test(tcase, pieces_of_any_size_give_the_same_lines, 0, 5);
    tcase_add_loop_test(tcase, an_overlong_line_is_cut_and_its_rest_skipped, 0, 3);
    tcase_add_test(tcase, a_stream_may_begin_in_the_middle_of_a_line);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
