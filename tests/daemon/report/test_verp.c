/* Recipients out of return addresses: those that read in one way only. */
#include "config.h"

#include "daemon/report/verp.h"

#include "tests/run.h"

#include <stdlib.h>

static const struct {
    const char *address, *recipient; /* NULL: none */
} cases[] = {
    {"news+ann=example.com@lists.example.org", "ann@example.com"},
    {"news-bounces+ann.lee=mail.example.com@lists.example.org", "ann.lee@mail.example.com"},
    {"owner-news+ann+tag=example.com@lists.example.org", "ann+tag@example.com"},
    {"news+o'neill-smith=example.com@lists.example.org", "o'neill-smith@example.com"},
    {"news-return-17-ann=example.com@lists.example.org", "ann@example.com"},
    {"news-return-17-ann-marie=example.com@lists.example.org", "ann-marie@example.com"},
    {"news+ann@lists.example.org", NULL},
    {"ann=example.com@lists.example.org", NULL},
    {"news-ann=example.com@lists.example.org", NULL},
    {"news-return-ann=example.com@lists.example.org", NULL},
    {"news+=example.com@lists.example.org", NULL},
    {"news+ann=@lists.example.org", NULL},
    {"news+ann=example@lists.example.org", NULL},
    {"news+ann=192.0.2.1@lists.example.org", NULL},
    {"news+a=b=example.com@lists.example.org", NULL},
    {"bounces+1234-ab12-ann=example.com@lists.example.org", NULL},
    {"bounce+4f8b1c.aa01-ann=example.com@lists.example.org", NULL},
    {"SRS0+HHHH=TT=example.com=ann.lee@relay.example", NULL},
    {"SRS0=HHHH=TT=example.com=ann@relay.example", NULL},
    {"prvs=0123abcdef=ann.lee@example.com", NULL},
    {"btv1==012345+x=ann.lee@example.com", NULL},
    {"@lists.example.org", NULL},
    {"nothing", NULL},
    {"", NULL},
};

START_TEST(a_return_address_tells_its_recipient)
{
    char *recipient = verp_recipient(span_of(cases[_i].address));

    if (cases[_i].recipient)
        ck_assert_str_eq(recipient, cases[_i].recipient);
    else
        ck_assert_ptr_null(recipient);
    free(recipient);
    ck_assert_ptr_null(verp_recipient(SPAN_NONE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verp");
    TCase *tcase = tcase_create("verp");

    tcase_add_loop_test(tcase, a_return_address_tells_its_recipient, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
