/* daemon/intake/lmtp: over a real socket, with the loop and the writer's thread:
 * what is answered 250 is on disk, and nobody waits for somebody else. */
#include "config.h"

#include "daemon/intake/lmtp.h"

#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/writer.h"
#include "daemon/report/message.h"
#include "tests/daemon/client.h"
#include "tests/daemon/database.h"

#include <event2/thread.h>
#include <sys/stat.h>

#define HELLO "LHLO client\r\n"
#define BEGIN HELLO "MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
#define OWN "Received: by mail.example.org (Postfix) id Q9; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
#define FOREIGN "Received: from mail.example.org (mx.evil.example [203.0.113.9]) by mail.example.org (Postfix) id Q8; Mon\r\n"
#define DSN(mta, recipient)                                                                         \
    "From: MAILER-DAEMON@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "       \
    "report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n" \
    "--b\r\nContent-Type: message/delivery-status\r\n\r\n"                                          \
    "Reporting-MTA: dns; " mta "\r\nX-Postfix-Queue-ID: Q1\r\n\r\n"                                 \
    "Final-Recipient: rfc822; " recipient "\r\nAction: failed\r\nStatus: 5.1.1\r\n"                 \
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--b--\r\n"
#define END ".\r\n"

static struct ruleset *rules;
static struct settings *settings;
static struct writer *writer;
static struct lmtp *lmtp;
static struct counters counters;
static struct error error;

static void open_all(int queue_max)
{
    const struct ledger_options ledger_options = {.database = database_path, .ruleset = rules, .counters = &counters};
    const struct writer_options options = {.queue_max = (size_t)queue_max, .batch_max = 1, .counters = &counters};
    const struct writer_limits limits = {.sent_keep = 1000000, .aside_bytes_max = 1000000};
    struct lmtp_rooms rooms = {.counters = &counters, .host = "mail.example.org"};
    struct ledger *ledger = ledger_open(&ledger_options, &error);

    ck_assert_msg(ledger != NULL, "%s", error.text);
    rooms.base = base = event_base_new();
    rooms.writer = writer = writer_start(ledger, &options, &limits, &error);
    lmtp = lmtp_open(&rooms, settings, &error);
    ck_assert_msg(lmtp != NULL, "%s", error.text);
}

static void setup(void)
{
    database_make();
    snprintf(socket_path, sizeof(socket_path), "%s/lmtp.sock", database_dir);
    settings = settings_defaults();
    free(settings->lmtp_socket);
    ck_assert_int_gt(asprintf(&settings->lmtp_socket, "unix:%s", socket_path), 0);
    ck_assert_int_eq(evthread_use_pthreads(), 0);
}

static void close_all(void)
{
    writer_stop(&writer);
    lmtp_close(&lmtp);
    event_base_free(base);
}

static void teardown(void)
{
    settings_unref(&settings);
    database_remove();
}

/* Replies come in one piece or several: only the last is looked at. */
static void expect_end(int fd, const char *reply)
{
    expect(fd, reply, 0);
}

static sqlite3 *lock_database(void)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(database_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static const struct {
    const char *what;
    enum lmtp_trust trust;
    const char *sender, *message, *evidence; /* "": no event */
    int aside;
} messages[] = {
    {"own, trusted", LMTP_TRUST_OWN, "", OWN DSN("mail.example.org", "a@example.com"), "local", 0},
    {"own, not trusted", LMTP_TRUST_NONE, "", OWN DSN("mail.example.org", "a@example.com"), "unproven", 0},
    {"forged by a foreign client", LMTP_TRUST_OWN, "", FOREIGN OWN DSN("mail.example.org", "a@example.com"), "unproven", 0},
    {"no Received field", LMTP_TRUST_OWN, "", DSN("mail.example.org", "a@example.com"), "unproven", 0},
    {"with a sender", LMTP_TRUST_OWN, "x@example.org", OWN DSN("mail.example.org", "a@example.com"), "unproven", 0},
    {"in another host's name", LMTP_TRUST_OWN, "", OWN DSN("mx.example.net", "a@example.com"), "unproven", 0},
    {"ordinary mail", LMTP_TRUST_OWN, "x@example.net", "Subject: Hi\r\n\r\nSee you.\r\n", "", 0},
    {"not to be understood", LMTP_TRUST_OWN, "", OWN "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
     "Content-Type: message/delivery-status\r\n\r\nnothing of use\r\n--b--\r\n", "", 1},
};

START_TEST(each_message_has_its_evidence)
{
    const char *evidence = messages[_i].evidence;
    char head[200];
    int fd;

    settings->lmtp_trust = messages[_i].trust;
    open_all(100);
    fd = connect_client();
    snprintf(head, sizeof(head), HELLO "MAIL FROM:<%s>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n", messages[_i].sender);
    give(fd, head);
    give(fd, messages[_i].message);
    expect_end(fd, "354 End with CR LF . CR LF\r\n");
    give(fd, END);
    expect_end(fd, "250 2.0.0 Ok, on record\r\n250 2.0.0 Ok, on record\r\n");
    ck_assert_msg(!strcmp(database_text("SELECT evidence FROM event WHERE source = 'lmtp'"), evidence), "%s", messages[_i].what);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), !strcmp(evidence, "local"));
    ck_assert_int_eq(database_number("SELECT count(*) FROM aside"), messages[_i].aside);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_ORDINARY), !*evidence && !messages[_i].aside);
    close(fd);
    close_all();
}
END_TEST

START_TEST(nobody_waits_for_the_disk_but_whose_message_it_is)
{
    sqlite3 *db;
    int fd, other;

    open_all(100);
    db = lock_database();
    fd = connect_client();
    other = connect_client();
    give(fd, BEGIN DSN("mx.example.net", "a@example.com") END "NOOP\r\nQUIT\r\n");
    expect_end(fd, "354 End with CR LF . CR LF\r\n");
    give(other, HELLO);
    expect_end(other, "250 SIZE\r\n");
    give(other, "VRFY x\r\n");
    expect_end(other, "252 2.5.2 Everything is taken\r\n");
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 0);
    sqlite3_close(db);
    expect_end(fd, "250 2.0.0 Ok, on record\r\n250 2.0.0 Ok\r\n221 2.0.0 Bye\r\nEND");
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
    close(fd);
    close(other);
    close_all();
}
END_TEST

START_TEST(beyond_the_queue_it_comes_again)
{
    sqlite3 *db;
    int fds[4];

    open_all(1);
    db = lock_database();
    for (int i = 0; i < 4; i++) {
        fds[i] = connect_client();
        give(fds[i], BEGIN DSN("mx.example.net", "a@example.com") END);
        expect_end(fds[i], i < 2 ? "354 End with CR LF . CR LF\r\n" : "451 4.3.0 Cannot be recorded now, come again\r\n");
        for (int turns = 0; i == 0 && writer_queued(writer) && turns < 1000; turns++)
            turn(); /* until the writer holds the first one */
    }
    ck_assert_uint_eq(counters_get(&counters, COUNTER_REPORTS_TEMPFAILED), 2);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_QUEUE_FULL), 2);
    sqlite3_close(db);
    expect_end(fds[0], "250 2.0.0 Ok, on record\r\n");
    expect_end(fds[1], "250 2.0.0 Ok, on record\r\n");
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    close_all();
}
END_TEST

START_TEST(a_client_that_leaves_while_its_message_is_recorded)
{
    sqlite3 *db;
    int fd, other;

    open_all(100);
    db = lock_database();
    fd = connect_client();
    give(fd, BEGIN DSN("mx.example.net", "a@example.com") END);
    expect_end(fd, "354 End with CR LF . CR LF\r\n");
    close(fd);
    other = connect_client();
    give(other, "NOOP\r\n");
    expect_end(other, "250 2.0.0 Ok\r\n");
    sqlite3_close(db);
    for (int i = 0; i < 2000 && !database_number("SELECT count(*) FROM event"); i++)
        turn();
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
    give(other, BEGIN DSN("mx.example.net", "b@example.com") END);
    expect_end(other, "250 2.0.0 Ok, on record\r\n");
    close(other);
    close_all();
}
END_TEST

START_TEST(what_was_recorded_when_the_daemon_stops_is_answered)
{
    sqlite3 *db;
    int fd, idle;

    open_all(100);
    db = lock_database();
    idle = connect_client();
    fd = connect_client();
    give(fd, BEGIN DSN("mx.example.net", "a@example.com") END BEGIN DSN("mx.example.net", "b@example.com") END);
    expect_end(fd, "354 End with CR LF . CR LF\r\n");
    expect_end(idle, "220 mail.example.org LMTP suppressd\r\n");
    sqlite3_close(db);
    writer_stop(&writer);
    lmtp_close(&lmtp);
    expect_end(fd, "250 2.0.0 Ok, on record\r\n421 4.3.2 suppressd stops, come again\r\nEND");
    expect_end(idle, "421 4.3.2 suppressd stops, come again\r\nEND");
    ck_assert_int_eq(access(socket_path, F_OK), -1);
    close(fd);
    close(idle);
    event_base_free(base);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
}
END_TEST

START_TEST(connections_are_bounded)
{
    int first, second, third;

    settings->lmtp_connections_max = 2;
    open_all(100);
    first = connect_client();
    second = connect_client();
    expect_end(first, "suppressd\r\n");
    expect_end(second, "suppressd\r\n");
    third = connect_client();
    expect_end(third, "421 4.3.2 Too many connections, come again\r\nEND");
    close(third);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LMTP_CONNECTIONS_REFUSED), 1);
    give(first, "QUIT\r\n");
    expect_end(first, "221 2.0.0 Bye\r\nEND");
    third = connect_client();
    expect_end(third, "suppressd\r\n");
    close(first);
    close(second);
    close(third);
    close_all();
}
END_TEST

START_TEST(silence_is_bounded)
{
    int fd;

    settings->lmtp_idle_timeout = 1;
    open_all(100);
    fd = connect_client();
    give(fd, BEGIN "and then");
    expect_end(fd, "354 End with CR LF . CR LF\r\n421 4.4.2 Silent for too long\r\nEND");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LMTP_IDLE), 1);
    close(fd);
    close_all();
}
END_TEST

/* Commands whose replies nobody reads: the client is stopped, nobody else. */
START_TEST(a_client_that_does_not_listen_is_not_listened_to)
{
    static char filler[60000];
    int fd, other;

    open_all(100);
    fd = connect_client();
    for (size_t i = 0; i + 9 <= sizeof(filler); i += 8)
        strcpy(filler + i, "LHLO x\r\n");
    stuff(fd, filler, 4u << 20);
    other = connect_client();
    give(other, "NOOP\r\n");
    expect_end(other, "250 2.0.0 Ok\r\n");
    close(fd);
    close(other);
    close_all();
}
END_TEST

START_TEST(a_large_message_keeps_its_head)
{
    static char filler[50000];
    int fd;

    settings->report_size_max = 16384;
    open_all(100);
    fd = connect_client();
    memset(filler, 'x', sizeof(filler) - 1);
    give(fd, BEGIN DSN("mx.example.net", "a@example.com"));
    give(fd, filler);
    give(fd, "\r\n" END);
    expect_end(fd, "250 2.0.0 Ok, on record\r\n");
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_REPORTS_CUT), 1);
    close(fd);
    close_all();
}
END_TEST

/* A report that names neither queue id nor Message-ID, brought twice. */
START_TEST(a_message_that_comes_again_is_known)
{
    int fd;

    open_all(100);
    fd = connect_client();
    for (int i = 0; i < 2; i++) {
        give(fd, BEGIN "Message-ID: <bounce7@example.net>\r\nFrom: MAILER-DAEMON@example.net\r\n"
                 "Subject: Undelivered Mail\r\n\r\n<gone@example.com>: 550 5.1.1 User unknown\r\n" END);
        expect_end(fd, "250 2.0.0 Ok, on record\r\n");
    }
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
    ck_assert_int_eq(database_number("SELECT witnesses FROM event"), 2);
    close(fd);
    close_all();
}
END_TEST

START_TEST(a_reload_is_for_new_connections)
{
    struct settings *other = settings_defaults();
    int before, after, refused;

    open_all(100);
    before = connect_client();
    expect_end(before, "suppressd\r\n");
    other->lmtp_trust = LMTP_TRUST_OWN;
    other->lmtp_connections_max = 2;
    lmtp_set_settings(lmtp, other);
    settings_unref(&other);
    after = connect_client();
    expect_end(after, "suppressd\r\n");
    refused = connect_client();
    expect_end(refused, "421 4.3.2 Too many connections, come again\r\nEND");
    give(before, BEGIN OWN DSN("mail.example.org", "a@example.com") END);
    expect_end(before, "250 2.0.0 Ok, on record\r\n");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
    give(after, BEGIN OWN DSN("mail.example.org", "a@example.com") END);
    expect_end(after, "250 2.0.0 Ok, on record\r\n");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
    close(before);
    close(after);
    close(refused);
    close_all();
}
END_TEST

START_TEST(the_socket_has_its_mode)
{
    struct stat status;

    settings->lmtp_socket_mode = 0620;
    open_all(100);
    ck_assert_int_eq(stat(socket_path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0620);
    close_all();
}
END_TEST

static const struct {
    const char *place, *group, *error;
} places[] = {
    {"/tmp/x", "", "lmtp_socket: '/tmp/x' is none of unix:PATH, inet:PORT@HOST, inet6:PORT@HOST"},
    {"unix:/nonexistent/x", "", "lmtp_socket: /nonexistent/x: No such file or directory"},
    {"inet:1@192.0.2.77", "", "lmtp_socket: 1@192.0.2.77: Cannot assign requested address"},
    {"unix:/tmp/suppressd-test-lmtp.sock", "nosuchgroup", "lmtp_socket: lmtp_socket_group: there is no group 'nosuchgroup'"},
};

START_TEST(a_wrong_place_is_named)
{
    const struct lmtp_rooms rooms = {.base = base = event_base_new(), .counters = &counters, .host = "x"};

    free(settings->lmtp_socket);
    free(settings->lmtp_socket_group);
    settings->lmtp_socket = strdup(places[_i].place);
    settings->lmtp_socket_group = strdup(places[_i].group);
    ck_assert_ptr_null(lmtp_open(&rooms, settings, &error));
    ck_assert_str_eq(error.text, places[_i].error);
    event_base_free(base);
}
END_TEST

START_TEST(inet_sockets)
{
    const char *const names[] = {"inet:0@127.0.0.1", "inet:0@[127.0.0.1]", "inet:0"};

    free(settings->lmtp_socket);
    settings->lmtp_socket = strdup(names[_i]);
    open_all(100);
    close_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/intake/lmtp");
    TCase *tc = tcase_create("lmtp");
    int failed;

    message_init();
    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_message_has_its_evidence, 0, sizeof(messages) / sizeof(messages[0]));
    tcase_add_test(tc, nobody_waits_for_the_disk_but_whose_message_it_is);
    tcase_add_test(tc, beyond_the_queue_it_comes_again);
    tcase_add_test(tc, a_client_that_leaves_while_its_message_is_recorded);
    tcase_add_test(tc, what_was_recorded_when_the_daemon_stops_is_answered);
    tcase_add_test(tc, connections_are_bounded);
    tcase_add_test(tc, silence_is_bounded);
    tcase_add_test(tc, a_client_that_does_not_listen_is_not_listened_to);
    tcase_add_test(tc, a_large_message_keeps_its_head);
    tcase_add_test(tc, a_message_that_comes_again_is_known);
    tcase_add_test(tc, a_reload_is_for_new_connections);
    tcase_add_test(tc, the_socket_has_its_mode);
    tcase_add_loop_test(tc, a_wrong_place_is_named, 0, sizeof(places) / sizeof(places[0]));
    tcase_add_loop_test(tc, inet_sockets, 0, 3);
    suite_add_tcase(suite, tc);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
