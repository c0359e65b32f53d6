/* daemon/ledger/tally: equal results are one bucket, in the order of the table. */
#include "config.h"

#include "daemon/ledger/tally.h"

#include "tests/run.h"

#include <stdio.h>
#include <string.h>

static struct tally *tally;

static void setup(void)
{
    tally = tally_new();
}

static void teardown(void)
{
    tally_free(&tally);
}

static struct bucket bucket(int64_t time, const char *domain, const char *stream, int trusted)
{
    return (struct bucket){.time = time, .provider = "google", .domain = domain, .stream = stream,
                           .action = "delivered", .reason = "delivered", .trusted = trusted, .attempts = 1};
}

static void add(struct bucket one)
{
    tally_add(tally, &one);
}

static int list(const struct bucket *one, void *context)
{
    char *text = context;

    sprintf(text + strlen(text), "%lld %s%s%d=%lld ", (long long)one->time, one->domain, one->stream, one->trusted,
            (long long)one->attempts);
    return 0;
}

START_TEST(equal_results_of_an_hour_are_one_bucket)
{
    char text[400] = "";

    add(bucket(7200, "b", "", 1));
    add(bucket(3600, "b", "", 1));
    add(bucket(7199, "b", "", 1));
    add(bucket(3601, "a", "", 1));
    add(bucket(3601, "a", "x", 1));
    add(bucket(3601, "a", "", 0));
    ck_assert_int_eq(tally_each(tally, list, text), 0);
    ck_assert_str_eq(text, "3600 a0=1 3600 a1=1 3600 ax1=1 3600 b1=2 7200 b1=1 ");
}
END_TEST

/* "ab" + "" and "a" + "b" are not the same. */
START_TEST(texts_do_not_run_together)
{
    char text[400] = "";

    add(bucket(0, "ab", "", 1));
    add(bucket(0, "a", "b", 1));
    ck_assert_int_eq(tally_each(tally, list, text), 0);
    ck_assert_str_eq(text, "0 ab1=1 0 ab1=1 ");
}
END_TEST

START_TEST(what_is_taken_away_and_what_is_cleared_is_gone)
{
    struct bucket less = bucket(0, "a", "", 1);
    char text[400] = "";

    less.attempts = -3;
    add(bucket(0, "a", "", 1));
    add(less);
    ck_assert_int_eq(tally_each(tally, list, text), 0);
    ck_assert_str_eq(text, "0 a1=-2 ");
    tally_clear(tally);
    text[0] = '\0';
    ck_assert_int_eq(tally_each(tally, list, text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

static int sum(const struct bucket *one, void *context)
{
    *(int64_t *)context += one->attempts * 1000000 + 1;
    return 0;
}

START_TEST(grows_with_its_buckets)
{
    int64_t total = 0;
    char domain[20];

    for (int i = 0; i < 20000; i++) {
        snprintf(domain, sizeof(domain), "d%d", i % 5000);
        add(bucket(0, domain, "", 1));
    }
    ck_assert_int_eq(tally_each(tally, sum, &total), 0);
    ck_assert_int_eq(total, 20000 * 1000000LL + 5000);
}
END_TEST

static int stop(const struct bucket *one, void *context)
{
    (void)one;
    return ++*(int *)context == 2 ? 7 : 0;
}

START_TEST(stops_when_told)
{
    int calls = 0;

    for (int i = 0; i < 5; i++)
        add(bucket(i * 3600, "a", "", 1));
    ck_assert_int_eq(tally_each(tally, stop, &calls), 7);
    ck_assert_int_eq(calls, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/tally");
    TCase *tc = tcase_create("tally");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, equal_results_of_an_hour_are_one_bucket);
    tcase_add_test(tc, texts_do_not_run_together);
    tcase_add_test(tc, what_is_taken_away_and_what_is_cleared_is_gone);
    tcase_add_test(tc, grows_with_its_buckets);
    tcase_add_test(tc, stops_when_told);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
