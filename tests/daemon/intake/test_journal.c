/* The systemd journal as a stream of lines: a real one, in a folder. */
#include "config.h"

#include "daemon/intake/journal.h"

#include "daemon/report/maillog.h"
#include "tests/daemon/intake/journal_writer.h"
#include "tests/run.h"

#include <poll.h>
#include <stdlib.h>

#define MAIL "SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/smtp\nSYSLOG_PID=7\n"
#define OF_UNIT "_SYSTEMD_UNIT=postfix@-.service\n" MAIL
#define OTHER "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=cron\nSYSLOG_PID=8\n"
#define PAGES 40 /* of a play */

static char name[200];
static struct journal *journal;

static void set_name(const char *words)
{
    snprintf(name, sizeof(name), "journal:%s %s", journal_folder, words);
}

static void setup(void)
{
    strcpy(journal_folder, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(journal_folder));
    journal_count = 0;
    set_name("");
}

static void teardown(void)
{
    char command[200];

    journal_close(&journal);
    snprintf(command, sizeof(command), "rm -r %s", journal_folder);
    ck_assert_int_eq(system(command), 0);
}

static void begin(void)
{
    const struct log_position nothing = {0};

    journal = journal_open(name, &nothing);
}

static void start_anew(void)
{
    struct log_position position;

    ck_assert_int_eq(journal_position(journal, &position), 1);
    journal_close(&journal);
    journal = journal_open(name, &position);
}

/* The messages of all entries that are there now, each with a "|" behind it. */
static const char *take(void)
{
    static char out[4096];
    struct span line;
    const char *text;

    out[0] = '\0';
    while (journal_next(journal, &line)) {
        text = line.length ? memmem(line.start, line.length, "]: ", 3) : NULL;
        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%.*s|",
                 text ? (int)(line.start + line.length - text - 3) : 0, text ? text + 3 : "");
    }
    return out;
}

START_TEST(an_entry_becomes_a_line)
{
    struct maillog_clock clock = {.now = JOURNAL_START};
    struct maillog_line line;
    struct span text;

    journal_write(MAIL, "4Xyz00: to=<a@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (x)");
    begin();
    ck_assert_int_eq(journal_next(journal, &text), 1);
    ck_assert(span_is(text, "2026-09-21T14:13:20Z mx1 postfix/smtp[7]: 4Xyz00: to=<a@example.net>, relay=none, delay=1, "
                            "dsn=5.1.1, status=bounced (x)"));
    ck_assert_int_eq(maillog_read(text.start, text.length, &clock, &line), MAILLOG_DELIVERY);
    ck_assert_int_eq(line.time, JOURNAL_START);
    ck_assert_int_eq(journal_next(journal, &text), 0);
}
END_TEST

START_TEST(the_first_time_begins_at_the_end)
{
    journal_write(MAIL, "old");
    journal_write(OTHER, "something else");
    journal = journal_open(name, NULL);
    start_anew(); /* there is a position before the first mail */
    ck_assert_str_eq(take(), "");
    journal_write(MAIL, "new");
    ck_assert_str_eq(take(), "new|");
    ck_assert_uint_eq(journal_gaps(journal), 0);
}
END_TEST

START_TEST(a_journal_that_comes_later_is_read_from_its_first_entry)
{
    journal = journal_open(name, NULL);
    ck_assert_str_eq(take(), "");
    ck_assert_ptr_nonnull(journal_problem(journal));
    journal_write(MAIL, "new");
    ck_assert_str_eq(take(), "new|");
    ck_assert_ptr_null(journal_problem(journal));
}
END_TEST

static const struct {
    const char *words, *expected;
} matches[] = {
    {"", "plain|unit|"},
    {"postfix@-.service", "unit|"},
    {"cron", "job|"},
    {"postfix/smtp", "plain|unit|"},
    {"postfix/smtp cron", "plain|job|unit|"},
    {"SYSLOG_FACILITY=3", "job|"},
    {"postfix@-.service SYSLOG_FACILITY=3", ""},
};

START_TEST(only_what_matches_is_given)
{
    struct error error;

    journal_write(MAIL, "plain");
    journal_write(OTHER, "job");
    journal_write(OF_UNIT, "unit");
    set_name(matches[_i].words);
    ck_assert_int_eq(journal_check(name, &error), 0);
    begin();
    ck_assert_str_eq(take(), matches[_i].expected);
}
END_TEST

START_TEST(what_is_no_match_is_refused)
{
    struct error error;

    ck_assert_int_eq(journal_check("journal:lower=case", &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "journal:lower=case"));
    ck_assert(!journal_is("/var/log/journal:") && journal_is("journal:"));
}
END_TEST

START_TEST(rotation_loses_nothing)
{
    begin();
    journal_write(MAIL, "1");
    ck_assert_str_eq(take(), "1|");
    journal_write(MAIL, "2");
    journal_rotate(1);
    journal_write(MAIL, "3");
    journal_rotate(2);
    journal_write(MAIL, "4");
    ck_assert_str_eq(take(), "2|3|4|");
    journal_rotate(3);
    start_anew();
    journal_write(MAIL, "5");
    ck_assert_str_eq(take(), "5|");
    ck_assert_uint_eq(journal_gaps(journal), 0);
}
END_TEST

START_TEST(an_entry_that_was_vacuumed_is_a_gap)
{
    journal_write(MAIL, "1");
    begin();
    ck_assert_str_eq(take(), "1|");
    journal_write(MAIL, "2");
    journal_rotate(1);
    journal_write(MAIL, "3");
    journal_vacuum(1);
    start_anew();
    ck_assert_str_eq(take(), "3|");
    ck_assert_uint_eq(journal_gaps(journal), 1);
    ck_assert_str_eq(take(), "");
    ck_assert_uint_eq(journal_gaps(journal), 1);
}
END_TEST

/* The entry of the position has gone, and the next one bears the next number. */
START_TEST(when_nothing_can_stand_between_it_is_no_gap)
{
    struct log_position position;
    struct span line;
    char *number;

    journal_write(MAIL, "1");
    journal_write(MAIL, "2");
    begin();
    ck_assert_int_eq(journal_next(journal, &line), 1);
    ck_assert_int_eq(journal_position(journal, &position), 1);
    number = strstr(position.cursor, ";i=1;");
    ck_assert_ptr_nonnull(number);
    number[3] = '0';
    journal_close(&journal);
    journal = journal_open(name, &position);
    ck_assert_str_eq(take(), "1|2|");
    ck_assert_uint_eq(journal_gaps(journal), 0);
}
END_TEST

START_TEST(vacuuming_what_a_reader_has_not_reached_is_a_gap)
{
    struct span line;

    journal_write(MAIL, "1");
    journal_write(MAIL, "2");
    journal_rotate(1);
    journal_write(MAIL, "3");
    begin();
    ck_assert_int_eq(journal_next(journal, &line), 1);
    journal_vacuum(1);
    start_anew();
    ck_assert_str_eq(take(), "3|");
    ck_assert_uint_eq(journal_gaps(journal), 1);
}
END_TEST

START_TEST(vacuuming_what_was_read_is_none)
{
    journal_write(MAIL, "1");
    begin();
    ck_assert_str_eq(take(), "1|");
    journal_rotate(1);
    journal_write(MAIL, "2");
    ck_assert_str_eq(take(), "2|");
    journal_vacuum(1);
    journal_write(MAIL, "3");
    ck_assert_str_eq(take(), "3|");
    ck_assert_uint_eq(journal_gaps(journal), 0);
}
END_TEST

START_TEST(news_wake_the_reader)
{
    struct pollfd wait = {.events = POLLIN};

    journal_write(MAIL, "1");
    begin();
    ck_assert_str_eq(take(), "1|");
    ck_assert_str_eq(take(), "");
    wait.fd = journal_fd(journal);
    journal_write(MAIL, "2");
    ck_assert_int_eq(poll(&wait, 1, 60000), 1);
    ck_assert_str_eq(take(), "2|");
    ck_assert_str_eq(take(), "");
    ck_assert_int_eq(poll(&wait, 1, 0), 0); /* or the loop would spin */
}
END_TEST

/* What an entry holds may be anything. */
START_TEST(hostile_entries_stay_within_their_line)
{
    struct maillog_clock clock = {.now = JOURNAL_START};
    static char text[100000];
    struct maillog_line line;
    struct span given;
    FILE *to = journal_begin();

    memset(text, 'x', sizeof(text));
    journal_put(to, MAIL, text, sizeof(text));
    journal_put(to, "SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=cron postfix/smtp\n",
                "4Xyz00: to=<a@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (x)", 78);
    journal_put(to, MAIL, "a\nNov  3 07:05:09 mx1 postfix/smtp[7]: 4Xyz00: to=<a@example.net>, relay=none, delay=1, dsn=5.1.1, "
                "status=bounced (x)", 117);
    journal_put(to, MAIL, "4Xyz00: to=<a\0b@example.net>, relay=none, delay=1, dsn=5.1.1, status=bounced (x)", 80);
    journal_put(to, "SYSLOG_FACILITY=2\n", "no program", 10);
    journal_end(to);
    begin();
    ck_assert_int_eq(journal_next(journal, &given), 1);
    ck_assert_uint_gt(given.length, MAILLOG_LINE_MAX); /* cut, and its reader will notice */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(journal_next(journal, &given), 1);
        ck_assert_int_eq(maillog_read(given.start, given.length, &clock, &line), MAILLOG_OTHER);
    }
    ck_assert_int_eq(journal_next(journal, &given), 1);
    ck_assert_int_eq(maillog_read(given.start, given.length, &clock, &line), MAILLOG_DELIVERY);
    ck_assert_uint_eq(line.recipients.length, 15);
    ck_assert_str_eq(take(), "|");
}
END_TEST

/* A writer, rotation and a reader that is killed, in any order. */
START_TEST(each_entry_counts_once_whatever_is_killed)
{
    unsigned seed = (unsigned)_i + 1;
    int taken = 0, pending = 0, rotations = 0;
    struct log_position position = {0};
    struct span line;
    char expected[40];

    begin();
    for (int i = 0; i <= PAGES; i++) {
        int what = i == PAGES ? -1 : rand_r(&seed) % 6;
        FILE *to = what < 3 ? journal_begin() : NULL;

        for (int j = 0; to && j <= rand_r(&seed) % 4; j++) {
            char text[40];

            snprintf(text, sizeof(text), "line %d", journal_count);
            journal_put(to, MAIL, text, strlen(text));
        }
        if (to)
            journal_end(to);
        if (what == 3 && journal_is_there())
            journal_rotate(++rotations);
        if (what == 4) {
            pending = 0;
            journal_close(&journal);
            journal = journal_open(name, &position);
        }
        for (int most = what < 0 ? 1000 : rand_r(&seed) % 5; most && journal_next(journal, &line); most--) {
            snprintf(expected, sizeof(expected), "]: line %d", taken + pending++);
            ck_assert_msg(span_ends(line, expected), "%.*s, not %s", (int)line.length, line.start, expected);
        }
        if (what == 5 || what < 0) {
            taken += pending;
            pending = 0;
            (void)journal_position(journal, &position);
        }
    }
    ck_assert_int_eq(taken, journal_count);
    ck_assert_uint_eq(journal_gaps(journal), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tcase = tcase_create("journal");

    if (journal_writer_missing()) {
        puts("no " JOURNAL_WRITER);
        return 77; /* automake's "skipped" */
    }
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, an_entry_becomes_a_line);
    tcase_add_test(tcase, the_first_time_begins_at_the_end);
    tcase_add_test(tcase, a_journal_that_comes_later_is_read_from_its_first_entry);
    tcase_add_loop_test(tcase, only_what_matches_is_given, 0, sizeof(matches) / sizeof(matches[0]));
    tcase_add_test(tcase, what_is_no_match_is_refused);
    tcase_add_test(tcase, rotation_loses_nothing);
    tcase_add_test(tcase, an_entry_that_was_vacuumed_is_a_gap);
    tcase_add_test(tcase, when_nothing_can_stand_between_it_is_no_gap);
    tcase_add_test(tcase, vacuuming_what_a_reader_has_not_reached_is_a_gap);
    tcase_add_test(tcase, vacuuming_what_was_read_is_none);
    tcase_add_test(tcase, news_wake_the_reader);
    tcase_add_test(tcase, hostile_entries_stay_within_their_line);
    tcase_add_loop_test(tcase, each_entry_counts_once_whatever_is_killed, 0, 4);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
