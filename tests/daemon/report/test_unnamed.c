/* Whom a notice means that names nobody; where there is a choice, nobody. */
#include "config.h"

#include "daemon/report/unnamed.h"

#include "tests/run.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *text, *header, *returned, *recipient; /* NULL: none */
} cases[] = {
    {"the return address", "", "To: news+ann=example.com@lists.example.org\n", "To: bob@example.com\n", "ann@example.com"},
    {"as delivered", "", "To: x@example.org\nDelivered-To: news+ann=example.com@lists.example.org\n", "", "ann@example.com"},
    {"two return addresses", "", "To: news+a=example.com@x.org, news+b=example.com@x.org\n", "", NULL},
    {"the returned message", "To: c@example.com\n", "To: news@example.org\n", "To: Bob <bob@example.com>\n", "bob@example.com"},
    {"it had a copy, too", "", "", "To: bob@example.com\nCc: ann@example.com\n", NULL},
    {"it went to two", "", "", "To: bob@example.com, ann@example.com\n", NULL},
    {"it went to a list", "", "", "To: news@example.org\nList-Id: News <news.example.org>\n", NULL},
    {"a list of another name", "", "", "To: bob@example.com\nList-Id: News <news.example.org>\n", "bob@example.com"},
    {"list mail by its fields", "", "", "To: news@example.org\nPrecedence: list\n", NULL},
    {"quoted fields", "Subject: x\n  To: bob@example.com\n", "", "", "bob@example.com"},
    {"quoted twice", "To: bob@example.com\nTo: ann@example.com\n", "", "", NULL},
    {"two in one quoted field", "To: bob@example.com, ann@example.com\n", "", "", NULL},
    {"no field", "Reply to: bob@example.com\n", "", "", NULL},
    {"nothing", "", "", "", NULL},
};

static struct header *header_of(const char *text)
{
    struct header *header = calloc(1, sizeof(*header));
    struct span rest = span_of(text);

    header_read(&rest, HEADER_BYTES_MAX, header);
    return header;
}

START_TEST(who_is_meant)
{
    struct header *header = header_of(cases[_i].header), *returned = header_of(cases[_i].returned);
    char *recipient = unnamed_recipient(span_of(cases[_i].text), header, returned);

    if (cases[_i].recipient)
        ck_assert_msg(recipient && !strcmp(recipient, cases[_i].recipient), "%s: %s", cases[_i].name, recipient);
    else
        ck_assert_msg(!recipient, "%s: %s", cases[_i].name, recipient);
    free(recipient);
    free(header);
    free(returned);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unnamed");
    TCase *tcase = tcase_create("unnamed");

    tcase_add_loop_test(tcase, who_is_meant, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
