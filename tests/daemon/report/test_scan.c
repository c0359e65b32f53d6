/* Addresses in running text and the places they stand in. */
#include "config.h"

#include "daemon/report/scan.h"

#include "tests/run.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *text, *found; /* all addresses, each with a blank behind */
} texts[] = {
    {"write to a@example.com, or <b@example.net>.", "a@example.com b@example.net "},
    {"a@example.com", "a@example.com "},
    {"mailto:ann+tag@example.com?subject=x", "ann+tag@example.com "},
    {"<o'brien@example.com>:", "o'brien@example.com "},
    {"to 'a@example.com',", "a@example.com "},
    {"\"a b\"@example.com: full", "\"a b\"@example.com "},
    {"\"a@example.com\":", "a@example.com "},
    {"dda:SMTP=a@example.com; on", "a@example.com "},
    {"a@b\xc3\xbc" "cher.example no", "a@b\xc3\xbc" "cher.example "},
    {"a@example.com\xe6\x82\xa8\xe5\xa5\xbd", "a@example.com "},
    {"a@example.com.", "a@example.com "},
    /* half an address could be somebody else's */
    {"a@b@example.com", ""},
    {"ann\\smith@example.com", ""},
    {"ann)smith@example.com", ""},
    {"@example.com and a@ and @", ""},
    {"", ""},
};

START_TEST(addresses_are_found_whole_or_not_at_all)
{
    struct span rest = span_of(texts[_i].text), address;
    char out[256] = "";

    while (scan_address(rest, &address)) {
        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%.*s ", (int)address.length, address.start);
        rest = span_from(rest, (size_t)(address.start + address.length - rest.start));
    }
    ck_assert_str_eq(out, texts[_i].found);
}
END_TEST

static const struct {
    const char *line;
    enum rank rank;
} lines[] = {
    {"<a@example.com>: host mx said: 550 no", RANK_LISTED},
    {"a@example.com", RANK_LISTED},
    {"   * a@example.com", RANK_LISTED},
    {"-- a@example.com", RANK_LISTED},
    {"> a@example.com", RANK_LISTED},
    {"\"a@example.com\":", RANK_LISTED},
    {"a@example.com on Mon, 2 Nov 2026", RANK_LISTED},
    {"a@example.com [User unknown]", RANK_LISTED},
    {"a@example.com - no such user here.", RANK_LISTED},
    {"a@example.com<mailto:a@example.com>", RANK_LISTED},
    {"<a@example.com>... User unknown", RANK_LISTED},
    {"1) <a@example.com>", RANK_LISTED},
    {"  >>> a@example.com <<<", RANK_LISTED},
    {"[a@example.com]: no", RANK_LISTED},
    {"Unknown user: a@example.com", RANK_LABELLED},
    {"mailbox quota exceeded for a@example.com", RANK_LABELLED},
    {"Unknown host: a@example.com", RANK_LABELLED},
    {"delivery failed 20 attempts: a@example.com", RANK_LABELLED},
    {"your mail did not reach a@example.com", RANK_LABELLED},
    {"Destinatario: a@example.com", RANK_LABELLED},
    {"Failed Recipient: a@example.com", RANK_LABELLED},
    {"Could not be delivered to: <a@example.com>", RANK_LABELLED},
    {"unable to deliver your message to a@example.com for", RANK_LABELLED},
    {"addressed to 'a@example.com',", RANK_LABELLED},
    {"RCPT TO:<a@example.com>", RANK_CODED},
    {"550 5.1.1 <a@example.com>... User unknown", RANK_CODED},
    {"<<< 553 <a@example.com> unknown", RANK_CODED},
    {"a@example.com does not exist", RANK_CODED},
    /* others */
    {"550 5.1.8 <a@example.com>: Sender address rejected", RANK_NONE},
    {"MAIL FROM:<a@example.com>", RANK_NONE},
    {"For assistance send mail to <a@example.com>", RANK_NONE},
    {"please contact a@example.com", RANK_NONE},
    {"a@example.com wrote a letter", RANK_NONE},
    {"if a@example.com fails, try others", RANK_TOLD},
    {"a card for a@example.com", RANK_TOLD},
    {"sent by user a@example.com", RANK_NONE},
};

START_TEST(places_have_their_rank)
{
    struct span line = span_of(lines[_i].line), address, after;

    ck_assert(scan_address(line, &address));
    ck_assert_msg(scan_rank(line, line, address, &after) == lines[_i].rank, "%s", lines[_i].line);
}
END_TEST

static const struct {
    const char *text, *code; /* what is found, up to the end; NULL: nothing */
} codes[] = {
    {"host said: 550 no", "550 no"},
    {"said: 550-5.1.1 no", "550-5.1.1 no"},
    {"550: 5.1.1 no", "550: 5.1.1 no"},
    {"sorry (#5.1.1)", "5.1.1)"},
    {"-- 4.4.4 busy", "4.4.4 busy"},
    {"after 432000 seconds", NULL},
    {"SIZE=552 bytes", NULL},
    {"[192.0.5.1.1]", NULL},
    {"room 450", NULL},
    {"590 no", NULL},
};

START_TEST(codes_are_found)
{
    const char *code = scan_code(span_of(codes[_i].text));

    ck_assert_int_eq(code != NULL, codes[_i].code != NULL);
    if (code)
        ck_assert_str_eq(code, codes[_i].code);
}
END_TEST

START_TEST(some_lines_introduce_others)
{
    ck_assert(scan_introduces_other(span_of("A message sent by")));
    ck_assert(scan_introduces_other(span_of("For assistance, please contact:")));
    ck_assert(!scan_introduces_other(span_of("The following address failed:")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scan");
    TCase *tcase = tcase_create("scan");

    tcase_add_loop_test(tcase, addresses_are_found_whole_or_not_at_all, 0, (int)(sizeof(texts) / sizeof(texts[0])));
    tcase_add_loop_test(tcase, places_have_their_rank, 0, (int)(sizeof(lines) / sizeof(lines[0])));
    tcase_add_loop_test(tcase, codes_are_found, 0, (int)(sizeof(codes) / sizeof(codes[0])));
    tcase_add_test(tcase, some_lines_introduce_others);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
