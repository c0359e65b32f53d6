/* daemon/server: what all protocols have of it, with one that repeats each line. */
#include "config.h"

#include "daemon/server.h"

#include "tests/daemon/client.h"
#include "tests/daemon/database.h"

#include <signal.h>
#include <sys/resource.h>

struct echo {
    struct peer *peer;
    int waits; /* a line that begins with "?" is answered by hand */
};

static struct server *server;
static struct counters counters;
static struct error error;
static struct server_limits limits;
static struct echo *last;
static int states;

static void *begin(struct peer *peer, void *context)
{
    ck_assert_ptr_eq(context, &states);
    states++;
    last = calloc(1, sizeof(*last));
    last->peer = peer;
    peer_say(peer, "hello\n", 6);
    return last;
}

static size_t take(void *state, const char *bytes, size_t length)
{
    const char *end = memchr(bytes, '\n', length);
    struct echo *echo = state;

    ck_assert_int_eq(echo->waits, 0);
    if (!end)
        return 0;
    if (*bytes == '.')
        peer_end(echo->peer);
    if ((echo->waits = *bytes == '?'))
        peer_wait(echo->peer);
    else
        peer_say(echo->peer, bytes, (size_t)(end - bytes) + 1);
    return (size_t)(end - bytes) + 1;
}

static void goodbye(void *state, enum goodbye why)
{
    struct echo *echo = state;

    peer_say(echo->peer, why == GOODBYE_STOP ? "stop\n" : "silent\n", why == GOODBYE_STOP ? 5 : 7);
}

static void gone(void *state)
{
    states--;
    last = last == state ? NULL : last;
    free(state);
}

static const struct protocol protocol = {
    .output_max = 10000,
    .backlog = 10,
    .busy = "busy\n",
    .connections = COUNTER_LMTP_CONNECTIONS,
    .refused = COUNTER_LMTP_CONNECTIONS_REFUSED,
    .idle = COUNTER_LMTP_IDLE,
    .begin = begin,
    .take = take,
    .goodbye = goodbye,
    .gone = gone,
};

static void setup(void)
{
    char place[140];
    const struct listen_spec spec = {"echo_socket", place, 0600, ""};
    struct server_rooms rooms = {.counters = &counters};

    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    database_make();
    snprintf(socket_path, sizeof(socket_path), "%s/echo.sock", database_dir);
    snprintf(place, sizeof(place), "unix:%s", socket_path);
    limits = (struct server_limits){.connections_max = 3, .idle_timeout = 60};
    rooms.base = base = event_base_new();
    server = server_open(&rooms, &spec, &protocol, &limits, &states, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
}

static void teardown(void)
{
    server_close(&server);
    event_base_free(base);
    ck_assert_int_eq(states, 0);
    database_remove(); /* the socket's file is gone */
}

static void answer(const char *text)
{
    last->waits = 0;
    peer_say(last->peer, text, strlen(text));
    peer_go_on(last->peer);
}

static void wait_until_asked(void)
{
    for (int i = 0; i < 1000 && !(last && last->waits); i++)
        turn();
    ck_assert_int_eq(last->waits, 1);
}

START_TEST(lines_in_pieces_and_in_a_row)
{
    int fd = connect_client();

    expect(fd, "hello\n", 1);
    give(fd, "a");
    turn();
    give(fd, "b\nc\n.d\ne\n");
    expect(fd, "ab\nc\n.d\nEND", 1);
    close(fd);
}
END_TEST

START_TEST(nothing_is_taken_while_it_waits)
{
    int fd = connect_client();

    expect(fd, "hello\n", 1);
    give(fd, "a\n?\nb\n");
    expect(fd, "a\n", 1);
    wait_until_asked();
    turn();
    answer("yes\n");
    expect(fd, "yes\nb\n", 1);
    close(fd);
}
END_TEST

/* Its last word, with a question in it, gets all answers. */
START_TEST(a_peer_that_ends_still_gets_its_answers)
{
    int fd = connect_client();

    give(fd, "a\n?\nb\nrest");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    wait_until_asked();
    answer("yes\n");
    expect(fd, "hello\na\nyes\nb\nEND", 1);
    ck_assert_int_eq(states, 0);
    close(fd);
}
END_TEST

START_TEST(a_peer_that_leaves_is_gone)
{
    int fd = connect_client();

    give(fd, "?\n");
    wait_until_asked();
    close(fd);
    answer("yes\n");
    for (int i = 0; i < 1000 && states; i++)
        turn();
    ck_assert_int_eq(states, 0);
}
END_TEST

START_TEST(too_many_are_told_so)
{
    int fds[4];

    for (int i = 0; i < 4; i++)
        fds[i] = connect_client();
    expect(fds[3], "busy\nEND", 1);
    expect(fds[2], "hello\n", 1);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LMTP_CONNECTIONS), 3);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LMTP_CONNECTIONS_REFUSED), 1);
    close(fds[3]);
    limits.connections_max = 4;
    server_set_limits(server, &limits);
    fds[3] = connect_client();
    expect(fds[3], "hello\n", 1);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}
END_TEST

START_TEST(silence_ends_it)
{
    int fd, patient;

    limits.idle_timeout = 1;
    server_set_limits(server, &limits);
    patient = connect_client();
    expect(patient, "hello\n", 1);
    peer_be_patient(last->peer);
    fd = connect_client();
    give(fd, "half a line");
    expect(fd, "hello\nsilent\nEND", 1);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LMTP_IDLE), 1);
    give(patient, "here\n");
    expect(patient, "here\n", 1);
    close(fd);
    close(patient);
}
END_TEST

START_TEST(who_does_not_listen_is_not_listened_to)
{
    static char filler[8000];
    int fd = connect_client(), other;

    memset(filler, '\n', sizeof(filler) - 1);
    stuff(fd, filler, 4u << 20);
    other = connect_client();
    give(other, "x\n");
    expect(other, "hello\nx\n", 1);
    close(fd);
    close(other);
}
END_TEST

/* Answers on their way when the server stops are given, and nothing more is taken. */
START_TEST(the_end_is_orderly)
{
    int idle = connect_client(), fd;

    expect(idle, "hello\n", 1);
    fd = connect_client();
    expect(fd, "hello\n", 1);
    give(fd, "?\nmore\n");
    wait_until_asked();
    server_stop(server);
    answer("yes\n");
    give(idle, "late\n");
    turn();
    server_close(&server);
    expect(fd, "yes\nstop\nEND", 1);
    expect(idle, "stop\nEND", 1);
    close(fd);
    close(idle);
}
END_TEST

START_TEST(a_lack_of_descriptors_passes)
{
    struct rlimit old, few;
    int fd, free_one = open("/dev/null", O_RDONLY);

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    fd = connect_client(); /* is in the backlog already */
    few = (struct rlimit){(rlim_t)free_one, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < 1000 && !counters_get(&counters, COUNTER_LMTP_CONNECTIONS_REFUSED); i++)
        turn();
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LMTP_CONNECTIONS_REFUSED), 1);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    give(fd, "x\n");
    expect(fd, "hello\nx\n", 1);
    close(fd);
    close(free_one);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server");
    TCase *tc = tcase_create("server");

    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, lines_in_pieces_and_in_a_row);
    tcase_add_test(tc, nothing_is_taken_while_it_waits);
    tcase_add_test(tc, a_peer_that_ends_still_gets_its_answers);
    tcase_add_test(tc, a_peer_that_leaves_is_gone);
    tcase_add_test(tc, too_many_are_told_so);
    tcase_add_test(tc, silence_ends_it);
    tcase_add_test(tc, who_does_not_listen_is_not_listened_to);
    tcase_add_test(tc, the_end_is_orderly);
    tcase_add_test(tc, a_lack_of_descriptors_passes);
    return run_suite(suite);
}
