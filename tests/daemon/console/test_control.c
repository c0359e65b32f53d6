/* daemon/console/control: requests and answers over a real socket, the loop and
 * the writer's thread included; hostile clients harm only themselves. */
#include "config.h"

#include "daemon/console/control.h"

#include "daemon/ledger/ledger.h"
#include "daemon/ledger/writer.h"
#include "tests/daemon/database.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct event_base *base;
static struct writer *writer;
static struct control *control;
static struct counters counters;
static struct error error;
static char socket_path[128];

static void facts(struct control_facts *facts_r, void *context)
{
    (void)context;
    *facts_r = (struct control_facts){.version = "9", .config = "c", .rules_version = "abc",
                                      .gate_mode = "shadow", .reload_error = "", .rules = 7};
}

static void setup(void)
{
    struct ledger_options ledger_options = {.counters = &counters};
    struct writer_options options = {.queue_max = 100, .batch_max = 100, .counters = &counters};
    struct writer_limits limits = {0};
    struct control_rooms rooms = {.counters = &counters};
    struct ledger *ledger;

    database_make();
    snprintf(socket_path, sizeof(socket_path), "%s/control.sock", database_dir);
    ledger_options.database = database_path;
    ledger = ledger_open(&ledger_options, &error);
    ck_assert_ptr_nonnull(ledger);
    ck_assert_int_eq(evthread_use_pthreads(), 0);
    rooms.base = base = event_base_new();
    rooms.writer = writer = writer_start(ledger, &options, &limits, &error);
    control = control_open(socket_path, &rooms, facts, NULL, &error);
    ck_assert_msg(control != NULL, "%s", error.text);
}

static void teardown(void)
{
    writer_stop(&writer);
    control_close(&control);
    event_base_free(base);
    database_remove();
}

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, socket_path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Runs the loop until a whole line, or the end, has come. */
static const char *answer_of(int fd)
{
    static char text[8192];
    size_t length = 0;
    ssize_t n;

    for (int i = 0; i < 2000; i++) {
        const struct timeval pause = {.tv_usec = 5000};

        event_base_loopexit(base, &pause);
        event_base_dispatch(base);
        while ((n = read(fd, text + length, 1)) == 1)
            if (text[length++] == '\n') {
                text[length - 1] = '\0';
                return text;
            }
        if (!n)
            return "end";
    }
    return "nothing";
}

static const char *ask(int fd, const char *request)
{
    ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    return answer_of(fd);
}

static const struct {
    const char *request, *answer; /* a part of it */
} requests[] = {
    {"{\"command\":\"status\"}\n", "\"rules\":7"},
    {"{\"command\":\"suppress\",\"recipient\":\"A@x.example\"}\n", "{\"ok\":true,\"changed\":true}"},
    {"{\"command\":\"release\",\"recipient\":\"z@x.example\"}\n", "{\"ok\":true,\"changed\":false}"},
    {"{\"command\":\"suppress\",\"recipient\":\"nobody\"}\n", "\"ok\":false"},
    {"{\"command\":\"suppress\"}\n", "no recipient given"},
    {"{\"command\":\"dance\"}\n", "unknown command"},
    {"{}\n", "the request names no command"},
    {"{\"command\":7}\n", "the request names no command"},
    {"[1,2]\n", "the request names no command"},
    {"not json\n", "\"ok\":false"},
    {"\n", "\"ok\":false"},
    {"\xff\xfe\n", "\"ok\":false"},
};

START_TEST(each_request_has_its_answer)
{
    int fd = connect_client();
    const char *answer = ask(fd, requests[_i].request);

    ck_assert_msg(strstr(answer, requests[_i].answer) != NULL, "%s", answer);
    close(fd);
}
END_TEST

START_TEST(a_change_is_on_disk_when_it_is_answered)
{
    int fd = connect_client();

    ck_assert_ptr_nonnull(strstr(ask(fd, "{\"command\":\"suppress\",\"recipient\":\"A@x.example\",\"note\":\"n\"}\n"), "true"));
    ck_assert_str_eq(database_text("SELECT key || ' ' || origin || ' ' || note FROM suppression"), "a@x.example manual n");
    ck_assert_int_gt(database_number("SELECT length(who) FROM change"), 0);
    close(fd);
}
END_TEST

START_TEST(requests_in_one_packet_are_answered_in_order)
{
    int fd = connect_client();

    ck_assert_str_eq(ask(fd, "{\"command\":\"suppress\",\"recipient\":\"a@x.example\"}\n"
                             "{\"command\":\"release\",\"recipient\":\"a@x.example\"}\n"
                             "{\"command\":\"release\",\"recipient\":\"a@x.example\"}\n"),
                     "{\"ok\":true,\"changed\":true}");
    ck_assert_str_eq(answer_of(fd), "{\"ok\":true,\"changed\":true}");
    ck_assert_str_eq(answer_of(fd), "{\"ok\":true,\"changed\":false}");
    close(fd);
}
END_TEST

START_TEST(a_client_that_leaves_early_harms_nobody)
{
    int fd = connect_client(), other = connect_client();
    const char *request = "{\"command\":\"suppress\",\"recipient\":\"a@x.example\"}\n";

    ck_assert_int_gt(write(fd, request, strlen(request)), 0);
    close(fd);
    ck_assert_ptr_nonnull(strstr(ask(other, "{\"command\":\"status\"}\n"), "\"ok\":true"));
    close(other);
}
END_TEST

START_TEST(an_endless_line_ends_the_connection)
{
    int fd = connect_client();
    char filler[4096];

    memset(filler, 'x', sizeof(filler));
    for (int i = 0; i < 4; i++)
        if (write(fd, filler, sizeof(filler)) < 0)
            break;
    ck_assert_str_eq(answer_of(fd), "end");
    close(fd);
}
END_TEST

START_TEST(only_owner_and_group_may_connect)
{
    struct stat status;

    ck_assert_int_eq(stat(socket_path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0660);
}
END_TEST

START_TEST(a_second_daemon_does_not_take_the_socket_away)
{
    struct control_rooms rooms = {.base = base, .writer = writer, .counters = &counters};

    ck_assert_ptr_null(control_open(socket_path, &rooms, facts, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "another suppressd answers there"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/console/control");
    TCase *tc = tcase_create("control");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_request_has_its_answer, 0, sizeof(requests) / sizeof(requests[0]));
    tcase_add_test(tc, a_change_is_on_disk_when_it_is_answered);
    tcase_add_test(tc, requests_in_one_packet_are_answered_in_order);
    tcase_add_test(tc, a_client_that_leaves_early_harms_nobody);
    tcase_add_test(tc, an_endless_line_ends_the_connection);
    tcase_add_test(tc, only_owner_and_group_may_connect);
    tcase_add_test(tc, a_second_daemon_does_not_take_the_socket_away);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
