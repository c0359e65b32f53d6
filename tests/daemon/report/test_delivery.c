/* Names that are stored and shown, and the freeing of a report. */
#include "config.h"

#include "daemon/report/delivery.h"

#include "base/mem.h"
#include "tests/run.h"

#include <string.h>

START_TEST(names_stand_as_documented)
{
    ck_assert_str_eq(action_name(ACTION_FAILED), "failed");
    ck_assert_str_eq(action_name(ACTION_DELAYED), "delayed");
    ck_assert_str_eq(action_name(ACTION_AUTO_REPLY), "auto-reply");
    ck_assert_str_eq(source_name(SOURCE_MILTER), "milter");
    ck_assert_str_eq(source_name(SOURCE_INGEST), "ingest");
    ck_assert_str_eq(evidence_name(EVIDENCE_UNPROVEN), "unproven");
    ck_assert_str_eq(evidence_name(EVIDENCE_LOCAL), "local");
    ck_assert_str_eq(report_kind_name(REPORT_DSN), "dsn");
    ck_assert_str_eq(report_kind_name(REPORT_BROKEN), "broken");
}
END_TEST

START_TEST(no_name_is_missing_or_doubled)
{
    int i, j;

    for (i = 0; i < ACTION_COUNT; i++)
        for (j = 0; j < i; j++)
            ck_assert_str_ne(action_name((enum action)i), action_name((enum action)j));
    for (i = 0; i < REPORT_KIND_COUNT; i++)
        for (j = 0; j < i; j++)
            ck_assert_str_ne(report_kind_name((enum report_kind)i),
                             report_kind_name((enum report_kind)j));
}
END_TEST

START_TEST(a_cleared_report_is_empty_and_may_be_cleared_again)
{
    struct report report = {.kind = REPORT_DSN};

    report.deliveries = xcalloc(2, sizeof(*report.deliveries));
    report.count = 2;
    report.deliveries[0].recipient = xstrdup("joe@example.com");
    report.deliveries[1].reply = xstrdup("550 no");
    report.queue_id = xstrdup("4X");
    report_clear(&report);
    ck_assert_uint_eq(report.count, 0);
    ck_assert_ptr_null(report.deliveries);
    ck_assert_ptr_null(report.queue_id);
    report_clear(&report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("delivery");
    TCase *tcase = tcase_create("delivery");

    tcase_add_test(tcase, names_stand_as_documented);
    tcase_add_test(tcase, no_name_is_missing_or_doubled);
    tcase_add_test(tcase, a_cleared_report_is_empty_and_may_be_cleared_again);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
