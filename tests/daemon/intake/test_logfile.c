/* A log file as one stream of lines, whatever rotates it. */
#include "config.h"

#include "daemon/intake/logfile.h"

#include "daemon/report/maillog.h"
#include "tests/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATED_MAX 200

static char folder[64], path[100];
static struct logfile *file;
static int rotations;

static void setup(void)
{
    strcpy(folder, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/mail.log", folder);
    rotations = 0;
}

static const char *rotated(int number)
{
    static char name[120];

    snprintf(name, sizeof(name), "%s.%d", path, number);
    return name;
}

static void teardown(void)
{
    logfile_close(&file);
    for (int i = 1; i <= ROTATED_MAX; i++)
        unlink(rotated(i));
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void append_to(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void append(const char *text)
{
    append_to(path, text);
}

/* Rotations follow each other faster here than a file system's clock ticks. */
static void set_time(const char *name)
{
    struct timespec times[2] = {{.tv_sec = 1000000 + rotations}, {.tv_sec = 1000000 + rotations}};

    ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

static void make_room(void)
{
    char from[120];

    for (int i = rotations++; i > 0; i--) {
        strcpy(from, rotated(i));
        ck_assert_int_eq(rename(from, rotated(i + 1)), 0);
    }
}

static void rotate_by_rename(void)
{
    make_room();
    ck_assert_int_eq(rename(path, rotated(1)), 0);
    set_time(rotated(1));
}

static void copy(void)
{
    char command[300];

    make_room();
    snprintf(command, sizeof(command), "cp %s %s", path, rotated(1));
    ck_assert_int_eq(system(command), 0);
    set_time(rotated(1));
}

static void rotate_by_copy(void)
{
    copy();
    ck_assert_int_eq(truncate(path, 0), 0);
}

/* All lines that are there now, each with a "|" behind it. */
static const char *take(void)
{
    static char out[4096];
    struct span line;

    out[0] = '\0';
    while (logfile_next(file, &line))
        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%.*s|", (int)(line.length > 40 ? 40 : line.length), line.start);
    return out;
}

/* What so many visits give. */
static const char *take_visits(int count)
{
    static char all[4096];

    all[0] = '\0';
    while (count--)
        strcat(all, take());
    return all;
}

static void begin(void)
{
    struct log_position nothing = {0};

    file = logfile_open(path, &nothing);
}

static void start_anew(void)
{
    struct log_position position;

    ck_assert_int_eq(logfile_position(file, &position), 1);
    position.time = 1000000 + rotations; /* as set_time does: saved before the next rotation */
    logfile_close(&file);
    file = logfile_open(path, &position);
}

START_TEST(the_first_time_begins_at_the_end)
{
    append("old\nha");
    file = logfile_open(path, NULL);
    ck_assert_str_eq(take(), "");
    append("lf\nnew\n");
    ck_assert_str_eq(take(), "new|");
}
END_TEST

START_TEST(a_file_that_comes_later_is_read_from_its_first_line)
{
    file = logfile_open(path, NULL);
    ck_assert_str_eq(take(), "");
    ck_assert_ptr_nonnull(logfile_problem(file));
    append("new\n");
    ck_assert_str_eq(take(), "new|");
    ck_assert_ptr_null(logfile_problem(file));
}
END_TEST

START_TEST(a_line_without_end_waits)
{
    begin();
    append("one\ntw");
    ck_assert_str_eq(take(), "one|");
    start_anew();
    append("o\n");
    ck_assert_str_eq(take(), "two|");
}
END_TEST

START_TEST(rotation_by_rename_loses_nothing)
{
    begin();
    append("1\n2\n");
    ck_assert_str_eq(take(), "1|2|");
    append("3\n");
    rotate_by_rename();
    ck_assert_str_eq(take(), "3|");
    append("5\n");
    append_to(rotated(1), "4\nrest"); /* the MTA has not noticed yet */
    set_time(rotated(1));
    ck_assert_str_eq(take(), "4|");
    ck_assert_str_eq(take(), "rest|");
    ck_assert_str_eq(take(), "5|");
    append("6\n");
    rotate_by_rename();
    append("7\n");
    rotate_by_rename();
    append("8\n");
    ck_assert_str_eq(take_visits(5), "6|7|8|");
    ck_assert_uint_eq(logfile_gaps(file), 0);
}
END_TEST

START_TEST(rotation_by_copy_loses_nothing)
{
    begin();
    append("the first\n2\n");
    ck_assert_str_eq(take(), "the first|2|");
    append("3\n");
    rotate_by_copy();
    append("4\n");
    ck_assert_str_eq(take(), "3|");
    ck_assert_str_eq(take_visits(2), "4|");
    append("5\n");
    rotate_by_copy();
    append("another file that is longer than the one before\n");
    ck_assert_str_eq(take(), "5|");
    ck_assert_str_eq(take_visits(2), "another file that is longer than the one|");
    ck_assert_uint_eq(logfile_gaps(file), 0);
}
END_TEST

/* A reader that comes from the file before finds the same lines twice. */
START_TEST(a_copy_that_is_still_being_made_is_not_read_twice)
{
    begin();
    append("1\n");
    ck_assert_str_eq(take(), "1|");
    rotate_by_rename();
    append("2\n");
    copy();
    ck_assert_str_eq(take_visits(4), "2|");
    ck_assert_str_eq(take_visits(4), "");
    append("3\n");
    ck_assert_str_eq(take(), "3|");
    ck_assert_int_eq(truncate(path, 0), 0); /* 3 came after the copy was made: copytruncate loses it */
    append("4\n");
    ck_assert_str_eq(take_visits(5), "4|");
    ck_assert_uint_eq(logfile_gaps(file), 1);
}
END_TEST

static void (*const rotate[])(void) = {rotate_by_rename, rotate_by_copy};

START_TEST(what_was_rotated_while_nobody_read_is_found)
{
    begin();
    append("1\n2\n");
    ck_assert_str_eq(take(), "1|2|");
    append("3\n");
    rotate[_i]();
    append("4\n");
    rotate[_i]();
    append("5\n");
    start_anew();
    ck_assert_str_eq(take(), "3|");
    ck_assert_str_eq(take_visits(2), "4|");
    start_anew();
    ck_assert_str_eq(take_visits(3), "5|");
    ck_assert_uint_eq(logfile_gaps(file), 0);
}
END_TEST

START_TEST(a_file_that_is_gone_is_a_gap)
{
    begin();
    append("1\n");
    ck_assert_str_eq(take(), "1|");
    rotate_by_rename();
    start_anew();
    logfile_close(&file);
    begin();
    append("2\n");
    ck_assert_str_eq(take(), "2|");
    ck_assert_int_eq(truncate(path, 0), 0);
    append("3\n4\n");
    ck_assert_str_eq(take_visits(2), "3|4|");
    ck_assert_uint_eq(logfile_gaps(file), 1);
}
END_TEST

/* Far behind: others are done with the file that is being read, and not with the next. */
START_TEST(files_that_wait_are_read_when_the_one_before_is_gone)
{
    struct log_position position;

    begin();
    append("1\n");
    ck_assert_str_eq(take(), "1|");
    append("2, which nobody reads any more\n");
    rotate_by_rename();
    append("3\n");
    rotate_by_rename();
    append("4\n");
    rotate_by_rename();
    append("5\n");
    ck_assert_int_eq(logfile_position(file, &position), 1);
    logfile_close(&file);
    ck_assert_int_eq(unlink(rotated(3)), 0);
    file = logfile_open(path, &position);
    ck_assert_str_eq(take_visits(7), "3|4|5|");
    ck_assert_uint_eq(logfile_gaps(file), 1);
}
END_TEST

/* Days away: the file of the position has been compressed, the next one not yet. */
START_TEST(behind_a_compressed_file_reading_goes_on)
{
    char command[200];

    begin();
    append("1\n");
    ck_assert_str_eq(take(), "1|");
    append("2, which is in the compressed file\n");
    rotate_by_rename();
    append("3\n");
    rotate_by_rename();
    append("4\n");
    rotate_by_rename();
    append("5\n");
    snprintf(command, sizeof(command), "gzip %s", rotated(3));
    ck_assert_int_eq(system(command), 0);
    rotations -= 3; /* for the time of the position */
    start_anew();
    rotations += 3;
    ck_assert_str_eq(take_visits(7), "3|4|5|");
    ck_assert_uint_eq(logfile_gaps(file), 1);
    snprintf(command, sizeof(command), "rm %s.gz", rotated(3));
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(a_position_tells_where_reading_began)
{
    struct log_position position;

    append("old\n");
    file = logfile_open(path, NULL);
    append("new\n");
    ck_assert_str_eq(take(), "new|");
    ck_assert_int_eq(logfile_position(file, &position), 1);
    ck_assert(position.since == 4 && position.offset == 8);
    start_anew();
    rotate_by_copy();
    append("newer\n");
    ck_assert_str_eq(take_visits(3), "newer|");
    ck_assert_int_eq(logfile_position(file, &position), 1);
    ck_assert(position.since == 0 && position.offset == 6);
}
END_TEST

/* So that what was read of each file is known in the end. */
START_TEST(a_visit_ends_with_its_file)
{
    struct log_position position;
    uint64_t old;

    begin();
    append("1\n");
    ck_assert_str_eq(take(), "1|");
    append("2\n");
    ck_assert_int_eq(logfile_position(file, &position), 1);
    old = position.inode;
    rotate_by_rename();
    append("3\n");
    for (const char *text = take(); !strstr(text, "3|"); text = take()) {
        ck_assert_int_eq(logfile_position(file, &position), 1);
        ck_assert(position.inode == old && position.offset == 4);
    }
    ck_assert_int_eq(logfile_position(file, &position), 1);
    ck_assert(position.inode != old && position.offset == 2);
}
END_TEST

START_TEST(other_neighbours_are_left_alone)
{
    char name[120];

    begin();
    append("1\n");
    ck_assert_str_eq(take(), "1|");
    snprintf(name, sizeof(name), "%s.old", path);
    append_to(name, "not this\n");
    rotate_by_rename();
    append("2\n");
    ck_assert_str_eq(take_visits(3), "2|");
    unlink(name);
}
END_TEST

START_TEST(an_overlong_line_is_left_in_its_middle)
{
    char *text = malloc(2 * MAILLOG_LINE_MAX + 1);

    memset(text, 'x', 2 * MAILLOG_LINE_MAX);
    text[2 * MAILLOG_LINE_MAX] = '\0';
    begin();
    append(text);
    ck_assert_str_eq(take(), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|");
    start_anew();
    append("y\nnext\n");
    ck_assert_str_eq(take(), "next|");
    free(text);
}
END_TEST

/* A writer, a rotation and a reader that is killed, in any order: what was read
 * up to the last position saved is each line once, in order. */
struct play {
    unsigned seed;
    int written, pending, committed; /* lines; pending: read behind the position */
    int half;                        /* the last line has no end yet */
    struct log_position position;
};

static void write_some(struct play *play)
{
    char text[40];

    if (play->half)
        append("\n");
    play->half = rand_r(&play->seed) % 4 == 0;
    snprintf(text, sizeof(text), "line %d%s", play->written++, play->half ? "" : "\n");
    append(text);
}

static void read_some(struct play *play, int most)
{
    struct span line;
    char expected[40];

    while (most-- > 0 && logfile_next(file, &line)) {
        snprintf(expected, sizeof(expected), "line %d", play->committed + play->pending++);
        ck_assert_msg(span_is(line, expected), "%.*s instead of %s", (int)line.length, line.start, expected);
    }
}

static void save(struct play *play)
{
    ck_assert_int_eq(logfile_position(file, &play->position), 1);
    play->committed += play->pending;
    play->pending = 0;
}

static void kill_reader(struct play *play)
{
    play->pending = 0;
    logfile_close(&file);
    file = logfile_open(path, &play->position);
}

static void step(struct play *play)
{
    switch (rand_r(&play->seed) % 10) {
    case 0:
        kill_reader(play);
        break;
    case 1:
        if (!play->half && play->written && rotations < ROTATED_MAX && !access(path, F_OK))
            rotate[rand_r(&play->seed) % 2]();
        break;
    case 2:
    case 3:
        save(play);
        break;
    case 4:
    case 5:
    case 6:
        read_some(play, 1 + rand_r(&play->seed) % 5);
        break;
    default:
        write_some(play);
    }
}

START_TEST(each_line_counts_once_whatever_is_killed)
{
    struct play play = {.seed = (unsigned)_i + 1};

    begin();
    write_some(&play);
    read_some(&play, 1);
    save(&play);
    for (int i = 0; i < 600; i++)
        step(&play);
    if (play.half)
        append("\n");
    for (int i = 0; i < 3 * rotations + 3; i++)
        read_some(&play, 1000);
    save(&play);
    ck_assert_int_eq(play.committed, play.written);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("logfile");
    TCase *tcase = tcase_create("logfile");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_first_time_begins_at_the_end);
    tcase_add_test(tcase, a_file_that_comes_later_is_read_from_its_first_line);
    tcase_add_test(tcase, a_line_without_end_waits);
    tcase_add_test(tcase, rotation_by_rename_loses_nothing);
    tcase_add_test(tcase, rotation_by_copy_loses_nothing);
    tcase_add_test(tcase, a_copy_that_is_still_being_made_is_not_read_twice);
    tcase_add_loop_test(tcase, what_was_rotated_while_nobody_read_is_found, 0, 2);
    tcase_add_test(tcase, a_file_that_is_gone_is_a_gap);
    tcase_add_test(tcase, files_that_wait_are_read_when_the_one_before_is_gone);
    tcase_add_test(tcase, behind_a_compressed_file_reading_goes_on);
    tcase_add_test(tcase, a_position_tells_where_reading_began);
    tcase_add_test(tcase, a_visit_ends_with_its_file);
    tcase_add_test(tcase, other_neighbours_are_left_alone);
    tcase_add_test(tcase, an_overlong_line_is_left_in_its_middle);
    tcase_add_loop_test(tcase, each_line_counts_once_whatever_is_killed, 0, 20);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
