/* daemon/intake/lmtp_dialogue: each dialogue reads the same wherever its bytes
 * are cut, and no bytes of a message end it but those that should. */
#include "config.h"

#include "daemon/intake/lmtp_dialogue.h"

#include "base/mem.h"
#include "daemon/intake/collect.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>

#define SIZE_MAX_KEPT 60
#define CODES_MAX 400

static const struct collect_limits limits = {.size = SIZE_MAX_KEPT, .reading = MESSAGE_LIMITS_USUAL};
static struct counters counters;

/* What a dialogue came to: the codes of all replies, and all messages. */
struct course {
    char codes[CODES_MAX];
    char messages[600]; /* "sender:text|" each */
    enum lmtp_step step;
};

static void setup(void)
{
    memset(&counters, 0, sizeof(counters));
}

static void note_replies(struct lmtp_dialogue *dialogue, struct course *course)
{
    struct span rest = lmtp_dialogue_replies(dialogue), line;
    size_t length = strlen(course->codes);

    while (span_line(&rest, &line)) {
        ck_assert(line.length >= 4 && line.start[line.length] == '\r');
        if (line.start[3] == ' ')
            length += (size_t)snprintf(course->codes + length, CODES_MAX - length, "%s%.3s", length ? " " : "", line.start);
    }
    lmtp_dialogue_said(dialogue);
}

static void note_message(struct lmtp_dialogue *dialogue, struct course *course)
{
    size_t length = strlen(course->messages);
    const char *sender, *tagged;
    struct span bytes = collect_bytes(lmtp_dialogue_message(dialogue, &sender, &tagged));

    snprintf(course->messages + length, sizeof(course->messages) - length, "%s:%.*s|", sender, (int)bytes.length, bytes.start);
}

/* Gives input in pieces: the first of first bytes, the others of piece bytes. */
static struct course run(const char *input, size_t length, size_t first, size_t piece, int recorded)
{
    struct lmtp_dialogue *dialogue = lmtp_dialogue_new("mx.example.org", &limits, &counters);
    struct course course = {.step = LMTP_MORE};

    for (size_t at = 0, next = first; at < length && course.step != LMTP_OVER; next = piece) {
        size_t given = next < length - at ? next : length - at, taken;

        course.step = lmtp_dialogue_take(dialogue, input + at, given, &taken);
        ck_assert(taken <= given && (taken == given || course.step != LMTP_MORE));
        at += taken;
        if (course.step == LMTP_MESSAGE) {
            note_message(dialogue, &course);
            note_replies(dialogue, &course);
            ck_assert_int_eq(lmtp_dialogue_take(dialogue, "NOOP\r\n", 6, &taken), LMTP_MESSAGE);
            ck_assert_uint_eq(taken, 0);
            lmtp_dialogue_answer(dialogue, recorded);
            course.step = LMTP_MORE;
        }
        note_replies(dialogue, &course);
    }
    lmtp_dialogue_free(&dialogue);
    return course;
}

#define CONTROLS "NO\0OP\r\nNOOP\0\r\nNOOP \t\r\nNOOP\r\r\nNOOP\x7f\r\n"
#define HELLO "LHLO client\r\n"
#define TO_ONE HELLO "MAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"

static const struct {
    const char *what, *input;
    size_t length; /* 0: strlen */
    const char *codes, *messages;
    unsigned faults;
} dialogues[] = {
    {"one message", TO_ONE "Subject: x\r\n\r\nHi\r\n.\r\nQUIT\r\n", 0, "220 250 250 250 354 250 221", ":Subject: x\r\n\r\nHi\r\n|", 0},
    {"a reply for each recipient", HELLO "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n.\r\nNOOP\r\n", 0,
     "220 250 250 250 250 250 354 250 250 250 250", "a@x.example:|", 0},
    {"two messages in one go", TO_ONE "1\r\n.\r\nMAIL FROM:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n2\r\n.\r\nQUIT\r\n", 0,
     "220 250 250 250 354 250 250 250 354 250 221", ":1\r\n|b@x:2\r\n|", 0},
    {"parameters", HELLO "MAIL FROM:<a@x> SIZE=12345 BODY=8BITMIME SMTPUTF8\r\nRSET\r\nMAIL FROM:<a@x> body=7bit\r\n", 0, "220 250 250 250 250", "", 0},
    {"blanks and case", "lhlo x\r\nmail From: <\"a b>\"@x>  size=1 \r\nrCpT tO:<c@x> \r\ndata \r\n.\r\n", 0, "220 250 250 250 354 250", "\"a b>\"@x:|", 0},
    {"8 bits in addresses and text", HELLO "MAIL FROM:<\xd1\x82@x> SMTPUTF8\r\nRCPT TO:<\xd1\x82@x>\r\nDATA\r\n\xff\xfe\r\n.\r\n", 0,
     "220 250 250 250 354 250", "\xd1\x82@x:\xff\xfe\r\n|", 0},
    {"VRFY, RSET, NOOP", "VRFY joe\r\nNOOP x\r\nRSET\r\n", 0, "220 252 250 250", "", 0},
    {"LHLO again forgets", TO_ONE ".\r\nMAIL FROM:<a@x>\r\n" HELLO "RCPT TO:<b@x>\r\n", 0, "220 250 250 250 354 250 250 250 503", ":|", 1},

    {"dots", TO_ONE "..\r\n..a\r\na.\r\n...\r\n.b\r\n.\r\n", 0, "220 250 250 250 354 250", ":.\r\n.a\r\na.\r\n..\r\nb\r\n|", 0},
    {"bare LF ends nothing", TO_ONE "a\n.\nb\n.\r\nc\r\n.\nd\r\n.\r\n", 0, "220 250 250 250 354 250", ":a\n.\nb\n.\r\nc\r\n\nd\r\n|", 0},
    {"bare CR ends nothing", TO_ONE "a\r.\rb\r\r\n.\rc\r\n.\r\n", 0, "220 250 250 250 354 250", ":a\r.\rb\r\r\n\rc\r\n|", 0},
    {"CR CR LF behind a dot", TO_ONE ".\r\r\n.\r\n", 0, "220 250 250 250 354 250", ":\r\r\n|", 0},
    {"too large: the head is kept", TO_ONE "0123456789012345678901234567890123456789\r\n0123456789012345678901234567890123456789\r\n.\r\nQUIT\r\n", 0,
     "220 250 250 250 354 250 221", ":0123456789012345678901234567890123456789\r\n012345678901234567|", 0},

    {"before LHLO", "MAIL FROM:<>\r\n", 0, "220 503", "", 1},
    {"not LMTP", "EHLO x\r\nHELO x\r\n", 0, "220 500 500", "", 2},
    {"LHLO without a name", "LHLO\r\nLHLO \r\n", 0, "220 501 501", "", 2},
    {"wrong order", HELLO "RCPT TO:<b@x>\r\nDATA\r\nMAIL FROM:<>\r\nDATA\r\nMAIL FROM:<>\r\n", 0, "220 250 503 503 250 503 503", "", 4},
    {"no paths", HELLO "MAIL FROM:a@x\r\nMAIL TO:<a@x>\r\nMAIL FROM:<a@x\r\nMAIL FROM:<a@x>SIZE=1\r\nMAIL\r\nMAIL FROM:<\"a>\r\nMAIL FROM:<a\\>\r\n", 0,
     "220 250 501 501 501 501 501 501 501", "", 7},
    {"no recipient", HELLO "MAIL FROM:<>\r\nRCPT TO:<>\r\nRCPT FROM:<a@x>\r\n", 0, "220 250 250 501 501", "", 2},
    {"unknown parameters", HELLO "MAIL FROM:<> RET=HDRS\r\nMAIL FROM:<> SIZE=x\r\nMAIL FROM:<> SIZE=\r\nMAIL FROM:<>\r\nRCPT TO:<b@x> NOTIFY=NEVER\r\n", 0,
     "220 250 555 555 555 250 555", "", 4},
    {"DATA with an argument", HELLO "MAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA now\r\n", 0, "220 250 250 250 501", "", 1},
    {"unknown commands", "\r\nHELP\r\nSTARTTLS\r\n \r\nNOO\r\nNOOPS\r\n", 0, "220 500 500 500 500 500 500", "", 6},
    {"a command that ends with a bare LF", "NOOP\nNOOP\r\n", 0, "220 500 250", "", 1},
    {"control characters", CONTROLS, sizeof(CONTROLS) - 1, "220 500 500 500 500 500", "", 5},
    {"NUL in a message", TO_ONE "a\0b\r\n.\r\n", sizeof(TO_ONE "a\0b\r\n.\r\n") - 1, "220 250 250 250 354 250", NULL, 0},
    {"all faults", "x\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nNOOP\r\n", 0,
     "220 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 421", "", 20},
};

static size_t length_of(int i)
{
    return dialogues[i].length ? dialogues[i].length : strlen(dialogues[i].input);
}

START_TEST(each_dialogue_has_its_replies)
{
    struct course course = run(dialogues[_i].input, length_of(_i), length_of(_i), 1, 1);

    ck_assert_msg(!strcmp(course.codes, dialogues[_i].codes), "%s: %s", dialogues[_i].what, course.codes);
    if (dialogues[_i].messages)
        ck_assert_msg(!strcmp(course.messages, dialogues[_i].messages), "%s: %s", dialogues[_i].what, course.messages);
    ck_assert_msg(counters_get(&counters, COUNTER_LMTP_FAULTS) == dialogues[_i].faults, "%s", dialogues[_i].what);
}
END_TEST

START_TEST(a_cut_changes_nothing)
{
    struct course whole = run(dialogues[_i].input, length_of(_i), length_of(_i), 1, 1), cut;

    for (size_t at = 0; at < length_of(_i); at++) {
        cut = run(dialogues[_i].input, length_of(_i), at ? at : 1, at ? length_of(_i) : 1, 1);
        ck_assert_msg(!strcmp(whole.codes, cut.codes) && !strcmp(whole.messages, cut.messages) && whole.step == cut.step,
                      "%s, cut at %zu: %s", dialogues[_i].what, at, cut.codes);
    }
}
END_TEST

START_TEST(what_is_not_recorded_comes_again)
{
    const char *input = HELLO "MAIL FROM:<>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n.\r\nQUIT\r\n";

    ck_assert_str_eq(run(input, strlen(input), strlen(input), 1, 0).codes, "220 250 250 250 250 354 451 451 221");
}
END_TEST

START_TEST(nul_is_kept)
{
    const char input[] = TO_ONE "a\0b\r\n.\r\n";
    struct lmtp_dialogue *dialogue = lmtp_dialogue_new("mx", &limits, &counters);
    const char *sender, *tagged;
    struct span bytes;
    size_t taken;

    ck_assert_int_eq(lmtp_dialogue_take(dialogue, input, sizeof(input) - 1, &taken), LMTP_MESSAGE);
    bytes = collect_bytes(lmtp_dialogue_message(dialogue, &sender, &tagged));
    ck_assert(bytes.length == 5 && !memcmp(bytes.start, "a\0b\r\n", 5));
    lmtp_dialogue_free(&dialogue);
}
END_TEST

static const struct {
    size_t length; /* of "NOOP xxx" without its end */
    const char *codes;
} lines[] = {
    {LMTP_LINE_MAX, "220 250 250"},
    {LMTP_LINE_MAX + 1, "220 500 250"},
    {LMTP_LINE_MAX + 2, "220 500 250"},
    {LMTP_LINE_MAX + 3, "220 500 250"},
    {100000, "220 500 250"},
};

START_TEST(a_line_is_bounded)
{
    size_t length = lines[_i].length;
    char *input = xmalloc(length + 9);

    memset(input, 'x', length);
    memcpy(input, "NOOP ", 5);
    memcpy(input + length, "\r\nNOOP\r\n", 9);
    ck_assert_str_eq(run(input, length + 8, length + 8, 1, 1).codes, lines[_i].codes);
    ck_assert_str_eq(run(input, length + 8, 1, 1, 1).codes, lines[_i].codes);
    ck_assert_str_eq(run(input, length + 8, 1000, 1000, 1).codes, lines[_i].codes);
    free(input);
}
END_TEST

START_TEST(recipients_are_bounded)
{
    struct lmtp_dialogue *dialogue = lmtp_dialogue_new("mx", &limits, &counters);
    const char *rcpt = "RCPT TO:<b@x>\r\n";
    struct span replies;
    size_t taken;

    lmtp_dialogue_take(dialogue, HELLO "MAIL FROM:<>\r\n", strlen(HELLO) + 14, &taken);
    for (int i = 0; i < LMTP_RECIPIENTS_MAX + LMTP_FAULTS_MAX; i++) {
        lmtp_dialogue_said(dialogue);
        ck_assert_int_eq(lmtp_dialogue_take(dialogue, rcpt, strlen(rcpt), &taken), LMTP_MORE);
        replies = lmtp_dialogue_replies(dialogue);
        ck_assert(span_starts(replies, i < LMTP_RECIPIENTS_MAX ? "250 2.1.5" : "452 4.5.3"));
    }
    ck_assert_uint_eq(counters_get(&counters, COUNTER_LMTP_FAULTS), LMTP_FAULTS_MAX);
    lmtp_dialogue_free(&dialogue);
}
END_TEST

START_TEST(what_is_offered)
{
    struct lmtp_dialogue *dialogue = lmtp_dialogue_new("mx.example.org", &limits, &counters);
    struct span replies;
    size_t taken;

    lmtp_dialogue_take(dialogue, HELLO, strlen(HELLO), &taken);
    replies = lmtp_dialogue_replies(dialogue);
    ck_assert(span_is(replies, "220 mx.example.org LMTP suppressd\r\n250-mx.example.org\r\n250-PIPELINING\r\n"
                               "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE\r\n"));
    lmtp_dialogue_free(&dialogue);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/intake/lmtp_dialogue");
    TCase *tc = tcase_create("dialogue");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, each_dialogue_has_its_replies, 0, sizeof(dialogues) / sizeof(dialogues[0]));
    tcase_add_loop_test(tc, a_cut_changes_nothing, 0, sizeof(dialogues) / sizeof(dialogues[0]));
    tcase_add_test(tc, what_is_not_recorded_comes_again);
    tcase_add_test(tc, nul_is_kept);
    tcase_add_loop_test(tc, a_line_is_bounded, 0, sizeof(lines) / sizeof(lines[0]));
    tcase_add_test(tc, recipients_are_bounded);
    tcase_add_test(tc, what_is_offered);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
