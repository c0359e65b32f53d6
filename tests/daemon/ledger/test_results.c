/* daemon/ledger/results: what goes in comes out, of any length. */
#include "config.h"

#include "daemon/ledger/results.h"

#include "tests/run.h"

#include <stdlib.h>
#include <string.h>

static struct result result(const char *recipient, const char *reply)
{
    return (struct result){.time = 77, .action = ACTION_DELAYED, .evidence = EVIDENCE_LOCAL,
                           .recipient = span_of(recipient), .queue_id = span_of("Q1"), .reply = span_of(reply)};
}

START_TEST(what_goes_in_comes_out)
{
    struct results results = {0};
    struct result one = result("a@x", "451 later"), two = result("b@x", NULL), got;

    results_add(&results, &one);
    results_add(&results, &two);
    ck_assert_uint_eq(results.count, 2);
    results_get(&results, 0, &got);
    ck_assert_int_eq(got.time, 77);
    ck_assert_int_eq(got.action, ACTION_DELAYED);
    ck_assert_int_eq(got.evidence, EVIDENCE_LOCAL);
    ck_assert_str_eq(got.recipient.start, "a@x");
    ck_assert_str_eq(got.queue_id.start, "Q1");
    ck_assert_str_eq(got.status.start, "");
    ck_assert_str_eq(got.reply.start, "451 later");
    ck_assert_uint_eq(got.reply.length, 9);
    results_get(&results, 1, &got);
    ck_assert_str_eq(got.recipient.start, "b@x");
    ck_assert_str_eq(got.reply.start, "");
    results_clear(&results);
    ck_assert_uint_eq(results.count, 0);
}
END_TEST

START_TEST(is_fit_for_text_and_bounded)
{
    struct results results = {0};
    struct result one, got;
    char *reply = malloc(100000);

    memset(reply, 'x', 100000);
    memcpy(reply, "a\0b\nc\x7f", 6);
    one = result("a@x", NULL);
    one.reply = (struct span){reply, 100000};
    for (int i = 0; i < 1000; i++)
        results_add(&results, &one);
    results_get(&results, 999, &got);
    ck_assert_uint_eq(got.reply.length, RESULT_REPLY_MAX);
    ck_assert_uint_eq(strlen(got.reply.start), RESULT_REPLY_MAX);
    ck_assert_int_eq(strncmp(got.reply.start, "a?b?c?xx", 8), 0);
    free(reply);
    results_clear(&results);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/results");
    TCase *tc = tcase_create("results");

    tcase_add_test(tc, what_goes_in_comes_out);
    tcase_add_test(tc, is_fit_for_text_and_bounded);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
