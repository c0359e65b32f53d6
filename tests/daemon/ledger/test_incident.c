/* daemon/ledger/incident: what counts for which kind, the test, what is open, what is kept. */
#include "config.h"

#include "daemon/ledger/incident.h"

#include "tests/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOON INT64_C(1606219200)

static struct incidents *incidents;
static struct incident_alarm alarm_seen;

static void setup(void)
{
    incidents = incidents_new(&incident_defaults);
    memset(&alarm_seen, 0, sizeof(alarm_seen));
}

static void teardown(void)
{
    incidents_free(&incidents);
}

/* Count results; the number of alarms, each taken for an incident from its id 1 on. */
static int see(int count, int64_t time, const char *provider, const char *domain, enum action action,
               enum reason reason, int known_days)
{
    struct incident_result result = {.time = time, .provider = provider, .domain = domain, .action = action,
                                     .reason = reason, .known_days = known_days};
    int alarms = 0;

    for (int i = 0; i < count; i++) {
        struct incident_alarm alarm;

        if (!incident_observe(incidents, &result, time, &alarm))
            continue;
        alarm.id = ++alarms;
        alarm_seen = alarm;
        incident_opened(incidents, &alarm);
    }
    return alarms;
}

static int see_good(int count, int64_t time)
{
    return see(count, time, "google", "gmail.com", ACTION_DELIVERED, REASON_DELIVERED, 1);
}

/* Days of ordinary mail that ended an hour ago. */
static void live_through(int days)
{
    for (int64_t time = NOON - (int64_t)days * 86400; time < NOON - 3600; time += 3600)
        ck_assert_int_eq(see_good(20, time), 0);
}

START_TEST(tail_is_that_of_poisson)
{
    ck_assert_double_eq_tol(incident_tail(1, 0.5), 1 - exp(-0.5), 1e-12);
    ck_assert_double_eq_tol(incident_tail(3, 1), 1 - 2.5 * exp(-1), 1e-12);
    ck_assert_double_eq_tol(incident_tail(10, 2) / 4.6498e-5, 1, 1e-3);
    ck_assert_double_eq_tol(incident_tail(100, 20) / 3.48888e-37, 1, 1e-3);
    ck_assert_double_eq(incident_tail(0, 5), 1);
    ck_assert_double_eq(incident_tail(5, 0), 0);
    ck_assert_double_eq(incident_tail(1000000, 1), 0);
}
END_TEST

static const struct {
    const char *name;
    enum action action;
    enum reason reason;
    int known_days, alarm;
    enum incident_kind kind;
} cases[] = {
    {"dead who took mail", ACTION_FAILED, REASON_NO_SUCH_USER, 1, 1, INCIDENT_OUTAGE},
    {"inactive who took mail", ACTION_FAILED, REASON_INACTIVE_MAILBOX, 3, 1, INCIDENT_OUTAGE},
    {"dead who never took any", ACTION_FAILED, REASON_NO_SUCH_USER, -1, 0, INCIDENT_OUTAGE},
    {"dead after a year", ACTION_FAILED, REASON_NO_SUCH_USER, 400, 0, INCIDENT_OUTAGE},
    {"full mailboxes", ACTION_FAILED, REASON_MAILBOX_FULL, 1, 0, INCIDENT_OUTAGE},
    {"dead, put off", ACTION_DELAYED, REASON_NO_SUCH_USER, 1, 0, INCIDENT_OUTAGE},
    {"listed", ACTION_FAILED, REASON_IP_BLOCKLISTED, -1, 1, INCIDENT_REPUTATION},
    {"listed, put off", ACTION_DELAYED, REASON_DOMAIN_REPUTATION, -1, 1, INCIDENT_REPUTATION},
    {"DMARC", ACTION_FAILED, REASON_DMARC_FAIL, 1, 1, INCIDENT_AUTHENTICATION},
    {"spam", ACTION_FAILED, REASON_SPAM_CONTENT, 1, 1, INCIDENT_CONTENT},
    {"unreachable", ACTION_DELAYED, REASON_TIMEOUT, 1, 1, INCIDENT_NETWORK},
    {"rates", ACTION_DELAYED, REASON_RATE_LIMITED, 1, 0, INCIDENT_NETWORK},
    {"complaints", ACTION_COMPLAINT, REASON_COMPLAINT, 1, 0, INCIDENT_OUTAGE},
    {"delivered", ACTION_DELIVERED, REASON_DELIVERED, 1, 0, INCIDENT_OUTAGE},
};

START_TEST(kinds)
{
    live_through(3);
    ck_assert_msg(see(60, NOON, "google", "gmail.com", cases[_i].action, cases[_i].reason, cases[_i].known_days) ==
                      cases[_i].alarm, "%s", cases[_i].name);
    if (!cases[_i].alarm)
        return;
    ck_assert_msg(alarm_seen.kind == cases[_i].kind, "%s", cases[_i].name);
    ck_assert_int_eq(alarm_seen.scope, INCIDENT_PROVIDER);
    ck_assert_str_eq(alarm_seen.name, "google");
    ck_assert_int_ge(alarm_seen.failures, incident_defaults.failures_min);
    ck_assert_int_le(alarm_seen.from, NOON);
}
END_TEST

START_TEST(few_failures_are_none)
{
    live_through(3);
    ck_assert_int_eq(see(incident_defaults.failures_min - 1, NOON, "google", "gmail.com", ACTION_FAILED,
                         REASON_NO_SUCH_USER, 1), 0);
}
END_TEST

START_TEST(without_a_past_nothing_departs_from_it)
{
    ck_assert_int_eq(see(500, NOON, "google", "gmail.com", ACTION_FAILED, REASON_IP_BLOCKLISTED, -1), 0);
}
END_TEST

START_TEST(a_provider_that_is_always_so_is_normal)
{
    for (int64_t time = NOON - 10 * 86400; time < NOON; time += 3600) {
        see_good(20, time);
        if (time < NOON - 86400) /* a tenth: alarms at the beginning, its past in the end */
            see(2, time, "google", "gmail.com", ACTION_FAILED, REASON_SPAM_CONTENT, 1);
    }
    for (int64_t id = 1; id < 9; id++)
        incident_closed(incidents, id);
    ck_assert_int_eq(see(4, NOON, "google", "gmail.com", ACTION_FAILED, REASON_SPAM_CONTENT, 1), 0);
}
END_TEST

START_TEST(a_domain_without_provider_stands_alone)
{
    for (int64_t time = NOON - 2 * 86400; time < NOON; time += 7200)
        see(5, time, "", "example.org", ACTION_DELIVERED, REASON_DELIVERED, 1);
    ck_assert_int_eq(see(8, NOON, "", "example.org", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 1);
    ck_assert_int_eq(alarm_seen.scope, INCIDENT_DOMAIN);
    ck_assert_str_eq(alarm_seen.name, "example.org");
    ck_assert_int_eq(incident_holding(incidents, "", "example.org", REASON_NO_SUCH_USER), 1);
    ck_assert_int_eq(incident_holding(incidents, "", "example.net", REASON_NO_SUCH_USER), 0);
}
END_TEST

START_TEST(holds_what_it_concerns)
{
    live_through(2);
    ck_assert_int_eq(see(50, NOON, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 1);
    ck_assert_int_eq(incident_holding(incidents, "google", "example.com", REASON_INACTIVE_MAILBOX), 1);
    ck_assert_int_eq(incident_holding(incidents, "google", "gmail.com", REASON_COMPLAINT), 0);
    ck_assert_int_eq(incident_holding(incidents, "yahoo", "gmail.com.example", REASON_NO_SUCH_USER), 0);
    ck_assert(incident_concerns(INCIDENT_NETWORK, REASON_NO_SUCH_DOMAIN));
    ck_assert(!incident_concerns(INCIDENT_NETWORK, REASON_NO_SUCH_USER));
    ck_assert(incident_concerns(INCIDENT_REPUTATION, REASON_RECIPIENT_REFUSED));
    ck_assert(!incident_concerns(INCIDENT_REPUTATION, REASON_NO_SUCH_USER));
    incident_closed(incidents, 1);
    ck_assert_int_eq(incident_holding(incidents, "google", "gmail.com", REASON_NO_SUCH_USER), 0);
}
END_TEST

START_TEST(ends_when_all_is_normal)
{
    const struct incident_parameters *p = &incident_defaults;
    struct incident_alarm over;

    live_through(2);
    see(50, NOON, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1);
    ck_assert_int_eq(incident_over(incidents, NOON + p->quiet, &over), 0); /* nothing was seen */
    see_good(INCIDENT_QUIET_SEEN, NOON + 3600);
    ck_assert_int_eq(incident_over(incidents, NOON + p->quiet - 1, &over), 0);
    ck_assert_int_eq(incident_over(incidents, NOON + p->quiet, &over), 1);
    ck_assert_int_eq(over.id, 1);
    ck_assert_int_eq(over.time, NOON);
    see(50, NOON + 5400, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1);
    ck_assert_int_eq(incident_over(incidents, NOON + p->quiet, &over), 0); /* it went on */
    ck_assert_int_eq(incident_over(incidents, NOON + 5400 + p->silence, &over), 1);
    incident_closed(incidents, 1);
    ck_assert_int_eq(incident_over(incidents, NOON + 9 * 86400, &over), 0);
    ck_assert_int_eq(see(1, NOON + 5500, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 0);
}
END_TEST

START_TEST(late_and_future_results_are_left_out)
{
    live_through(2);
    see_good(1, NOON);
    ck_assert_int_eq(see(99, NOON - 7200, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 0);
    for (int i = 0; i < 99; i++) {
        struct incident_result result = {.time = NOON + 7200, .provider = "google", .domain = "gmail.com",
                                         .action = ACTION_FAILED, .reason = REASON_NO_SUCH_USER, .known_days = 1};
        ck_assert_int_eq(incident_observe(incidents, &result, NOON, &alarm_seen), 0);
    }
}
END_TEST

START_TEST(memory_is_bounded_and_what_is_open_stays)
{
    char name[40];

    live_through(2);
    see(50, NOON, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1);
    for (int i = 0; i < 3 * INCIDENT_DOMAINS; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        see(1, NOON + i, name, name, ACTION_DELIVERED, REASON_DELIVERED, 1);
    }
    ck_assert_int_eq(incident_holding(incidents, "google", "gmail.com", REASON_NO_SUCH_USER), 1);
}
END_TEST

static int is_remembered(const char *name)
{
    size_t size;
    char *bytes = incidents_save(incidents, &size);
    int found = memmem(bytes, size, name, strlen(name) + 1) != NULL;

    free(bytes);
    return found;
}

START_TEST(who_was_heard_of_least_recently_gives_way)
{
    char name[40];

    for (int i = 0; i < INCIDENT_DOMAINS; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        see(1, NOON + i, "", name, ACTION_DELIVERED, REASON_DELIVERED, 1);
    }
    see(1, NOON + 5000, "", "d0.example", ACTION_DELIVERED, REASON_DELIVERED, 1);
    see(1, NOON + 1900, "", "d1.example", ACTION_DELIVERED, REASON_DELIVERED, 1); /* told of late */
    see(1, NOON + 6000, "", "new0.example", ACTION_DELIVERED, REASON_DELIVERED, 1);
    ck_assert(is_remembered("d0.example") && is_remembered("d1.example") && !is_remembered("d2.example"));
    for (int i = 1; i < INCIDENT_DOMAINS - 2; i++) {
        snprintf(name, sizeof(name), "new%d.example", i);
        see(1, NOON + 6000, "", name, ACTION_DELIVERED, REASON_DELIVERED, 1);
    }
    ck_assert(is_remembered("d0.example") && is_remembered("d1.example") && is_remembered("new0.example"));
    see(1, NOON + 6000, "", "another.example", ACTION_DELIVERED, REASON_DELIVERED, 1);
    ck_assert(is_remembered("d0.example") && !is_remembered("d1.example") && is_remembered("new0.example"));
}
END_TEST

START_TEST(what_was_seen_can_be_saved)
{
    struct incidents *other = incidents_new(&incident_defaults);
    size_t size, again;
    void *bytes, *more;

    live_through(3);
    see(4, NOON, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1);
    bytes = incidents_save(incidents, &size);
    ck_assert_int_eq(incidents_load(other, bytes, size), 0);
    more = incidents_save(other, &again);
    ck_assert_uint_eq(again, size);
    ck_assert_int_eq(memcmp(more, bytes, size), 0);
    free(more);
    incidents_free(&incidents);
    incidents = other;
    ck_assert_int_eq(see(4, NOON + 1, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 1);
    ck_assert_int_eq(incidents_load(incidents, bytes, size - 1), -1);
    ck_assert_int_eq(incidents_load(incidents, "", 0), -1);
    ck_assert_int_eq(see(4, NOON + 2, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 0);
    free(bytes);
}
END_TEST

START_TEST(closing_confirms_who_failed_again_after_it)
{
    ck_assert(incident_confirms(2, NOON + 1, NOON));
    ck_assert(!incident_confirms(1, NOON + 1, NOON));
    ck_assert(!incident_confirms(5, NOON, NOON));
}
END_TEST

/* The clock was a year ahead when somebody sent mail, and is right again. */
START_TEST(a_clock_that_was_ahead_blinds_for_a_day)
{
    int64_t ahead = NOON + 400 * INT64_C(86400), day = NOON + 2 * INT64_C(86400);
    struct incident_alarm over;

    live_through(20);
    ck_assert_int_eq(see(60, ahead, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 1);
    see_good(50, NOON);
    ck_assert_int_eq(incident_over(incidents, NOON, &over), 0); /* opened in the future */
    see_good(20, day);
    see_good(50, day + 5 * 3600);
    ck_assert_int_eq(incident_over(incidents, day + 5 * 3600, &over), 1);
    incident_closed(incidents, over.id);
    for (int hour = 6; hour < 200; hour++)
        see_good(20, day + hour * 3600);
    ck_assert_int_eq(see(60, day + 200 * 3600, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 1);
}
END_TEST

/* A machine begins in the past until it has asked what time it is: nothing is lost by that. */
START_TEST(a_clock_that_is_behind_for_an_hour_changes_nothing)
{
    live_through(20);
    for (int minute = 0; minute < 60; minute++)
        see_good(5, minute * 60);
    ck_assert_int_eq(see(60, NOON, "google", "gmail.com", ACTION_FAILED, REASON_NO_SUCH_USER, 1), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("incident");
    TCase *incident = tcase_create("incident");

    tcase_add_checked_fixture(incident, setup, teardown);
    tcase_add_test(incident, tail_is_that_of_poisson);
    tcase_add_loop_test(incident, kinds, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(incident, few_failures_are_none);
    tcase_add_test(incident, without_a_past_nothing_departs_from_it);
    tcase_add_test(incident, a_provider_that_is_always_so_is_normal);
    tcase_add_test(incident, a_domain_without_provider_stands_alone);
    tcase_add_test(incident, holds_what_it_concerns);
    tcase_add_test(incident, ends_when_all_is_normal);
    tcase_add_test(incident, late_and_future_results_are_left_out);
    tcase_add_test(incident, memory_is_bounded_and_what_is_open_stays);
    tcase_add_test(incident, who_was_heard_of_least_recently_gives_way);
    tcase_add_test(incident, what_was_seen_can_be_saved);
    tcase_add_test(incident, closing_confirms_who_failed_again_after_it);
    tcase_add_test(incident, a_clock_that_was_ahead_blinds_for_a_day);
    tcase_add_test(incident, a_clock_that_is_behind_for_an_hour_changes_nothing);
    suite_add_tcase(suite, incident);
    return run_suite(suite);
}
