/* daemon/gate/gate_server and desk: over real sockets, with the loop and the
 * desk's threads: answers, bounds, and that a database in trouble, or a slow
 * one, holds nobody up. */
#include "config.h"

#include "daemon/gate/gate_server.h"

#include "classifier/ruleset.h"
#include "daemon/gate/desk.h"
#include "daemon/gate/gate.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/store.h"
#include "tests/daemon/client.h"
#include "tests/daemon/database.h"

#include <event2/thread.h>
#include <signal.h>
#include <time.h>

#define NOTHING "9:NOTFOUND ,"
#define RCPT "request=smtpd_access_policy\nprotocol_state=RCPT\n"
#define REFUSED "550 5.1.1 <joe@example.com> suppressed: no-such-user since 1970-01-01 (suppressd)"

static struct ruleset *rules;
static struct settings *settings;
static struct lookup_pool *pool;
static struct gate *gate;
static struct desk *desk;
static struct gate_server *server;
static struct counters counters;
static struct error error;

static void suppress(const char *key, const char *stream)
{
    const struct store_suppression suppression = {.key = key, .stream = stream, .reason = "no-such-user",
                                                  .origin = "automatic", .note = "", .who = "test", .since = 1000};
    struct store *store = store_open(database_path, 0, &error);

    ck_assert_msg(store && !store_begin(store, &error) && !store_suppress(store, &suppression, &error) &&
                  !store_commit(store, &error), "%s", error.text);
    store_close(&store);
}

static void open_server(enum dialogue_kind kind)
{
    const struct listen_spec spec = {"policy_socket", settings->policy_socket, 0600, ""};
    struct desk_rooms desk_rooms = {.counters = &counters, .rules = rules};
    struct gate_rooms rooms = {.counters = &counters};

    desk_rooms.base = rooms.base = base = event_base_new();
    pool = lookup_pool_new(database_path);
    desk_rooms.gate = gate = gate_new(pool, &counters);
    rooms.desk = desk = desk_open(&desk_rooms, &error);
    ck_assert_msg(desk != NULL, "%s", error.text);
    server = gate_server_open(&rooms, kind, &spec, settings, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
}

static void close_server(void)
{
    gate_server_close(&server);
    desk_close(&desk);
    gate_free(&gate);
    lookup_pool_free(&pool);
    event_base_free(base);
}

static void load_rules(void)
{
    rules = ruleset_load(NULL, NULL, &error);
    ck_assert_msg(rules != NULL, "%s", error.text);
    ck_assert_int_eq(evthread_use_pthreads(), 0);
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
}

static void unload_rules(void)
{
    ruleset_unref(&rules);
}

static void setup(void)
{
    database_make();
    snprintf(socket_path, sizeof(socket_path), "%s/gate.sock", database_dir);
    settings = settings_defaults();
    settings->gate_deadline = 20000;
    free(settings->policy_socket);
    ck_assert_int_gt(asprintf(&settings->policy_socket, "unix:%s", socket_path), 0);
    suppress("joe@example.com", "");
    suppress("ann@example.com", "news.example");
}

static void teardown(void)
{
    settings_unref(&settings);
    database_remove();
}

static void expect_reply(int fd, const char *reply)
{
    expect(fd, reply, 1);
}

static void ask(int fd, const char *map, const char *key)
{
    char request[2000];

    snprintf(request, sizeof(request), "%zu:%s %s,", strlen(map) + 1 + strlen(key), map, key);
    give(fd, request);
}

static void expect_data(int fd, const char *data)
{
    char reply[2000];

    snprintf(reply, sizeof(reply), "%zu:OK %s,", strlen(data) + 3, data);
    expect_reply(fd, reply);
}

START_TEST(maps_answer)
{
    int fd;

    open_server(DIALOGUE_SOCKETMAP);
    fd = connect_client();
    ask(fd, "suppression", "Joe@Example.COM");
    expect_data(fd, "error:5.1.1 <Joe@example.com> suppressed: no-such-user since 1970-01-01 (suppressd)");
    ask(fd, "recipient-access", "joe@example.com");
    expect_data(fd, REFUSED);
    ask(fd, "suppression", "live@example.com");
    expect_reply(fd, NOTHING);
    ask(fd, "suppression", "*");
    expect_reply(fd, NOTHING);
    ask(fd, "suppression", "ann@example.com"); /* of one stream, which a map does not know */
    expect_reply(fd, NOTHING);
    ask(fd, "delivery-status", "5.1.1 host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown");
    expect_data(fd, "5.1.1 host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown (suppressd: no-such-user)");
    ask(fd, "delivery-status", "2.0.0 delivered");
    expect_reply(fd, NOTHING);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_SOCKETMAP_REQUESTS), 7);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_FAULTS), 0);
    close(fd);
    close_server();
}
END_TEST

static const struct {
    const char *attributes;
    int refused, trust_authenticated;
} policies[] = {
    {"sender=a@b.example\nclient_address=127.0.0.1\nrecipient=joe@example.com\n", 1, 1},
    {"sender=a@b.example\nclient_address=::1\nrecipient=joe@example.com\n", 1, 1},
    {"sender=\nclient_address=127.0.0.1\nrecipient=joe@example.com\n", 0, 1},
    {"sender=a@b.example\nclient_address=192.0.2.1\nrecipient=joe@example.com\n", 0, 1},
    {"sender=a@b.example\nclient_address=2001:db8::1\nrecipient=joe@example.com\n", 0, 1},
    {"sender=a@b.example\nclient_address=unknown\nrecipient=joe@example.com\n", 0, 1},
    {"sender=a@b.example\nclient_address=192.0.2.1\nsasl_username=u\nrecipient=joe@example.com\n", 1, 1},
    {"sender=a@b.example\nclient_address=192.0.2.1\nsasl_username=u\nrecipient=joe@example.com\n", 0, 0},
    {"sender=a@news.example\nclient_address=127.0.0.1\nrecipient=ann@example.com\n", 2, 1},
    {"sender=a@b.example\nclient_address=127.0.0.1\nrecipient=ann@example.com\n", 0, 1},
    {"sender=a@b.example\nclient_address=127.0.0.1\nrecipient=no address\n", 0, 1},
};

START_TEST(policy_answers)
{
    int fd;

    settings->trust_authenticated = policies[_i].trust_authenticated;
    open_server(DIALOGUE_POLICY);
    fd = connect_client();
    for (int i = 0; i < 2; i++) {
        give(fd, RCPT);
        give(fd, policies[_i].attributes);
        give(fd, "\n");
        expect_reply(fd, !policies[_i].refused ? "action=DUNNO\n\n"
               : policies[_i].refused == 1 ? "action=" REFUSED "\n\n"
               : "action=550 5.1.1 <ann@example.com> suppressed: no-such-user since 1970-01-01 (suppressd)\n\n");
    }
    close(fd);
    close_server();
}
END_TEST

/* A 4yz gate_reply keeps the mail in the queue. */
START_TEST(a_temporary_refusal)
{
    int fd;

    free(settings->gate_reply);
    settings->gate_reply = strdup("450 4.2.1 wait");
    open_server(DIALOGUE_SOCKETMAP);
    fd = connect_client();
    ask(fd, "suppression", "joe@example.com");
    expect_data(fd, "retry:4.2.1 wait");
    ask(fd, "recipient-access", "joe@example.com");
    expect_data(fd, "450 4.2.1 wait");
    close(fd);
    close_server();
}
END_TEST

START_TEST(requests_in_a_row_are_answered_in_order)
{
    int fd;

    open_server(DIALOGUE_SOCKETMAP);
    fd = connect_client();
    for (int i = 0; i < 100; i++)
        ask(fd, "suppression", "live@example.com");
    ask(fd, "recipient-access", "joe@example.com");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    for (int i = 0; i < 1000 && counters_get(&counters, COUNTER_SOCKETMAP_REQUESTS) < 101; i++)
        turn();
    {
        static char all[4096];

        for (int i = 0; i < 100; i++)
            strcat(all, NOTHING);
        snprintf(all + strlen(all), 200, "%zu:OK %s,END", strlen(REFUSED) + 3, REFUSED);
        expect_reply(fd, all);
    }
    close(fd);
    close_server();
}
END_TEST

/* A database that is locked: nobody waits longer than gate_deadline. */
START_TEST(a_slow_database_holds_nobody_up)
{
    struct settings *patient = settings_defaults();
    struct timespec before, after;
    sqlite3 *db;
    int fd;

    patient->gate_deadline = 20000;
    settings->gate_deadline = 100;
    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; PRAGMA user_version", NULL, NULL, NULL),
                     SQLITE_OK);
    open_server(DIALOGUE_SOCKETMAP);
    fd = connect_client();
    clock_gettime(CLOCK_MONOTONIC, &before);
    ask(fd, "suppression", "joe@example.com");
    expect_reply(fd, NOTHING);
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_ge((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, 99);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_DEADLINE), 1);
    sqlite3_close(db);
    gate_server_set_settings(server, patient);
    settings_unref(&patient);
    for (int i = 0; i < 1000; i++) { /* the threads come back */
        ask(fd, "recipient-access", "joe@example.com");
        expect_data(fd, REFUSED);
    }
    close(fd);
    close_server();
}
END_TEST

START_TEST(a_database_that_is_gone_lets_all_pass)
{
    int fd;

    open_server(DIALOGUE_SOCKETMAP);
    ck_assert_int_eq(unlink(database_path), 0);
    fd = connect_client();
    ask(fd, "suppression", "joe@example.com");
    expect_reply(fd, NOTHING);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_TROUBLE), 1);
    close(fd);
    close_server();
}
END_TEST

START_TEST(connections_are_bounded)
{
    int first, second, third;

    settings->gate_connections_max = 2;
    open_server(DIALOGUE_SOCKETMAP);
    first = connect_client();
    second = connect_client();
    third = connect_client();
    expect_reply(third, "END");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_CONNECTIONS_REFUSED), 1);
    close(third);
    close(first);
    for (int i = 0; i < 5; i++)
        turn();
    third = connect_client();
    ask(third, "suppression", "live@example.com");
    expect_reply(third, NOTHING);
    close(second);
    close(third);
    close_server();
}
END_TEST

START_TEST(silence_is_bounded)
{
    int fd;

    settings->gate_idle_timeout = 1;
    open_server(DIALOGUE_POLICY);
    fd = connect_client();
    give(fd, "request=");
    expect_reply(fd, "END");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_IDLE), 1);
    close(fd);
    close_server();
}
END_TEST

START_TEST(what_is_no_conversation_is_hung_up)
{
    int fd;

    open_server(DIALOGUE_SOCKETMAP);
    fd = connect_client();
    give(fd, "GET / HTTP/1.1\r\n\r\n");
    expect_reply(fd, "END");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_FAULTS), 1);
    close(fd);
    close_server();
}
END_TEST

/* Answers that nobody reads: the client is stopped, nobody else. */
START_TEST(a_client_that_does_not_listen_is_not_listened_to)
{
    static char filler[60000];
    int fd, other;

    open_server(DIALOGUE_POLICY);
    fd = connect_client();
    memset(filler, '\n', sizeof(filler) - 1);
    stuff(fd, filler, 8u << 20);
    other = connect_client();
    give(other, "\n");
    expect_reply(other, "action=DUNNO\n\n");
    close(fd);
    close(other);
    close_server();
}
END_TEST

START_TEST(a_client_that_leaves_while_it_waits)
{
    int fd, other;

    open_server(DIALOGUE_SOCKETMAP);
    for (int i = 0; i < 200; i++) {
        fd = connect_client();
        ask(fd, "recipient-access", "joe@example.com");
        if (i % 2)
            event_base_loop(base, EVLOOP_NONBLOCK);
        close(fd);
    }
    other = connect_client();
    ask(other, "recipient-access", "joe@example.com");
    expect_data(other, REFUSED);
    close(other);
    fd = connect_client();
    ask(fd, "recipient-access", "joe@example.com");
    event_base_loop(base, EVLOOP_NONBLOCK);
    close_server(); /* with a question on its way */
    close(fd);
}
END_TEST

START_TEST(a_reload_is_in_force_at_once)
{
    struct settings *other = settings_defaults();
    struct ruleset *set;
    char rules_dir[128], path[160];
    FILE *file;
    int fd;

    open_server(DIALOGUE_SOCKETMAP);
    fd = connect_client();
    ask(fd, "delivery-status", "5.0.0 zork is not at home");
    expect_data(fd, "5.0.0 zork is not at home (suppressd: unclassified)");
    snprintf(rules_dir, sizeof(rules_dir), "%s", database_dir);
    snprintf(path, sizeof(path), "%s/own.rules", rules_dir);
    ck_assert_ptr_nonnull(file = fopen(path, "w"));
    fputs("rule zork {\n pattern = {'zork'}\n reason = 'rate-limited'\n examples = {'550 zork'}\n}\n", file);
    fclose(file);
    set = ruleset_load(NULL, rules_dir, &error);
    ck_assert_msg(set != NULL, "%s", error.text);
    free(other->status_retry);
    other->status_retry = strdup("rate-limited");
    other->gate_mode = GATE_SHADOW;
    desk_set_rules(desk, set);
    gate_server_set_settings(server, other);
    settings_unref(&other);
    ruleset_unref(&set);
    ask(fd, "delivery-status", "5.0.0 zork is not at home");
    expect_data(fd, "4.0.0 zork is not at home (suppressd: rate-limited, was 5.0.0)");
    ask(fd, "suppression", "joe@example.com");
    expect_reply(fd, NOTHING);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_GATE_SHADOWED), 1);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_STATUS_RETRIED), 1);
    close(fd);
    close_server();
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate_server");
    TCase *tc = tcase_create("gate_server");

    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 120);
    tcase_add_unchecked_fixture(tc, load_rules, unload_rules);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, maps_answer);
    tcase_add_loop_test(tc, policy_answers, 0, (int)(sizeof(policies) / sizeof(policies[0])));
    tcase_add_test(tc, a_temporary_refusal);
    tcase_add_test(tc, requests_in_a_row_are_answered_in_order);
    tcase_add_test(tc, a_slow_database_holds_nobody_up);
    tcase_add_test(tc, a_database_that_is_gone_lets_all_pass);
    tcase_add_test(tc, connections_are_bounded);
    tcase_add_test(tc, silence_is_bounded);
    tcase_add_test(tc, what_is_no_conversation_is_hung_up);
    tcase_add_test(tc, a_client_that_does_not_listen_is_not_listened_to);
    tcase_add_test(tc, a_client_that_leaves_while_it_waits);
    tcase_add_test(tc, a_reload_is_in_force_at_once);
    return run_suite(suite);
}
