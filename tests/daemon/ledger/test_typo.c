/* daemon/ledger/typo: one slip away from a big provider's name. */
#include "config.h"

#include "daemon/ledger/typo.h"

#include "tests/run.h"

static const struct {
    const char *domain, *meant; /* NULL: none */
} table[] = {
    {"gmial.com", "gmail.com"},       /* two letters exchanged */
    {"gamil.com", "gmail.com"},
    {"gmal.com", "gmail.com"},        /* one missing */
    {"gmail.co", "gmail.com"},
    {"gmaill.com", "gmail.com"},      /* one too many */
    {"gmail.comm", "gmail.com"},
    {"gnail.com", "gmail.com"},       /* one wrong */
    {"gmail.con", "gmail.com"},
    {"yaho.com", "yahoo.com"},
    {"hotmial.com", "hotmail.com"},
    {"hotmail.co.ukk", "hotmail.co.uk"},
    {"gmail.com", NULL},              /* right */
    {"ymail.com", NULL},              /* a neighbour, but a provider of its own */
    {"email.com", NULL},
    {"mail.com", NULL},
    {"gmlia.com", NULL},              /* two slips */
    {"example.com", NULL},
    {"gmx.dee", NULL},                /* too short a name */
    {"com", NULL},
    {"", NULL},
};

START_TEST(finds_what_was_meant)
{
    const char *meant = typo_meant(table[_i].domain);

    ck_assert_msg(!meant == !table[_i].meant, "%s: %s", table[_i].domain, meant ? meant : "nothing");
    if (meant)
        ck_assert_str_eq(meant, table[_i].meant);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/typo");
    TCase *tc = tcase_create("typo");

    tcase_add_loop_test(tc, finds_what_was_meant, 0, sizeof(table) / sizeof(table[0]));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
