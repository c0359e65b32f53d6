/* daemon/gate/gate_reply: which templates are taken, and what they become. */
#include "config.h"

#include "daemon/gate/gate_reply.h"

#include "tests/run.h"

#include <string.h>

static const struct {
    const char *template, *problem; /* NULL: taken */
} templates[] = {
    {"550 5.1.1 <%{address}> suppressed: %{reason} since %{date} (suppressd)", NULL},
    {"450 4.2.1 later", NULL},
    {"550 5.7.1 100% sure", NULL},
    {"550 4.1.1 mixed", "enhanced status 4.1.1 does not go with code 550"},
    {"250 2.0.0 fine", "the code must be 4yz or 5yz, not 250"},
    {"550 text only", "expected \"550 5.1.1 text\" (code, enhanced status, text)"},
    {"550 5.1.1", "expected \"550 5.1.1 text\" (code, enhanced status, text)"},
    {"550 5.1.1 ", "expected \"550 5.1.1 text\" (code, enhanced status, text)"},
    {"55 5.1.1 short", "expected \"550 5.1.1 text\" (code, enhanced status, text)"},
    {"550 5.1 short", "enhanced status 5.1 does not go with code 550"},
    {"550 5.1.1.1 long", "enhanced status 5.1.1.1 does not go with code 550"},
    {"550 5.1.1 two\r\nlines", "the text must be printable ASCII"},
    {"550 5.1.1 %{who}", "unknown field at '%{who}' (known: %{address}, %{reason}, %{date})"},
    {"", "expected \"550 5.1.1 text\" (code, enhanced status, text)"},
};

START_TEST(checks_templates)
{
    struct error error = {0};
    int result = gate_reply_check(templates[_i].template, &error);

    ck_assert_int_eq(result, templates[_i].problem ? -1 : 0);
    ck_assert_str_eq(error.text, templates[_i].problem ? templates[_i].problem : "");
}
END_TEST

static const struct {
    const char *template, *address, *code, *status, *text;
} formatted[] = {
    {"550 5.1.1 <%{address}> suppressed: %{reason} since %{date} (suppressd)", "a@example.com", "550",
     "5.1.1", "<a@example.com> suppressed: no-such-user since 2026-11-23 (suppressd)"},
    {"450 4.2.1 %{address}%{address}", "x@y", "450", "4.2.1", "x@yx@y"},
    {"550 5.7.1 100% of %{reason}", "x@y", "550", "5.7.1", "100% of no-such-user"},
    {"550 5.1.1 %{address}", "a\r\n250 ok\x01@\xc3\xbc", "550", "5.1.1", "a??250 ok?@??"},
    {"550 5.1.1 %{address}", "%{reason}@x", "550", "5.1.1", "%{reason}@x"}, /* not filled in twice */
};

START_TEST(fills_templates)
{
    struct gate_reply reply;

    gate_reply_format(formatted[_i].template, formatted[_i].address, "no-such-user", 1795456800, &reply);
    ck_assert_str_eq(reply.code, formatted[_i].code);
    ck_assert_str_eq(reply.status, formatted[_i].status);
    ck_assert_str_eq(reply.text, formatted[_i].text);
}
END_TEST

START_TEST(long_addresses_are_cut)
{
    struct gate_reply reply;
    char address[3000];

    memset(address, 'a', sizeof(address) - 1);
    address[sizeof(address) - 1] = '\0';
    gate_reply_format("550 5.1.1 %{address}%{address}", address, "moved", 0, &reply);
    ck_assert_uint_eq(strlen(reply.text), sizeof(reply.text) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/gate/gate_reply");
    TCase *tc = tcase_create("gate_reply");

    tcase_add_loop_test(tc, checks_templates, 0, sizeof(templates) / sizeof(templates[0]));
    tcase_add_loop_test(tc, fills_templates, 0, sizeof(formatted) / sizeof(formatted[0]));
    tcase_add_test(tc, long_addresses_are_cut);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
