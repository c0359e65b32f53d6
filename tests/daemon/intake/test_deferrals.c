/* Who is still waiting for which message. */
#include "config.h"

#include "daemon/intake/deferrals.h"

#include "base/mem.h"
#include "tests/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct deferrals *deferrals;

static void setup(void)
{
    deferrals = deferrals_new();
}

static void teardown(void)
{
    deferrals_free(&deferrals);
}

static void note(const char *host, const char *queue_id, const char *recipient, const char *reply)
{
    struct log_entry entry = {.evidence = EVIDENCE_LOCAL};

    entry.report.deliveries = xcalloc(1, sizeof(struct delivery));
    entry.report.count = 1;
    entry.report.reporting_mta = xstrdup(host);
    entry.report.queue_id = xstrdup(queue_id);
    entry.report.deliveries->recipient = xstrdup(recipient);
    entry.report.deliveries->reply = xstrdup(reply);
    deferrals_note(deferrals, &entry);
}

/* "recipient reply|" of each that waits for a message, which is then forgotten. */
static const char *take(const char *host, const char *queue_id)
{
    static char out[1000];
    struct log_entry entry;

    out[0] = '\0';
    while (deferrals_take(deferrals, host, queue_id, &entry)) {
        const struct delivery *delivery = entry.report.deliveries;

        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s %s|", delivery->recipient, delivery->reply);
        report_clear(&entry.report);
    }
    return out;
}

START_TEST(the_last_deferral_of_each_recipient_is_known)
{
    note("mx1", "5F00AB", "a@example.net", "first");
    note("mx1", "5F00AB", "b@example.net", "first");
    note("mx1", "5F00AB", "a@example.net", "second");
    note("mx1", "5F00AC", "c@example.net", "first");
    note("mx2", "5F00AB", "d@example.net", "first");
    ck_assert_str_eq(take("mx1", "5F00AB"), "a@example.net second|b@example.net first|");
    ck_assert_str_eq(take("mx1", "5F00AB"), "");
    ck_assert_str_eq(take("mx2", "5F00AB"), "d@example.net first|");
    ck_assert_str_eq(take("mx1", "5F00AC"), "c@example.net first|");
}
END_TEST

START_TEST(who_has_another_result_waits_no_more)
{
    note("mx1", "5F00AB", "a@example.net", "first");
    note("mx1", "5F00AB", "b@example.net", "first");
    deferrals_forget(deferrals, "mx1", "5F00AB", "a@example.net");
    deferrals_forget(deferrals, "mx1", "5F00AB", "nobody@example.net");
    ck_assert_str_eq(take("mx1", "5F00AB"), "b@example.net first|");
}
END_TEST

START_TEST(the_oldest_are_forgotten_first)
{
    char queue_id[20];

    for (int i = 0; i < DEFERRALS_MAX + 10; i++) {
        snprintf(queue_id, sizeof(queue_id), "5F%06d", i);
        note("mx1", queue_id, "a@example.net", "x");
    }
    for (int i = 0; i < DEFERRALS_MAX + 10; i++) {
        snprintf(queue_id, sizeof(queue_id), "5F%06d", i);
        ck_assert_str_eq(take("mx1", queue_id), i < 10 ? "" : "a@example.net x|");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deferrals");
    TCase *tcase = tcase_create("deferrals");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_last_deferral_of_each_recipient_is_known);
    tcase_add_test(tcase, who_has_another_result_waits_no_more);
    tcase_add_test(tcase, the_oldest_are_forgotten_first);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
