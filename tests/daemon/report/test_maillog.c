/* The front of a log line, and what concerns all readers. */
#include "config.h"

#include "tests/daemon/report/maillog_render.h"
#include "tests/run.h"

#define REST "5F00AB: to=<a@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (x)"
#define READ "failed a@example.net 5.1.1 id=5F00AB: x\n"

static const struct {
    const char *name, *line, *expected;
} lines[] = {
    {"RFC 3164", "Nov  3 07:05:09 mx1 postfix/smtp[31]: " REST, READ},
    {"ISO 8601", "2026-11-03T07:05:09.000001+01:00 mx1.example.com postfix/smtp[31]: " REST "\r\n", READ},
    {"a priority", "<22>Nov  3 07:05:09 mx1 postfix/smtp[31]: " REST, READ},
    {"no pid", "Nov  3 07:05:09 mx1 postfix/smtp: " REST, READ},
    {"a byte that somebody did not print", "Nov  3 07:05:09 mx1 postfix/smtp: 5F00AB: to=<m??ller@example.net>, relay=none, delay=1, "
     "dsn=5.1.1, status=bounced (what?)", "failed m?\?ller@example.net 5.1.1 id=5F00AB doubtful: what?\n"},
    {"another program", "Nov  3 07:05:09 mx1 other[31]: " REST, "other"},
    {"no program", "Nov  3 07:05:09 mx1 " REST, "other"},
    {"no host", "Nov  3 07:05:09 postfix/smtp[31]: " REST, "other"},
    {"no time", "mx1 postfix/smtp[31]: " REST, "other"},
    {"a line in a line", "Nov  3 07:05:09 mx1 other[31]: Nov  3 07:05:09 mx1 postfix/smtp[31]: " REST, "other"},
    {"repeated", "Nov  3 07:05:09 mx1 last message repeated 3 times", "other"},
    {"empty", "", "other"},
    {"a half priority", "<22", "other"},
};

START_TEST(a_line_is_read)
{
    char text[1024];

    render_line(lines[_i].line, strlen(lines[_i].line), text, sizeof(text));
    ck_assert_msg(!strcmp(text, lines[_i].expected), "%s:\n%s", lines[_i].name, text);
}
END_TEST

START_TEST(time_host_and_program_are_found)
{
    static const char text[] = "Nov  3 07:05:09 mx1 any/thing[31]: hello world";
    struct maillog_clock clock = {.now = 1795000000};
    struct maillog_line line;

    ck_assert_int_eq(maillog_read(text, sizeof(text) - 1, &clock, &line), MAILLOG_OTHER);
    ck_assert_int_eq(line.time, 1793689509);
    ck_assert(span_is(line.host, "mx1") && span_is(line.program, "any/thing") && span_is(line.text, "hello world"));
}
END_TEST

START_TEST(bytes_that_are_no_text_become_marks)
{
    static const char text[] = "Nov  3 07:05:09 mx1 postfix/smtp[31]: 5F00AB: to=<a\0b@example.net>, relay=none, "
                               "delay=1, dsn=5.1.1, status=bounced (x\0y\x01\xff)";
    char out[1024];

    render_line(text, sizeof(text) - 1, out, sizeof(out));
    ck_assert_str_eq(out, "failed \"a?b\"@example.net 5.1.1 id=5F00AB doubtful: x?y?\xff\n");
}
END_TEST

/* Every prefix of a line is read without going beyond it; a shorter one never says more. */
START_TEST(no_prefix_harms)
{
    static const char text[] = "Nov  3 07:05:09 mx1 postfix/smtp[31]: 5F00AB: to=<\"a\\\">\"@example.net>, "
                               "orig_to=<b>, relay=none, delay=1, dsn=5.1.1, status=bounced (x)";

    for (size_t length = 0; length < sizeof(text); length++) {
        char *copy = malloc(length ? length : 1), out[1024];

        memcpy(copy, text, length);
        render_line(copy, length, out, sizeof(out));
        if (!strstr(out, "doubtful"))
            ck_assert_str_eq(out, "other");
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("maillog");
    TCase *tcase = tcase_create("lines");

    tcase_add_loop_test(tcase, a_line_is_read, 0, sizeof(lines) / sizeof(lines[0]));
    tcase_add_test(tcase, time_host_and_program_are_found);
    tcase_add_test(tcase, bytes_that_are_no_text_become_marks);
    tcase_add_test(tcase, no_prefix_harms);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
