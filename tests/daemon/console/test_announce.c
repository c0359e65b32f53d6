/* daemon/console/announce: a real program and a real web server are told. */
#include "config.h"

#include "daemon/console/announce.h"

#include "base/mem.h"
#include "tests/run.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <unistd.h>

static struct event_base *base;
static struct evhttp *server;
static struct announce *announce;
static struct counters counters;
static struct error error;
static char dir[64], program[96], output[96], address[96], posted[2048];
static int answer, requests;

static void on_request(struct evhttp_request *request, void *context)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t length = strlen(posted);

    (void)context;
    requests++;
    snprintf(posted + length, sizeof(posted) - length, "%s %.*s\n", evhttp_request_get_uri(request),
             (int)evbuffer_get_length(body), (const char *)evbuffer_pullup(body, -1));
    if (answer)
        evhttp_send_reply(request, answer, "said", NULL);
}

static void setup(void)
{
    struct evhttp_bound_socket *bound;
    struct sockaddr_in name = {0};
    socklen_t size = sizeof(name);

    strcpy(dir, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(program, sizeof(program), "%s/program", dir);
    snprintf(output, sizeof(output), "%s/output", dir);
    ck_assert_int_eq(evthread_use_pthreads(), 0);
    base = event_base_new();
    server = evhttp_new(base);
    bound = evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);
    ck_assert_ptr_nonnull(bound);
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&name, &size);
    snprintf(address, sizeof(address), "http://127.0.0.1:%d/hook?x=1", ntohs(name.sin_port));
    evhttp_set_gencb(server, on_request, NULL);
    answer = 204;
    requests = 0;
    posted[0] = '\0';
}

static void teardown(void)
{
    announce_close(&announce);
    evhttp_free(server);
    event_base_free(base);
    unlink(program);
    unlink(output);
    ck_assert_int_eq(rmdir(dir), 0);
}

static void write_program(const char *script)
{
    FILE *file = fopen(program, "w");

    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    ck_assert_int_eq(chmod(program, 0700), 0);
}

static void open_it(const char *the_program, const char *the_address, int seconds)
{
    const struct announce_options options = {
        .base = base, .counters = &counters, .program = the_program, .address = the_address, .seconds = seconds};

    announce = announce_open(&options, &error);
    ck_assert_msg(announce != NULL, "%s", error.text);
}

/* As the writer does it: from another thread. */
static void *tell_thread(void *argument)
{
    const struct incident_notice notice = {
        .id = 7, .time = 1000, .failures = 12, .concerned = 3, .what = argument, .kind = "provider-outage",
        .scope = "domain", .name = "a b;$(touch x)'\"", .who = "quiet"};

    announce_listen(&notice, announce);
    return NULL;
}

static void tell(const char *what)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, tell_thread, (void *)(uintptr_t)what), 0);
    pthread_join(thread, NULL);
}

static const char *read_output(void)
{
    static char text[4096];
    FILE *file = fopen(output, "r");

    text[0] = '\0';
    if (file) {
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
    }
    return text;
}

static int lines_of(const char *text)
{
    int lines = 0;

    while (*text)
        lines += *text++ == '\n';
    return lines;
}

static uint64_t not_told(void)
{
    return counters_get(&counters, COUNTER_ANNOUNCE_FAILED);
}

/* Runs the loop until enough says so, for half a minute at the most. */
static void run_until(int (*enough)(void))
{
    const struct timeval tick = {.tv_usec = 10000};
    struct timeval start, now;

    gettimeofday(&start, NULL);
    do {
        event_base_loopexit(base, &tick);
        event_base_dispatch(base);
        gettimeofday(&now, NULL);
        ck_assert_msg(now.tv_sec < start.tv_sec + 30, "nothing comes");
    } while (!enough());
}

static int two_lines(void)
{
    return lines_of(read_output()) == 2;
}

START_TEST(a_program_is_told_in_order_and_without_a_shell)
{
    char line[200];

    snprintf(line, sizeof(line), "echo \"$#|$1|$2|$3|$4|$5\" >>%s", output);
    write_program(line);
    open_it(program, "", 30);
    tell("open");
    tell("close");
    run_until(two_lines);
    ck_assert_str_eq(read_output(), "5|open|7|provider-outage|domain|a b;$(touch x)'\"\n"
                                    "5|close|7|provider-outage|domain|a b;$(touch x)'\"\n");
    ck_assert_uint_eq(not_told(), 0);
}
END_TEST

static int one_not_told(void)
{
    return not_told() == 1;
}

START_TEST(a_program_that_fails_or_hangs_is_counted)
{
    static const char *const scripts[] = {"exit 3", "sleep 1000", NULL};

    if (scripts[_i])
        write_program(scripts[_i]);
    open_it(program, "", 1);
    tell("open");
    run_until(one_not_told);
}
END_TEST

static int two_requests(void)
{
    return requests == 2;
}

START_TEST(an_address_gets_json)
{
    open_it("", address, 30);
    tell("open");
    tell("close");
    run_until(two_requests);
    ck_assert_ptr_nonnull(strstr(posted, "/hook?x=1 {\"event\":\"open\",\"incident\":7,\"kind\":\"provider-outage\","
                                         "\"scope\":\"domain\",\"name\":\"a b;$(touch x)'\\\"\",\"time\":1000,"
                                         "\"failures\":12,\"got_through\":3,\"by\":\"quiet\"}"));
    ck_assert_ptr_nonnull(strstr(posted, "\"event\":\"close\""));
    ck_assert_uint_eq(not_told(), 0);
}
END_TEST

START_TEST(an_address_that_refuses_or_is_silent_is_counted)
{
    answer = _i ? 0 : 500;
    open_it("", address, 1);
    tell("open");
    run_until(one_not_told);
    ck_assert_int_ge(requests, 1);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
    write_program("sleep 1000");
    open_it(program, "", 30);
    for (int i = 0; i < ANNOUNCE_QUEUE + 5; i++)
        tell("open");
    ck_assert_uint_eq(not_told(), 5);
}
END_TEST

START_TEST(what_cannot_be_used_is_refused)
{
    static const char *const good[] = {"", "http://a.example", "http://a.example:8080/x?y=1"};
    static const char *const bad[] = {"https://a.example/", "a.example", "http://", "http://u:p@a.example/", "/x"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(announce_check_address(good[i], &error) == 0, "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(announce_check_address(bad[i], &error) == -1, "%s", bad[i]);
    ck_assert_int_eq(announce_check_program("/bin/true", &error), 0);
    ck_assert_int_eq(announce_check_program("", &error), 0);
    ck_assert_int_eq(announce_check_program("true --now", &error), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce");
    TCase *tell_all = tcase_create("announce");

    tcase_set_timeout(tell_all, 90);
    tcase_add_checked_fixture(tell_all, setup, teardown);
    tcase_add_test(tell_all, a_program_is_told_in_order_and_without_a_shell);
    tcase_add_loop_test(tell_all, a_program_that_fails_or_hangs_is_counted, 0, 3);
    tcase_add_test(tell_all, an_address_gets_json);
    tcase_add_loop_test(tell_all, an_address_that_refuses_or_is_silent_is_counted, 0, 2);
    tcase_add_test(tell_all, the_queue_is_bounded);
    tcase_add_test(tell_all, what_cannot_be_used_is_refused);
    suite_add_tcase(suite, tell_all);
    return run_suite(suite);
}
