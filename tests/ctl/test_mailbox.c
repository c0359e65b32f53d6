/* ctl/mailbox: every shape of a mailbox gives its messages, whole and unquoted. */
#include "config.h"

#include "ctl/mailbox.h"

#include "tests/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct counters counters;
static struct error error;
static char folder[64];

static void setup(void)
{
    strcpy(folder, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char command[100];

    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *write_file(const char *name, const char *text, size_t length)
{
    static char path[200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_assert_ptr_nonnull(file = fopen(path, "wb"));
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    fclose(file);
    return path;
}

static void make_folder(const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* All messages, "|" behind each. */
static const char *messages_of(const char *name)
{
    static char text[2000];
    struct mailbox *mailbox = mailbox_open(name, &error);
    struct collect *message = NULL;
    size_t length = 0;
    int found = 1;

    ck_assert_msg(mailbox != NULL, "%s", error.text);
    text[0] = '\0';
    while (found > 0) {
        message = collect_new(&(const struct collect_limits){1000, MESSAGE_LIMITS_USUAL, NULL}, &counters);
        if ((found = mailbox_next(mailbox, message, &error)) > 0)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%.*s|",
                                       (int)collect_bytes(message).length, collect_bytes(message).start);
        collect_free(&message);
    }
    ck_assert_int_eq(found, 0);
    ck_assert_uint_eq(mailbox_taken(mailbox), mailbox_size(mailbox));
    mailbox_close(&mailbox);
    return text;
}

#define FROM "From joe@example.com Mon Nov 23 10:00:00 2026\n"

static const struct {
    const char *what, *file, *messages;
} boxes[] = {
    {"nothing", "", ""},
    {"one message", "Subject: a\n\nb\n", "Subject: a\n\nb\n|"},
    {"one message that quotes an mbox", "Subject: a\n\n" FROM "b\n>From c\n", "Subject: a\n\n" FROM "b\n>From c\n|"},
    {"one message without an end", "Subject: a", "Subject: a|"},
    {"an mbox of one", FROM "A: 1\n\nb\n", "A: 1\n\nb\n|"},
    {"an mbox of two", FROM "A: 1\n\nb\n\n" FROM "A: 2\n\nc\n", "A: 1\n\nb\n\n|A: 2\n\nc\n|"},
    {"with CR LF", "From MAILER-DAEMON  Mon Nov 23 10:00:00 2026\r\nA: 1\r\n\r\nb\r\n\r\n"
     "From x Mon Nov 23 9:00 2026\r\nA: 2\r\n", "A: 1\r\n\r\nb\r\n\r\n|A: 2\r\n|"},
    {"mboxo and mboxrd", FROM "A: 1\n\n>From b\n>>From c\n> From d\n>Fromage\n x >From e\n", "A: 1\n\nFrom b\n>From c\n> From d\n>Fromage\n x >From e\n|"},
    {"a From that is no end", FROM "A: 1\n\nb\nFrom here 10:00\n\nFrom then on\n\n" FROM "A: 2\n",
     "A: 1\n\nb\nFrom here 10:00\n\nFrom then on\n\n|A: 2\n|"},
    {"a From in another case", FROM "A: 1\n\nb\n\nFROM x 10:00\nC: 2\n", "A: 1\n\nb\n\nFROM x 10:00\nC: 2\n|"},
    {"a From behind a line of blanks", FROM "A: 1\n\nb\n \n" FROM "C: 2\n", "A: 1\n\nb\n \n" FROM "C: 2\n|"},
    {"a From behind a lone CR", FROM "A: 1\n\nb\n\r\n" FROM "C: 2\n", "A: 1\n\nb\n\r\n" FROM "C: 2\n|"},
    {"empty messages", FROM "\n" FROM "\n" FROM, "\n|\n||"},
    {"shorter than From", "Fro", "Fro|"},
};

START_TEST(each_file_gives_its_messages)
{
    const char *got = messages_of(write_file("box", boxes[_i].file, strlen(boxes[_i].file)));

    ck_assert_msg(!strcmp(got, boxes[_i].messages), "%s: %s", boxes[_i].what, got);
}
END_TEST

START_TEST(a_maildir)
{
    make_folder("new");
    make_folder("cur");
    make_folder("tmp");
    write_file("cur/2.host:2,S", "A: 2\n\nb\n", 8);
    write_file("new/10.host", FROM "A: 10\n", strlen(FROM "A: 10\n"));
    write_file("new/9.host", "A: 9\n", 5);
    write_file("new/.hidden", "A: 0\n", 5);
    write_file("tmp/1.host", "A: 1\n", 5);
    ck_assert_str_eq(messages_of(folder), "A: 9\n|" FROM "A: 10\n|A: 2\n\nb\n|");
}
END_TEST

START_TEST(an_mh_folder)
{
    write_file("10", "A: 10\n", 6);
    write_file("9", "A: 9\n", 5);
    write_file(".mh_sequences", "cur: 9\n", 7);
    write_file("9~", "A: 0\n", 5);
    ck_assert_str_eq(messages_of(folder), "A: 9\n|A: 10\n|");
}
END_TEST

/* Lines longer than the buffer, with words in them that look like the start of one. */
START_TEST(lines_of_any_length)
{
    static char text[400000];
    struct mailbox *mailbox;
    struct collect *message = collect_new(&(const struct collect_limits){sizeof(text), MESSAGE_LIMITS_USUAL, NULL}, &counters);
    size_t length = (size_t)sprintf(text, FROM "A: 1\n\n"), begin = strlen(FROM);
    struct span got;

    for (; length < 300000; length += 5)
        memcpy(text + length, "From ", 5);
    length += (size_t)sprintf(text + length, "\n\n" FROM "A: 2\n");
    mailbox = mailbox_open(write_file("box", text, length), &error);
    ck_assert_int_eq(mailbox_next(mailbox, message, &error), 1);
    got = collect_bytes(message);
    ck_assert_uint_eq(got.length, length - begin - strlen(FROM "A: 2\n"));
    ck_assert(!memcmp(got.start, text + begin, got.length));
    collect_free(&message);
    message = collect_new(&(const struct collect_limits){100, MESSAGE_LIMITS_USUAL, NULL}, &counters);
    ck_assert_int_eq(mailbox_next(mailbox, message, &error), 1);
    ck_assert(span_is(collect_bytes(message), "A: 2\n"));
    collect_free(&message);
    mailbox_close(&mailbox);
}
END_TEST

START_TEST(nul_bytes_are_kept)
{
    const char text[] = FROM "A: 1\n\na\0b\n>From \0\n";
    struct mailbox *mailbox = mailbox_open(write_file("box", text, sizeof(text) - 1), &error);
    struct collect *message = collect_new(&(const struct collect_limits){100, MESSAGE_LIMITS_USUAL, NULL}, &counters);

    ck_assert_int_eq(mailbox_next(mailbox, message, &error), 1);
    ck_assert_uint_eq(collect_bytes(message).length, 17);
    ck_assert(!memcmp(collect_bytes(message).start, "A: 1\n\na\0b\nFrom \0\n", 17));
    collect_free(&message);
    mailbox_close(&mailbox);
}
END_TEST

START_TEST(what_is_no_mailbox_is_named)
{
    char expected[200];

    ck_assert_ptr_null(mailbox_open("/nonexistent", &error));
    ck_assert_str_eq(error.text, "/nonexistent: No such file or directory");
    ck_assert_ptr_null(mailbox_open(folder, &error));
    snprintf(expected, sizeof(expected), "%s: neither a Maildir (no cur) nor an MH folder (no numbered files)", folder);
    ck_assert_str_eq(error.text, expected);
}
END_TEST

START_TEST(a_file_that_goes_away_is_named)
{
    struct collect *message = collect_new(&(const struct collect_limits){100, MESSAGE_LIMITS_USUAL, NULL}, &counters);
    const char *path = write_file("box", "x", 1);
    struct mailbox *mailbox = mailbox_open(path, &error);

    unlink(path);
    ck_assert_int_eq(mailbox_next(mailbox, message, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "box: No such file"));
    ck_assert_int_eq(mailbox_next(mailbox, message, &error), 0);
    collect_free(&message);
    mailbox_close(&mailbox);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl/mailbox");
    TCase *tc = tcase_create("mailbox");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_file_gives_its_messages, 0, sizeof(boxes) / sizeof(boxes[0]));
    tcase_add_test(tc, a_maildir);
    tcase_add_test(tc, an_mh_folder);
    tcase_add_test(tc, lines_of_any_length);
    tcase_add_test(tc, nul_bytes_are_kept);
    tcase_add_test(tc, what_is_no_mailbox_is_named);
    tcase_add_test(tc, a_file_that_goes_away_is_named);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
