/* daemon/intake/stream: what names the stream. */
#include "config.h"

#include "daemon/intake/stream.h"

#include "tests/run.h"

#include <stdlib.h>

static const struct {
    const char *fields, *name;
    int place;
} places[] = {
    {"", "X-Stream", STREAM_NONE},
    {"X-Stream", "x-stream", 0},
    {"Feedback-ID, List-Id", "List-ID", 1},
    {"Feedback-ID,List-Id X-Stream", "X-Stream", 2},
    {"Feedback-ID", "Feedback", STREAM_NONE},
    {"Feedback", "Feedback-ID", STREAM_NONE},
    {"Feedback-ID", "", STREAM_NONE},
};

START_TEST(fields_have_their_places)
{
    ck_assert_int_eq(stream_field(places[_i].fields, places[_i].name), places[_i].place);
}
END_TEST

static const struct {
    const char *name, *value, *stream;
} values[] = {
    {"X-Stream", " receipts", "receipts"},
    {"X-Stream", "receipts \r\n", "receipts"},
    {"X-Stream", "a:b:c <d>", "a:b:c <d>"},
    {"X-Stream", "", ""},
    {"List-Id", "The news <news.example.org>", "news.example.org"},
    {"List-Id", " <news.example.org> ", "news.example.org"},
    {"List-Id", "news.example.org", "news.example.org"},
    {"List-Id", "half <open", "half <open"},
    {"Feedback-ID", "campaign7:customer:news:sender", "sender"},
    {"Feedback-ID", ":::sender", "sender"},
    {"feedback-id", "sender", "sender"},
    {"Feedback-ID", "a:b: ", ""},
};

START_TEST(values_tell_the_stream)
{
    char *stream = stream_of_field(values[_i].name, values[_i].value);

    ck_assert_str_eq(stream, values[_i].stream);
    free(stream);
}
END_TEST

START_TEST(long_values_are_cut)
{
    char value[1000], *stream;

    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    stream = stream_of_field("X-Stream", value);
    ck_assert_uint_eq(strlen(stream), STREAM_MAX);
    free(stream);
}
END_TEST

static const struct {
    const char *ports, *port, *daemon, *stream; /* NULL: none */
} ports[] = {
    {"", "587", "smtpd", NULL},
    {"587=receipts", "587", NULL, "receipts"},
    {"587=receipts, 25=all", "25", NULL, "all"},
    {"587=receipts", "58", NULL, NULL},
    {"587=receipts", NULL, NULL, NULL},
    {"587=receipts, MSA=news", "1", "msa", "news"},
};

START_TEST(ports_tell_the_stream)
{
    char *stream = stream_of_port(ports[_i].ports, ports[_i].port, ports[_i].daemon);

    ck_assert_int_eq(!stream, !ports[_i].stream);
    if (stream)
        ck_assert_str_eq(stream, ports[_i].stream);
    free(stream);
}
END_TEST

static const struct {
    const char *ports;
    int good;
} checks[] = {{"", 1}, {"587=a", 1}, {"587=a, msa=b", 1}, {"587", 0}, {"=a", 0}, {"587=", 0}, {"587=a b", 0}};

START_TEST(ports_are_checked)
{
    struct error error;

    ck_assert_int_eq(!stream_check_ports(checks[_i].ports, &error), checks[_i].good);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("daemon/intake/stream");
    TCase *tc = tcase_create("stream");

    tcase_add_loop_test(tc, fields_have_their_places, 0, ROWS(places));
    tcase_add_loop_test(tc, values_tell_the_stream, 0, ROWS(values));
    tcase_add_test(tc, long_values_are_cut);
    tcase_add_loop_test(tc, ports_tell_the_stream, 0, ROWS(ports));
    tcase_add_loop_test(tc, ports_are_checked, 0, ROWS(checks));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
