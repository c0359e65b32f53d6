/* Typed addresses, statuses and host names of delivery reports. */
#include "config.h"

#include "daemon/report/dsn_value.h"

#include "daemon/report/message.h"
#include "tests/run.h"

#include <string.h>

static const struct {
    const char *value;
    int xtext;
    const char *address;
} addresses[] = {
    {"rfc822; a@example.com", 0, "a@example.com"},
    {"RFC822;<a@example.com>", 0, "a@example.com"},
    {"a@example.com", 0, "a@example.com"},
    {"rfc822; a@example.com>", 0, "a@example.com"},
    {"rfc822; Ann Doe <a@example.com>", 0, "a@example.com"},
    {"rfc822; \"Doe, Ann\" <a@example.com>", 0, "a@example.com"},
    {"rfc822; a@example.com (Ann)", 0, "a@example.com"},
    {"rfc822; \"a b>c\"@example.com", 0, "\"a b>c\"@example.com"},
    {"rfc822; \"a;b\"@example.com", 0, "\"a;b\"@example.com"},
    {"\"a;b\"@example.com", 0, "\"a;b\"@example.com"},
    {"rfc822; a+2Bb@example.com", 0, "a+2Bb@example.com"},
    {"rfc822; a+2Bb@example.com", 1, "a+b@example.com"},
    {"rfc822; a+2bb@example.com", 1, "a+2bb@example.com"},
    {"rfc822; a+tag@example.com", 1, "a+tag@example.com"},
    {"rfc822; a+", 1, NULL},
    {"utf-8; \\x{6A}oe@example.com", 0, "joe@example.com"},
    {"utf-8; \\x{zz}@example.com", 0, "\\x{zz}@example.com"},
    {"utf-8; \\x{@example.com", 0, "\\x{@example.com"},
    {"x400; /c=xx/s=doe", 0, NULL},
    {"rfc822; @example.com", 0, NULL},
    {"rfc822; ann@", 0, NULL},
    {"rfc822;", 0, NULL},
    {"", 0, NULL},
};

START_TEST(addresses_are_taken_out)
{
    char *address = dsn_address(span_of(addresses[_i].value), addresses[_i].xtext);

    if (addresses[_i].address) {
        ck_assert_msg(address != NULL, "%s", addresses[_i].value);
        ck_assert_str_eq(address, addresses[_i].address);
    } else
        ck_assert_ptr_null(address);
    free(address);
}
END_TEST

static const struct {
    const char *text, *start, *within, *behind_code; /* NULL: none */
} statuses[] = {
    {"5.1.1", "5.1.1", "5.1.1", NULL},
    {" 4.2.2 (full)", "4.2.2", "4.2.2", NULL},
    {"2.0.0 ok", "2.0.0", NULL, NULL},
    {"550 5.7.1 blocked", NULL, "5.7.1", "5.7.1"},
    {"550-'5.7.1 blocked", NULL, "5.7.1", "5.7.1"},
    {"550 #5.1.0 rejected", NULL, "5.1.0", NULL},
    {"no mailbox (#5.1.1)", NULL, "5.1.1", NULL},
    {"from 5.1.1.9 refused", NULL, NULL, NULL},
    {"version 15.1.1", NULL, NULL, NULL},
    {"5.1", NULL, NULL, NULL},
    {"5.1.", NULL, NULL, NULL},
    {"5.1.1234", NULL, NULL, NULL},
    {"5.7.509: refused", "5.7.509", "5.7.509", NULL},
    {"3.1.1", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
};

START_TEST(statuses_are_found)
{
    char *start = dsn_status(span_of(statuses[_i].text)), found[12];

    ck_assert_int_eq(start != NULL, statuses[_i].start != NULL);
    if (start)
        ck_assert_str_eq(start, statuses[_i].start);
    free(start);
    ck_assert_int_eq(dsn_status_within(statuses[_i].text, found), statuses[_i].within != NULL);
    if (statuses[_i].within)
        ck_assert_str_eq(found, statuses[_i].within);
    ck_assert_int_eq(dsn_status_behind_code(statuses[_i].text, found), statuses[_i].behind_code != NULL);
    if (statuses[_i].behind_code)
        ck_assert_str_eq(found, statuses[_i].behind_code);
}
END_TEST

START_TEST(a_nul_byte_is_no_class)
{
    ck_assert_ptr_null(dsn_status((struct span){"\0.1.1", 5}));
}
END_TEST

static const struct {
    const char *value, *host;
} hosts[] = {
    {"dns; mx.example.com", "mx.example.com"},
    {"DNS;mx.example.com.", "mx.example.com"},
    {"mx.example.com (192.0.2.1)", "mx.example.com"},
    {"dns; [192.0.2.1]", "[192.0.2.1]"},
    {"dns; ", NULL},
    {"", NULL},
};

START_TEST(hosts_are_bare)
{
    char *host = dsn_host(span_of(hosts[_i].value));

    ck_assert_int_eq(host != NULL, hosts[_i].host != NULL);
    if (host)
        ck_assert_str_eq(host, hosts[_i].host);
    free(host);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dsn_value");
    TCase *tcase = tcase_create("dsn_value");

    tcase_add_loop_test(tcase, addresses_are_taken_out, 0, (int)(sizeof(addresses) / sizeof(addresses[0])));
    tcase_add_loop_test(tcase, statuses_are_found, 0, (int)(sizeof(statuses) / sizeof(statuses[0])));
    tcase_add_test(tcase, a_nul_byte_is_no_class);
    tcase_add_loop_test(tcase, hosts_are_bare, 0, (int)(sizeof(hosts) / sizeof(hosts[0])));
    suite_add_tcase(suite, tcase);
    message_init();
    return run_suite(suite);
}
