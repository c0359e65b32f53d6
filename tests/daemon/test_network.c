/* daemon/network: which networks are understood, and what lies in them. */
#include "config.h"

#include "daemon/network.h"

#include "tests/run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const struct {
    const char *text, *formatted; /* NULL: refused */
} parsed[] = {
    {"127.0.0.0/8", "127.0.0.0/8"},
    {"192.0.2.1", "192.0.2.1/32"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"::1/128", "::1/128"},
    {"[::1]/128", "::1/128"},
    {"[2001:db8::]/32", "2001:db8::/32"},
    {"2001:db8::1", "2001:db8::1/128"},
    {"192.0.2.1/24", NULL},  /* host bits */
    {"192.0.2.0/33", NULL},
    {"192.0.2.0/", NULL},
    {"192.0.2.0/8x", NULL},
    {"192.0.2.0/-1", NULL},
    {"192.0.2", NULL},
    {"example.com", NULL},
    {"", NULL},
    {"[::1", NULL},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
};

START_TEST(reads_networks)
{
    struct network network;
    struct error error;
    char text[64];
    int result = network_parse(parsed[_i].text, &network, &error);

    ck_assert_msg((result == 0) == (parsed[_i].formatted != NULL), "%s", parsed[_i].text);
    if (result) {
        ck_assert_int_eq(error.code, ERROR_INPUT);
        return;
    }
    network_format(&network, text, sizeof(text));
    ck_assert_str_eq(text, parsed[_i].formatted);
}
END_TEST

static const struct {
    const char *network, *address;
    int inside;
} members[] = {
    {"127.0.0.0/8", "127.255.0.1", 1},
    {"127.0.0.0/8", "128.0.0.1", 0},
    {"192.0.2.128/25", "192.0.2.129", 1},
    {"192.0.2.128/25", "192.0.2.127", 0},
    {"192.0.2.7", "192.0.2.7", 1},
    {"192.0.2.7", "192.0.2.6", 0},
    {"0.0.0.0/0", "203.0.113.9", 1},
    {"0.0.0.0/0", "2001:db8::1", 0},
    {"2001:db8::/33", "2001:db8:7fff::1", 1},
    {"2001:db8::/33", "2001:db8:8000::1", 0},
    {"::1", "::1", 1},
    {"127.0.0.0/8", "::ffff:127.0.0.1", 1}, /* the same host by another road */
};

static int contains(const struct network *network, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return network_contains(network, 1, (struct sockaddr *)&v4);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return network_contains(network, 1, (struct sockaddr *)&v6);
}

START_TEST(knows_members)
{
    struct network network;
    struct error error;

    ck_assert_int_eq(network_parse(members[_i].network, &network, &error), 0);
    ck_assert_msg(contains(&network, members[_i].address) == members[_i].inside, "%s in %s",
                  members[_i].address, members[_i].network);
}
END_TEST

START_TEST(unknown_families_lie_nowhere)
{
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct network network;
    struct error error;

    ck_assert_int_eq(network_parse("0.0.0.0/0", &network, &error), 0);
    ck_assert_int_eq(network_contains(&network, 1, NULL), 0);
    ck_assert_int_eq(network_contains(&network, 1, &other), 0);
    ck_assert_int_eq(network_contains(NULL, 0, &other), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/network");
    TCase *tc = tcase_create("network");

    tcase_add_loop_test(tc, reads_networks, 0, sizeof(parsed) / sizeof(parsed[0]));
    tcase_add_loop_test(tc, knows_members, 0, sizeof(members) / sizeof(members[0]));
    tcase_add_test(tc, unknown_families_lie_nowhere);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
