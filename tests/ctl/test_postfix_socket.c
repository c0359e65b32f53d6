/* ctl/postfix_socket: the same socket, named from both sides. */
#include "config.h"

#include "ctl/postfix_socket.h"

#include "tests/run.h"

#include <string.h>

static const struct {
    const char *spec, *listens, *reached; /* NULL: refused */
} places[] = {
    {"unix:/nowhere/queue/suppressd/m", "unix:/nowhere/queue/suppressd/m", "unix:suppressd/m"},
    {"local:/nowhere/queue/m", "unix:/nowhere/queue/m", "unix:m"},
    {"/nowhere/queue//m", "unix:/nowhere/queue//m", "unix:m"},
    {"unix:/run/suppressd/m", "unix:/run/suppressd/m", "unix:/run/suppressd/m"},
    {"unix:/nowhere/queue-out/m", "unix:/nowhere/queue-out/m", "unix:/nowhere/queue-out/m"},
    {"inet:8890@127.0.0.1", "inet:8890@127.0.0.1", "inet:127.0.0.1:8890"},
    {"inet:127.0.0.1:8890", "inet:8890@127.0.0.1", "inet:127.0.0.1:8890"},
    {"inet:8890@0.0.0.0", "inet:8890@0.0.0.0", "inet:127.0.0.1:8890"},
    {"inet6:8890@::1", "inet6:8890@::1", "inet:[::1]:8890"},
    {"inet:[::1]:8890", "inet6:8890@::1", "inet:[::1]:8890"},
    {"", NULL, NULL},
    {"milter.sock", NULL, NULL},
    {"unix:", NULL, NULL},
    {"unix:relative", NULL, NULL},
    {"unix:/with space", NULL, NULL},
    {"unix:/a}b", NULL, NULL},
    {"inet:", NULL, NULL},
    {"inet:8890", NULL, NULL},
    {"inet:8890@", NULL, NULL},
    {"inet:@localhost", NULL, NULL},
    {"inet:65536@localhost", NULL, NULL},
    {"inet:0@localhost", NULL, NULL},
    {"inet:+1@localhost", NULL, NULL},
    {"inet:1x@localhost", NULL, NULL},
    {"inet:1@local host", NULL, NULL},
    {"tcp:1@localhost", NULL, NULL},
};

START_TEST(reads)
{
    struct milter_place place;
    struct error error;
    int result = milter_place_read(places[_i].spec, "/nowhere/queue", &place, &error);

    ck_assert_int_eq(result, places[_i].listens ? 0 : -1);
    if (result) {
        ck_assert_int_eq(error.code, ERROR_INPUT);
    } else {
        ck_assert_str_eq(place.listens, places[_i].listens);
        ck_assert_str_eq(place.reached, places[_i].reached);
        milter_place_clear(&place);
    }
}
END_TEST

START_TEST(too_long_for_a_socket)
{
    char spec[200] = "unix:/nowhere/queue/";
    struct milter_place place;
    struct error error;

    memset(spec + strlen(spec), 'x', 120);
    ck_assert_int_eq(milter_place_read(spec, "/nowhere/queue", &place, &error), -1);
}
END_TEST

START_TEST(listed_in_every_spelling)
{
    struct milter_place place;
    struct error error;
    struct span item;

    ck_assert_int_eq(milter_place_read("unix:/nowhere/queue/s/m", "/nowhere/queue", &place, &error),
                     0);
    ck_assert(milter_place_listed(&place, "unix:s/m", &item));
    ck_assert(milter_place_listed(&place, "inet:h:1, { unix:/s/m, default_action=accept }", &item));
    ck_assert(milter_place_listed(&place, "unix:/nowhere/queue/s/m", &item));
    ck_assert(!milter_place_listed(&place, "unix:s/m2, inet:s/m", &item));
    milter_place_clear(&place);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl/postfix_socket");
    TCase *tc = tcase_create("postfix_socket");

    tcase_add_loop_test(tc, reads, 0, (int)(sizeof(places) / sizeof(*places)));
    tcase_add_test(tc, too_long_for_a_socket);
    tcase_add_test(tc, listed_in_every_spelling);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
