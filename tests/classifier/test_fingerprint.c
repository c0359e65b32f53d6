/* classifier/fingerprint: what varies is folded, what tells stays. */
#include "config.h"

#include "classifier/fingerprint.h"

#include "tests/run.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *text, *template;
} cases[] = {
    {"550 5.7.1 Mail from 192.0.2.7 to joe@example.com refused, id 4XyZ12AbCd, see https://mx.example.net/why?4XyZ12AbCd",
     "550 5.7.1 Mail from <ip> to <address> refused, id <id>, see <url>"},
    {"550 <joe@example.com>: no, joe@example.com", "550 <address>: no, <address>"},
    {"550 Host mx-17.example.net said no", "550 Host <host> said no"},
    {"450 try again in 300 seconds", "450 try again in <n> seconds"},
    {"451 4.7.0 Refused on Mon, 23 Nov 2026 10:15:07 +0100 (tag 17)", "451 4.7.0 Refused on <date> (tag <n>)"},
    {"451 2026-11-23T10:15:07Z later", "451 <date> later"},
    {"550 You may not send", "550 You may not send"},
    {"554 [2001:db8::1:25] and [IPv6:2001:db8:0:1:2:3:4:5] denied", "554 [<ip>] and [IPv6:<ip>] denied"},
    {"550 code S3140, TSS04, RFC5322 and 5.7.515 stay", "550 5.7.515 code S3140, TSS04, RFC5322 and 5.7.515 stay"},
    {"550 8BITMIME and SMTPUTF8 stay.", "550 8BITMIME and SMTPUTF8 stay."},
    {"550 (k12-20020a05600c1c0c00b0.47 - tag)", "550 (<id> - tag)"},
    {"550 see www.example.com/x.", "550 see <url>."},
    {"550 at 10:15:07 it broke", "550 at <date> it broke"},
    {"550", "550"},
    {"", ""},
    {"550 5.1.1", "550 5.1.1"},
    {"550 Empf\xc3\xa4nger 12 fehlt", "550 Empf\xc3\xa4nger <n> fehlt"},
    {"host mx.example.com[192.0.2.1] said: 550 Zut 99 alors (in reply to RCPT TO command)", "550 Zut <n> alors"},
};

START_TEST(folds)
{
    struct fingerprint print;

    fingerprint(cases[_i].text, strlen(cases[_i].text), &print);
    ck_assert_str_eq(print.template, cases[_i].template);
    ck_assert_uint_ne(print.hash, 0);
}
END_TEST

static uint64_t hash_of(const char *text)
{
    struct fingerprint print;

    fingerprint(text, strlen(text), &print);
    return print.hash;
}

START_TEST(one_kind_has_one_hash)
{
    uint64_t hash = hash_of("550 Message 4XyZ12AbCd for a@example.com held at mx1.example.com [192.0.2.1]");

    ck_assert_uint_eq(hash, hash_of("550 message 9QqR77LmNo for b@example.net held at mx22.example.org [198.51.100.9]"));
    ck_assert_uint_eq(hash, hash_of("550-Message 4XyZ12AbCd for\r\n550 a@example.com held at mx1.example.com [192.0.2.1]"));
    ck_assert_uint_ne(hash, hash_of("450 Message 4XyZ12AbCd for a@example.com held at mx1.example.com [192.0.2.1]"));
    ck_assert_uint_ne(hash, hash_of("550 Message 4XyZ12AbCd for a@example.com burnt at mx1.example.com [192.0.2.1]"));
}
END_TEST

START_TEST(is_bounded)
{
    static char text[20000];
    struct fingerprint print;
    size_t i;

    for (i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    fingerprint(text, strlen(text), &print);
    ck_assert_uint_eq(strlen(print.template), FINGERPRINT_TEMPLATE_MAX);
    for (i = 0; i + 8 < sizeof(text); i += 8)
        memcpy(text + i, "a.b.com ", 8);
    fingerprint(text, strlen(text), &print);
    ck_assert_uint_le(strlen(print.template), FINGERPRINT_TEMPLATE_MAX);
    ck_assert_str_eq(print.template + strlen(print.template) - 6, "<host>");
}
END_TEST

START_TEST(pattern_and_example_fit_each_other)
{
    struct fingerprint print, again;
    char pattern[2048], example[2048];

    fingerprint(cases[0].text, strlen(cases[0].text), &print);
    fingerprint_pattern(&print, pattern, sizeof(pattern));
    fingerprint_example(&print, example, sizeof(example));
    ck_assert_str_eq(pattern, "Mail from [0-9a-f.:]+ to <?@>? refused, id [\\w.-]+, see \\S+");
    ck_assert_str_eq(example, "550 5.7.1 Mail from 192.0.2.1 to joe@example.com refused, id 4XyZ12AbCd, "
                              "see https://example.com/help");
    fingerprint(example, strlen(example), &again);
    ck_assert_uint_eq(again.hash, print.hash);
}
END_TEST

START_TEST(the_pattern_is_escaped)
{
    static const char text[] = "550 We don't (ever) take a*b? [no] \\o/ $5";
    struct fingerprint print;
    char pattern[2048];

    fingerprint(text, strlen(text), &print);
    fingerprint_pattern(&print, pattern, sizeof(pattern));
    ck_assert_str_eq(pattern, "We don.t \\(ever\\) take a\\*b\\? \\[no\\] .o/ \\$[0-9.-]+");
    fingerprint("550 5.0.0", 9, &print);
    fingerprint_pattern(&print, pattern, sizeof(pattern));
    ck_assert_str_eq(pattern, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classifier/fingerprint");
    TCase *tc = tcase_create("fingerprint");

    tcase_add_loop_test(tc, folds, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, one_kind_has_one_hash);
    tcase_add_test(tc, is_bounded);
    tcase_add_test(tc, pattern_and_example_fit_each_other);
    tcase_add_test(tc, the_pattern_is_escaped);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
