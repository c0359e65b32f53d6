/* Following a log into the database: each failed delivery is one event and each
 * line counts once, though the follower is killed again and again while the log
 * is written and rotated. */
#include "config.h"

#include "daemon/intake/follow.h"

#include "classifier/ruleset.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/lookup.h"
#include "daemon/ledger/writer.h"
#include "daemon/report/maillog.h"
#include "tests/daemon/database.h"
#include "tests/daemon/ledger/reports.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define KILLS 12
#define LINES 25 /* between two kills */
#define STORM 100 /* rotations */

static struct ruleset *rules; /* compiled once, for all tests */
static struct counters counters;
static char path[160];
static int keep_delivered;
static long line_max;

static void setup(void)
{
    database_make();
    keep_delivered = 0;
    line_max = MAILLOG_LINE_MAX;
    snprintf(path, sizeof(path), "%s/mail.log", database_dir);
}

static void teardown(void)
{
    char name[200];

    for (int i = 1; i <= KILLS; i++) {
        snprintf(name, sizeof(name), "%s.%d", path, i);
        unlink(name);
    }
    unlink(path);
    database_remove();
}

static void append(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void append_raw(const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

static void append_line(const char *to, const char *status, const char *reply)
{
    char line[400], stamp[40];
    time_t now = time(NULL);
    struct tm tm;

    strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", localtime_r(&now, &tm));
    snprintf(line, sizeof(line), "%s mail postfix/smtp[7]: 4Xyz00: to=<%s>, relay=mx.example.net[192.0.2.7]:25, "
             "delay=1, dsn=%s (%s)\n", stamp, to, status, reply);
    append(line);
}

static void append_failed(int number)
{
    char to[60];

    snprintf(to, sizeof(to), "gone%d@example.net", number);
    append_line(to, "5.1.1, status=bounced", "host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown");
}

/* One of each kind. */
static void append_three(int number)
{
    append_failed(number);
    append_line("fine@example.org", "2.0.0, status=sent", "250 2.0.0 Ok: queued as 9F00A1");
    append_line("late@example.org", "4.2.2, status=deferred", "host mx.example.org[192.0.2.7] said: 452 4.2.2 Mailbox full");
}

static struct writer *open_writer(void)
{
    const struct ledger_options ledger_options = {
        .database = database_path, .ruleset = rules, .counters = &counters};
    const struct writer_options options = {.queue_max = 100, .batch_max = 10, .counters = &counters};
    const struct writer_limits limits = {.sent_keep = 1000000, .aside_bytes_max = 1000000};
    struct error error;
    struct ledger *ledger = ledger_open(&ledger_options, &error);
    struct writer *writer;

    ck_assert_msg(ledger != NULL, "%s", error.text);
    writer = writer_start(ledger, &options, &limits, &error);
    ck_assert_ptr_nonnull(writer);
    return writer;
}

/* What the daemon does, for so long. */
static void follow_for(int ms)
{
    struct follow_options options = {.counters = &counters, .path = path, .host = "", .visit_ms = 2,
                                     .keep_delivered = keep_delivered, .line_max = line_max};
    const struct timeval end = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    struct log_position from;
    struct error error;
    struct writer *writer = open_writer();
    struct lookup *lookup = lookup_open(database_path, &error);
    struct follow *follow;

    evthread_use_pthreads();
    options.base = event_base_new();
    options.writer = writer;
    options.from = lookup_position(lookup, path, &from, &error) > 0 ? &from : NULL;
    lookup_close(&lookup);
    ck_assert_ptr_nonnull(follow = follow_open(&options, &error));
    event_base_loopexit(options.base, &end);
    event_base_dispatch(options.base);
    writer_stop(&writer);
    follow_close(&follow);
    event_base_free(options.base);
}

static pid_t start_follower(void)
{
    pid_t child = fork();

    if (!child) {
        follow_for(60000);
        _exit(1);
    }
    return child;
}

static void pause_ms(int ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000L};

    nanosleep(&time, NULL);
}

static void rotate(int number)
{
    char name[200];

    snprintf(name, sizeof(name), "%s.%d", path, KILLS - number);
    ck_assert_int_eq(rename(path, name), 0);
}

static void counted_exactly(int each)
{
    char expected[200];

    snprintf(expected, sizeof(expected), "delayed mailbox-full %d,delivered delivered %d,failed no-such-user %d", each,
             each, each);
    ck_assert_str_eq(database_text("SELECT group_concat(action || ' ' || reason || ' ' || n) FROM (SELECT action, reason,"
                                   " sum(attempts) AS n FROM rollup GROUP BY action, reason ORDER BY action)"), expected);
}

START_TEST(each_line_counts_once_whatever_is_killed)
{
    unsigned seed = 7;
    int written = 0;

    append("a first line\n");
    follow_for(50);
    for (int i = 0; i < KILLS; i++) {
        pid_t child = start_follower();

        for (int j = 0; j < LINES; j++, written++) {
            append_three(written);
            pause_ms(1);
        }
        if (i % 3 == 1)
            rotate(i);
        pause_ms((int)(rand_r(&seed) % 60));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    append_three(written++);
    follow_for(1000);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), written);
    ck_assert_int_eq(database_number("SELECT sum(witnesses) FROM event"), written);
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression WHERE reason = 'no-such-user'"), written);
    counted_exactly(written);
}
END_TEST

/* Nothing else ever goes to the disk: position and counts travel together. */
START_TEST(deliveries_without_failures_count_once_too)
{
    unsigned seed = 11;
    int written = 0;

    append("a first line\n");
    follow_for(50);
    for (int i = 0; i < KILLS; i++) {
        pid_t child = start_follower();

        for (int j = 0; j < LINES; j++, written++) {
            append_line("fine@example.org", "2.0.0, status=sent", "250 2.0.0 Ok: queued as 9F00A1");
            pause_ms(1);
        }
        pause_ms((int)(rand_r(&seed) % 20));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    follow_for(1000);
    ck_assert_int_eq(database_number("SELECT sum(attempts) FROM rollup"), written);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 0);
}
END_TEST

/* Far more than one visit reads, or one record holds. */
START_TEST(a_log_that_lies_behind_is_caught_up)
{
    char *text = xmalloc(60000 * 150), *end = text;

    append("a first line\n");
    follow_for(50);
    for (int i = 0; i < 60000; i++)
        end += sprintf(end, "Nov 20 10:%02d:00 mail postfix/smtp[7]: 4Xyz%02d: to=<u%d@example.org>, relay=mx.example.org[192.0.2.7]:25,"
                       " delay=1, dsn=2.0.0, status=sent (250 Ok)\n", i / 1000, i % 100, i);
    append(text);
    free(text);
    for (int i = 0; i < 60 && database_number("SELECT coalesce(sum(attempts), 0) FROM rollup") < 60000; i++)
        follow_for(1000);
    ck_assert_int_eq(database_number("SELECT sum(attempts) FROM rollup"), 60000);
    ck_assert_int_eq(database_number("SELECT count(*) FROM rollup"), 1);
}
END_TEST

START_TEST(a_probe_is_no_message)
{
    append("a first line\n");
    follow_for(50);
    append_line("ok@example.net", "2.1.5, status=deliverable", "250 2.1.5 Ok");
    append_line("gone@example.net", "5.1.1, status=undeliverable",
                "host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown");
    append_line("later@example.net", "4.2.2, status=undeliverable", "host mx[192.0.2.7] said: 452 4.2.2 Mailbox full");
    follow_for(200);
    ck_assert_int_eq(database_number("SELECT count(*) FROM rollup"), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
}
END_TEST

START_TEST(what_is_delivered_is_kept_when_asked_for)
{
    keep_delivered = 1;
    append("a first line\n");
    follow_for(50);
    for (int i = 0; i < 2; i++)
        append_three(0);
    follow_for(200);
    ck_assert_str_eq(database_text("SELECT group_concat(key || ' ' || action || witnesses) FROM event e"
                                   " JOIN address a ON a.id = e.address"),
                     "gone0@example.net failed2,fine@example.org delivered2,late@example.org delayed2");
    ck_assert_str_eq(database_text("SELECT group_concat(action || attempts || reports) FROM"
                                   " (SELECT * FROM rollup ORDER BY action)"), "delayed20,delivered20,failed10");
    ck_assert_str_eq(database_text("SELECT group_concat(action || events || recipients) FROM"
                                   " (SELECT * FROM v_daily ORDER BY action)"), "delayed21,delivered21,failed11");
}
END_TEST

/* Rotated every few lines, by name and by copy, while the follower reads and is killed. */
START_TEST(a_storm_of_rotations_loses_nothing)
{
    char command[700];
    int written = 0;
    pid_t child;

    append("a first line\n");
    follow_for(50);
    child = start_follower();
    for (int i = 1; i <= STORM; i++) {
        for (int j = 0; j < 10; j++)
            append_failed(written++);
        if (i % 2)
            snprintf(command, sizeof(command), "mv %s %s-%04d", path, path, i);
        else
            snprintf(command, sizeof(command), "cp %s %s-%04d && : >%s", path, path, i, path);
        ck_assert_int_eq(system(command), 0);
        pause_ms(15); /* the order of files is that of their times, which tick */
        if (i % 20 == 0) {
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
            child = start_follower();
        }
    }
    append_failed(written++);
    for (int i = 0; i < 200 && database_number("SELECT count(*) FROM event") < written; i++)
        pause_ms(100);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    snprintf(command, sizeof(command), "rm %s-*", path);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), written);
    ck_assert_int_eq(database_number("SELECT sum(witnesses) FROM event"), written);
}
END_TEST

START_TEST(only_failures_become_events)
{
    append("a first line\n");
    follow_for(50);
    append_line("ok@example.net", "2.0.0, status=sent", "250 ok");
    append_line("later@example.net", "4.4.1, status=deferred", "timed out");
    append_line("Gone@Example.NET", "5.1.1, status=bounced", "host mx.example.net[192.0.2.7] said: 550 5.1.1 User unknown");
    append_line("odd@example.net", "5.1.1, status=bounced", "550 >, relay=x, dsn=5.1.1, status=bounced (x)");
    append_line("cut@example.net>, orig_to=<x@example.org", "5.1.1, status=bounced", "550 5.1.1 User unknown");
    follow_for(200);
    ck_assert_str_eq(database_text("SELECT group_concat(key || ' ' || evidence || ' ' || decision) FROM event e "
                                   "JOIN address a ON a.id = e.address"),
                     "gone@example.net local suppress,cut@example.net unproven unproven");
    ck_assert_str_eq(database_text("SELECT source || ' ' || reporting_mta || ' ' || queue_id || ' ' || remote_mta "
                                   "FROM event"), "log mail 4Xyz00 mx.example.net");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 1);
    ck_assert_str_eq(database_text("SELECT group_concat(domain || action || trusted || attempts) FROM"
                                   " (SELECT * FROM rollup ORDER BY action, trusted)"),
                     "example.netdelayed11,example.netdelivered11,example.netfailed01,example.netfailed11");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LOG_AMBIGUOUS), 1);
}
END_TEST

/* Who is meant by a message that expired: those who were put off to the end. */
START_TEST(an_expired_message_has_failed_for_who_still_waited)
{
    append("a first line\n");
    follow_for(50);
    append_line("waits@example.net", "4.4.1, status=deferred", "connect to mx.example.net[192.0.2.7]:25: Connection timed out");
    append_line("got@example.net", "4.2.0, status=deferred", "450 later");
    append_line("got@example.net", "2.0.0, status=sent", "250 ok");
    append_line("probed@example.net", "4.2.0, status=undeliverable-but-not-cached", "450 later");
    append("Nov  3 07:05:09 mail postfix/qmgr[2]: 4Xyz01: from=<n@example.com>, status=expired, returned to sender\n"
           "Nov  3 07:05:09 mail postfix/qmgr[2]: 4Xyz00: from=<n@example.com>, status=expired, returned to sender\n"
           "Nov  3 07:05:09 mail postfix/qmgr[2]: 4Xyz00: from=<n@example.com>, status=expired, returned to sender\n");
    follow_for(200);
    ck_assert_int_eq(database_number("SELECT sum(witnesses) FROM event"), 1);
    ck_assert_str_eq(database_text("SELECT key || ' ' || action || ' ' || status || ' ' || evidence || ' ' || queue_id || "
                                   "' ' || reporting_mta FROM event e JOIN address a ON a.id = e.address"),
                     "waits@example.net failed 4.4.1 local 4Xyz00 mail");
    ck_assert_int_eq(database_number("SELECT count(*) FROM suppression"), 0);
}
END_TEST

/* What an outsider may put into a line harms neither it nor the next one. */
START_TEST(hostile_lines_are_survived)
{
    static const char with_nul[] = "Nov  3 07:05:09 mail postfix/smtp[7]: 4Xyz00: to=<n\0l@example.net>, relay=none, delay=1, "
                                   "dsn=5.1.1, status=bounced (550 5.1.1 User \0 unknown)\n";
    static const char start[] = "Nov  3 07:05:09 mail postfix/smtp[7]: 4Xyz00: to=<long@example.net>, relay=none, delay=1, "
                                "dsn=5.1.1, status=bounced (550 5.1.1 User unknown ";
    static char line[100001];

    append("a first line\n");
    follow_for(50);
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, start, sizeof(start) - 1);
    append(line);
    append(")\n");
    append_line("\"a>, dsn=5.1.1, status=bounced\"@example.net", "2.0.0, status=sent", "250 ok");
    append_line("c\x01\x1b[2Jd\x7f@example.net", "5.1.1, status=bounced", "550 5.1.1 \x01\x1b[2J User unknown");
    append_raw(with_nul, sizeof(with_nul) - 1);
    append_failed(1);
    follow_for(300);
    ck_assert_str_eq(database_text("SELECT group_concat(key || ' ' || decision, '|') FROM event e JOIN address a ON "
                                   "a.id = e.address"),
                     "long@example.net unproven|\"c?\?[2jd?\"@example.net unproven|n?l@example.net unproven|"
                     "gone1@example.net suppress");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LOG_LINES_CUT), 1);
    ck_assert_int_eq(database_number("SELECT count(*) FROM reply WHERE instr(text, char(27)) OR instr(text, char(0))"), 0);
}
END_TEST

/* It proves nothing, for its end may say something else. */
START_TEST(a_line_that_is_longer_than_allowed_is_doubtful)
{
    line_max = 300;
    append("a first line\n");
    follow_for(50);
    append_line("far@example.net", "5.1.1, status=bounced", "550 5.1.1 User unknown, and so on and so on and so on, as "
                "servers will have it that like to be read and are not, for nobody has the time, nor the patience, nor a line "
                "of three hundred bytes that ends in the end");
    append_failed(1);
    follow_for(200);
    ck_assert_str_eq(database_text("SELECT group_concat(key || ' ' || evidence, '|') FROM event e JOIN address a ON "
                                   "a.id = e.address"), "far@example.net unproven|gone1@example.net local");
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LOG_LINES_CUT), 1);
}
END_TEST

/* The log has the short name of the host, the DSN the long one. */
START_TEST(a_log_line_and_a_dsn_are_one_event)
{
    struct record *record = report_one(EVIDENCE_LOCAL, "4Xyz00", "gone0@example.net", ACTION_FAILED, "550 5.1.1 User unknown");
    struct writer *writer;
    struct error error;

    append("a first line\n");
    follow_for(50);
    append_failed(0);
    follow_for(200);
    writer = open_writer();
    ck_assert_int_eq(writer_record(writer, record, 20, &error), 0);
    writer_stop(&writer);
    ck_assert_int_eq(database_number("SELECT count(*) FROM event"), 1);
    ck_assert_int_eq(database_number("SELECT witnesses FROM event"), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("follow");
    TCase *tcase = tcase_create("follow");
    struct error error;
    int failed;

    if (!(rules = ruleset_load(NULL, NULL, &error))) {
        fprintf(stderr, "rules: %s\n", error.text);
        return EXIT_FAILURE;
    }
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, each_line_counts_once_whatever_is_killed);
    tcase_add_test(tcase, deliveries_without_failures_count_once_too);
    tcase_add_test(tcase, a_log_that_lies_behind_is_caught_up);
    tcase_add_test(tcase, a_probe_is_no_message);
    tcase_add_test(tcase, what_is_delivered_is_kept_when_asked_for);
    tcase_add_test(tcase, a_storm_of_rotations_loses_nothing);
    tcase_add_test(tcase, only_failures_become_events);
    tcase_add_test(tcase, an_expired_message_has_failed_for_who_still_waited);
    tcase_add_test(tcase, hostile_lines_are_survived);
    tcase_add_test(tcase, a_line_that_is_longer_than_allowed_is_doubtful);
    tcase_add_test(tcase, a_log_line_and_a_dsn_are_one_event);
    suite_add_tcase(suite, tcase);
    failed = run_suite(suite);
    ruleset_unref(&rules);
    return failed;
}
