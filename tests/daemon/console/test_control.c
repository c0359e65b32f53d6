/* daemon/console/control: requests and answers over a real socket, the loop and
 * the writer's thread included; hostile clients harm only themselves. */
#include "config.h"

#include "daemon/console/control.h"

#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/writer.h"
#include "daemon/report/message.h"
#include "tests/daemon/client.h"
#include "tests/daemon/database.h"

#include <event2/thread.h>
#include <sys/stat.h>

#define DSN "Return-Path: <>\nReceived: by mail.example.org (Postfix) id Q9; Mon\n"                      \
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"             \
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n"    \
            "X-Postfix-Queue-ID: Q1\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\n"     \
            "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--b--\n"
#define BROKEN "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"          \
               "--b\nContent-Type: message/delivery-status\n\nnothing of use\n--b--\n"

static struct ruleset *rules;
static struct writer *writer;
static struct control *control;
static struct counters counters;
static struct error error;

static void facts(struct control_facts *facts_r, void *context)
{
    (void)context;
    *facts_r = (struct control_facts){.version = "9", .config = "c", .rules_version = "abc",
                                      .gate_mode = "shadow", .reload_error = "", .rules = 7,
                                      .own_host = "mail.example.org", .limits = {100000, MESSAGE_LIMITS_USUAL, NULL}};
}

static void setup(void)
{
    struct ledger_options ledger_options = {.counters = &counters, .ruleset = rules};
    struct writer_options options = {.queue_max = 100, .batch_max = 100, .counters = &counters};
    struct writer_limits limits = {.aside_bytes_max = 1000000, .reading = MESSAGE_LIMITS_USUAL};
    struct control_rooms rooms = {.counters = &counters, .connections_max = 64, .line_max = 65536};
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

/* Runs the loop until a whole line, or the end, has come. */
static const char *answer_of(int fd)
{
    static char text[8192];
    size_t length = 0;
    ssize_t n;

    for (int i = 0; i < 10000; i++) {
        turn();
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
    {"{\"command\":\"aside-retry\",\"ids\":[1,2]}\n", "{\"ok\":true,\"changed\":false}"},
    {"{\"command\":\"aside-drop\",\"ids\":[\"x\"]}\n", "{\"ok\":true,\"changed\":false}"},
    {"{\"command\":\"aside-drop\",\"ids\":[]}\n", "name 1 to 20 messages"},
    {"{\"command\":\"aside-drop\"}\n", "name 1 to 20 messages"},
    {"{\"command\":\"aside-drop\",\"ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}\n", "name 1 to 20"},
    {"{\"command\":\"incident\",\"incident\":1,\"rollback\":true}\n", "{\"ok\":true,\"count\":0}"},
    {"{\"command\":\"incident\"}\n", "{\"ok\":true,\"count\":0}"},
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
    for (size_t sent = 0; sent <= 2 * CONTROL_LINE_MAX; sent += sizeof(filler))
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

static const char *ingest(int fd, int id, int own, const char *message)
{
    char request[2000];

    snprintf(request, sizeof(request), "{\"command\":\"ingest\",\"id\":%d,\"size\":%zu,\"own\":%s}\n%s", id,
             strlen(message), own ? "true" : "false", message);
    return ask(fd, request);
}

START_TEST(a_message_is_answered_with_what_became_of_it)
{
    int fd = connect_client();

    ck_assert_str_eq(ingest(fd, 1, 0, DSN), "{\"ok\":true,\"id\":1,\"result\":\"understood\"}");
    ck_assert_str_eq(database_text("SELECT source || ' ' || evidence FROM event"), "ingest unproven");
    ck_assert_str_eq(ingest(fd, 2, 0, DSN), "{\"ok\":true,\"id\":2,\"result\":\"repeated\"}");
    ck_assert_str_eq(ingest(fd, 3, 1, DSN), "{\"ok\":true,\"id\":3,\"result\":\"understood\"}");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
    ck_assert_str_eq(ingest(fd, 4, 1, BROKEN), "{\"ok\":true,\"id\":4,\"result\":\"aside\"}");
    ck_assert_str_eq(ingest(fd, 5, 1, "Subject: x\n\nx\n"), "{\"ok\":true,\"id\":5,\"result\":\"ordinary\"}");
    ck_assert_ptr_nonnull(strstr(ask(fd, "{\"command\":\"status\"}\n"), "\"rules\":7"));
    close(fd);
}
END_TEST

/* More than may be under way, without reading an answer, and all of it in one
 * go with a change and a request behind. */
START_TEST(messages_may_be_sent_ahead)
{
    const char *change = "{\"command\":\"release\",\"recipient\":\"z@x.example\"}\n";
    int fd = connect_client(), understood = 0;
    char request[2000];

    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    for (int i = 0; i < 3 * CONTROL_IN_FLIGHT_MAX; i++) {
        int length = snprintf(request, sizeof(request), "{\"command\":\"ingest\",\"id\":%d,\"size\":%zu}\n%s", i, strlen(DSN), DSN);

        ck_assert_int_eq(write(fd, request, (size_t)length), length);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    ck_assert_int_gt(write(fd, change, strlen(change)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 3 * CONTROL_IN_FLIGHT_MAX; i++) {
        const char *answer = answer_of(fd);

        understood += strstr(answer, "understood") != NULL;
        ck_assert_msg(strstr(answer, "\"ok\":true,\"id\":") != NULL, "%s", answer);
    }
    ck_assert_int_eq(understood, 1);
    ck_assert_str_eq(answer_of(fd), "{\"ok\":true,\"changed\":false}");
    ck_assert_int_eq(database_number("SELECT witnesses FROM event"), 3 * CONTROL_IN_FLIGHT_MAX);
    close(fd);
}
END_TEST

START_TEST(a_client_that_leaves_within_a_message_harms_nobody)
{
    int fd = connect_client(), other = connect_client();
    const char *request = "{\"command\":\"ingest\",\"id\":1,\"size\":100000}\nSubject: x\n";

    ck_assert_int_gt(write(fd, request, strlen(request)), 0);
    ck_assert_str_eq(ingest(other, 1, 0, "Subject: x\n\nx\n"), "{\"ok\":true,\"id\":1,\"result\":\"ordinary\"}");
    close(fd);
    ck_assert_str_eq(ingest(other, 2, 0, DSN), "{\"ok\":true,\"id\":2,\"result\":\"understood\"}");
    close(other);
}
END_TEST

/* A block of log lines, of this many bytes by its request. */
static const char *ingest_log(int fd, size_t size, const char *lines)
{
    char request[2000];

    snprintf(request, sizeof(request), "{\"command\":\"ingest-log\",\"size\":%zu,\"host\":\"\",\"now\":1795000000,"
             "\"since\":0,\"offset\":%zu,\"head_length\":10,\"head_hash\":-5}\n%s", size, size, lines);
    return ask(fd, request);
}

#define FAILED(to) "Nov  3 07:05:09 mx1 postfix/smtp[7]: 4Xyz00: to=<" to ">, relay=mx.example.net[192.0.2.7]:25, delay=1, " \
                   "dsn=5.1.1, status=bounced (host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown)\n"

START_TEST(log_lines_are_answered_with_what_is_new)
{
    int fd = connect_client();
    const char *two = FAILED("a@example.net") FAILED("b@example.net"), *one = FAILED("b@example.net");

    ck_assert_str_eq(ingest_log(fd, strlen(two), two), "{\"ok\":true,\"events\":2}");
    ck_assert_str_eq(ingest_log(fd, strlen(one), one), "{\"ok\":true,\"events\":0}");
    ck_assert_str_eq(ingest_log(fd, 0, ""), "{\"ok\":true,\"events\":0}");
    ck_assert_str_eq(ask(fd, "{\"command\":\"release\",\"recipient\":\"b@example.net\"}\n"), "{\"ok\":true,\"changed\":true}");
    ck_assert_int_eq(database_number("SELECT upto FROM log_read WHERE head_hash = -5 AND head_length = 10"),
                     (long)strlen(two));
    ck_assert_int_eq(database_number("SELECT count(*) FROM follow"), 0);
    close(fd);
}
END_TEST

START_TEST(log_lines_without_a_size_end_the_connection)
{
    static const char *const odd[] = {"1048577", "-1", "\"x\"", "null"};
    int fd = connect_client();
    char request[100];

    snprintf(request, sizeof(request), "{\"command\":\"ingest-log\",\"size\":%s}\n{\"command\":\"status\"}\n", odd[_i]);
    ck_assert_str_eq(ask(fd, request), "{\"ok\":false,\"error\":\"the lines have no size, or are too many\"}");
    ck_assert_str_eq(answer_of(fd), "end");
    close(fd);
}
END_TEST

START_TEST(a_client_that_leaves_within_log_lines_harms_nobody)
{
    int fd = connect_client(), other = connect_client();
    const char *one = FAILED("a@example.net"), *request = "{\"command\":\"ingest-log\",\"size\":1000}\nNov  3";

    ck_assert_int_gt(write(fd, request, strlen(request)), 0);
    ck_assert_str_eq(ingest_log(other, strlen(one), one), "{\"ok\":true,\"events\":1}");
    close(fd);
    ck_assert_str_eq(ingest_log(other, strlen(one), one), "{\"ok\":true,\"events\":0}");
    close(other);
}
END_TEST

static const char *const sizes[] = {"0", "-1", "268435457", "\"x\"", "null"};

START_TEST(a_size_that_is_none_ends_the_connection)
{
    int fd = connect_client();
    char request[100];

    snprintf(request, sizeof(request), "{\"command\":\"ingest\",\"id\":1,\"size\":%s}\n{\"command\":\"status\"}\n", sizes[_i]);
    ck_assert_str_eq(ask(fd, request), "{\"ok\":false,\"error\":\"the message has no size, or is too large\"}");
    ck_assert_str_eq(answer_of(fd), "end");
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/console/control");
    TCase *tc = tcase_create("control");
    int failed;

    message_init();
    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_request_has_its_answer, 0, sizeof(requests) / sizeof(requests[0]));
    tcase_add_test(tc, a_change_is_on_disk_when_it_is_answered);
    tcase_add_test(tc, requests_in_one_packet_are_answered_in_order);
    tcase_add_test(tc, a_client_that_leaves_early_harms_nobody);
    tcase_add_test(tc, an_endless_line_ends_the_connection);
    tcase_add_test(tc, only_owner_and_group_may_connect);
    tcase_add_test(tc, a_second_daemon_does_not_take_the_socket_away);
    tcase_add_test(tc, a_message_is_answered_with_what_became_of_it);
    tcase_add_test(tc, messages_may_be_sent_ahead);
    tcase_add_test(tc, a_client_that_leaves_within_a_message_harms_nobody);
    tcase_add_loop_test(tc, a_size_that_is_none_ends_the_connection, 0, sizeof(sizes) / sizeof(sizes[0]));
    tcase_add_test(tc, log_lines_are_answered_with_what_is_new);
    tcase_add_loop_test(tc, log_lines_without_a_size_end_the_connection, 0, 4);
    tcase_add_test(tc, a_client_that_leaves_within_log_lines_harms_nobody);
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
