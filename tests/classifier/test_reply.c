/* Replies out of their wrappings. */
#include "config.h"

#include "classifier/reply.h"

#include "tests/run.h"

#include <stdio.h>
#include <string.h>

static struct reply reply; /* large: not on the stack of each case */

static const struct {
    const char *text;
    int code;
    const char *status;
    enum stage stage;
    const char *words;
} cases[] = {
    {"", 0, "", STAGE_UNKNOWN, ""},
    {"550", 550, "", STAGE_UNKNOWN, ""},
    {"550 5.1.1", 550, "5.1.1", STAGE_UNKNOWN, ""},
    {"550 no", 550, "", STAGE_UNKNOWN, "no"},
    {"550-5.1.1 one\r\n550 5.1.1 two\r\n", 550, "5.1.1", STAGE_UNKNOWN, "one two"},
    {"550-5.1.1 one 550-5.1.1 two 550 5.1.1 three", 550, "5.1.1", STAGE_UNKNOWN, "one two three"},
    {"550-one 550 two", 550, "", STAGE_UNKNOWN, "one two"},
    {"550 holds 550 messages", 550, "", STAGE_UNKNOWN, "holds 550 messages"},
    {"452-4.2.2 full\n452 4.2.2 up", 452, "4.2.2", STAGE_UNKNOWN, "full up"},
    {"smtp; 550 5.1.1 no", 550, "5.1.1", STAGE_UNKNOWN, "no"},
    {"x-unix; command failed", 0, "", STAGE_UNKNOWN, "command failed"},
    {"sorry, no mailbox (#5.1.1)", 0, "5.1.1", STAGE_UNKNOWN, "sorry, no mailbox (#5.1.1)"},
    {"from 192.0.2.5.1 only", 0, "", STAGE_UNKNOWN, "from 192.0.2.5.1 only"},
    {"550 <ann@example.com>: no", 550, "", STAGE_UNKNOWN, "<@>: no"},
    {"550 virus@example.com unknown", 550, "", STAGE_UNKNOWN, "@ unknown"},
    {"550 \"no such user\"@example.com ok", 550, "", STAGE_UNKNOWN, "@ ok"},
    {"host mx.example.com[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command)", 550,
     "5.1.1", STAGE_RCPT, "no"},
    {"host mx.example.com[192.0.2.1] said: 550 5.7.1 no (in reply to RCPT TO command) (suppressd: ip-reputation, was 5.7.1)",
     550, "5.7.1", STAGE_RCPT, "no"},
    {"Host not found (suppressd: no-such-domain)", 0, "", STAGE_UNKNOWN, "Host not found"},
    {"550 5.1.1 no (suppressd: told)", 550, "5.1.1", STAGE_UNKNOWN, "no"},
    {"550 5.1.1 no since 2026-11-23 (suppressd)", 550, "5.1.1", STAGE_UNKNOWN, "no since 2026-11-23 (suppressd)"},
    {"host spam.example.com[192.0.2.1] refused to talk to me: 554 busy", 554, "", STAGE_CONNECT,
     "busy"},
    {"host mx.example.com[192.0.2.1] said: 554 no (in reply to end of DATA command)", 554, "",
     STAGE_EOM, "no"},
    {"SMTP error from remote mail server after RCPT TO:<a@example.com>: host mx.example.com "
     "[192.0.2.1]: 550 5.1.1 no",
     550, "5.1.1", STAGE_RCPT, "no"},
    {"host mx.example.com [192.0.2.1] SMTP error from remote mail server after MAIL "
     "FROM:<a@example.com> SIZE=9: 553 no",
     553, "", STAGE_MAIL, "no"},
    {"SMTP error from remote server for TEXT command, host: mx.example.com (192.0.2.1) reason: "
     "550 5.2.0 no",
     550, "5.2.0", STAGE_EOM, "no"},
    {"to=<a@example.com>, dsn=5.1.1, stat=User unknown", 0, "", STAGE_UNKNOWN, "User unknown"},
    {"to=<a@example.com>, reply=550 5.1.1 no, stat=User unknown", 550, "5.1.1", STAGE_UNKNOWN,
     "no"},
    {"5.1.0 - Unknown address error 550-'5.7.1 Access denied' (delivery attempts: 0)", 550,
     "5.7.1", STAGE_UNKNOWN, "Access denied"},
    {"The error that the other server returned was: 550 5.1.1 no", 550, "5.1.1", STAGE_UNKNOWN,
     "no"},
    {"Remote host said: 550 5.1.1 no", 550, "5.1.1", STAGE_UNKNOWN,
     "Remote host said: no"},
    {"550 Empf\xe4nger unbekannt", 550, "", STAGE_UNKNOWN, "Empf\xc3\xa4nger unbekannt"},
    {"550 \xd3\xc3\xbb\xa7\xb2\xbb\xb4\xe6\xd4\xda", 550, "", STAGE_UNKNOWN,
     "\xe7\x94\xa8\xe6\x88\xb7\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8"},
    {"550 \x1b$B%f!<%6\x1b(B", 550, "", STAGE_UNKNOWN, "\xe3\x83\xa6\xe3\x83\xbc\xe3\x82\xb6"},
    {"550 $B%f!<%6(B gone", 550, "", STAGE_UNKNOWN, "\xe3\x83\xa6\xe3\x83\xbc\xe3\x82\xb6 gone"},
    {"550 \xa5\xe6\xa1\xbc\xa5\xb6\xa4\xac\xa4\xa4\xa4\xde\xa4\xbb\xa4\xf3", 550, "", STAGE_UNKNOWN,
     "\xe3\x83\xa6\xe3\x83\xbc\xe3\x82\xb6\xe3\x81\x8c\xe3\x81\x84\xe3\x81\xbe"
     "\xe3\x81\x9b\xe3\x82\x93"},
    {"550 cut \xe3\x83", 550, "", STAGE_UNKNOWN, "cut \xef\xbf\xbd\xef\xbf\xbd"},
};

START_TEST(replies_are_understood)
{
    reply_parse(cases[_i].text, strlen(cases[_i].text), &reply);
    ck_assert_int_eq(reply.code, cases[_i].code);
    ck_assert_str_eq(reply.status, cases[_i].status);
    ck_assert_int_eq(reply.stage, cases[_i].stage);
    ck_assert_str_eq(reply.words, cases[_i].words);
    ck_assert_uint_eq(reply.length, strlen(reply.words));
}
END_TEST

START_TEST(zero_bytes_are_spaces)
{
    reply_parse("550 a\0b\0", 8, &reply);
    ck_assert_str_eq(reply.words, "a b");
}
END_TEST

/* Any bytes: nothing is read or written outside, and the words stay bounded. */
START_TEST(noise_is_harmless)
{
    static char noise[3 * REPLY_TEXT_MAX];
    unsigned seed = 12345u + (unsigned)_i;
    size_t i, length;

    for (i = 0; i < sizeof(noise); i++) {
        seed = seed * 1103515245u + 12345u;
        noise[i] = " @5.1-\n\x1b$B(<\"a\xe3\x83"[(seed >> 16) % 16];
        if (_i % 2)
            noise[i] = (char)(seed >> 16);
    }
    length = (size_t)(seed >> 8) % sizeof(noise);
    reply_parse(noise, length, &reply);
    ck_assert_uint_le(reply.length, REPLY_TEXT_MAX);
    ck_assert_uint_eq(strlen(reply.words), reply.length);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reply");
    TCase *tcase = tcase_create("parse");

    tcase_add_loop_test(tcase, replies_are_understood, 0, (int)(sizeof(cases) / sizeof(*cases)));
    tcase_add_test(tcase, zero_bytes_are_spaces);
    tcase_add_loop_test(tcase, noise_is_harmless, 0, 200);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
