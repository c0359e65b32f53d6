/* Timestamps of log lines. */
#include "config.h"

#include "daemon/report/maillog_time.h"

#include "tests/run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NEW_YEAR 1798761600 /* 2027-01-01T00:00:00Z */
#define AUTUMN 1792890000   /* 2026-10-25T01:00:00Z: in Berlin 03:00 becomes 02:00 */
#define SPRING 1774746000   /* 2026-03-29T01:00:00Z: in Berlin 02:00 becomes 03:00 */
#define HOUR 3600
#define DAY (24 * HOUR)

static const struct {
    const char *name, *zone; /* zone NULL: UTC */
    int64_t now;
    const char *stamp;
    int64_t expected; /* -1: no stamp */
} stamps[] = {
    {"this year", NULL, NEW_YEAR - DAY, "Dec 30 23:59:59 x", NEW_YEAR - DAY - 1},
    {"last year, just after its end", NULL, NEW_YEAR + 5, "Dec 31 23:59:59 x", NEW_YEAR - 1},
    {"last year, from afar", NULL, NEW_YEAR, "Mar 29 01:00:00 x", SPRING},
    {"next year, by a clock that is ahead", NULL, NEW_YEAR - 5, "Jan  1 00:00:00 x", NEW_YEAR},
    {"tomorrow is a year ago", NULL, NEW_YEAR, "Jan  3 00:00:00 x", NEW_YEAR - 363 * DAY},
    {"a leap day", NULL, NEW_YEAR, "Feb 29 00:00:00 x", 1709164800},
    {"ISO, UTC", NULL, 0, "2026-10-25T01:00:00Z x", AUTUMN},
    {"ISO, parts of a second", NULL, 0, "2026-10-25T01:00:00.123456+00:00 x", AUTUMN},
    {"ISO, east", NULL, 0, "2026-10-25T06:30:00+05:30 x", AUTUMN},
    {"ISO, west, no colon", NULL, 0, "2026-10-24T21:30:00-0330 x", AUTUMN},
    {"ISO, no zone", "Europe/Berlin", 0, "2026-03-29 03:00:00 x", SPRING},
    {"ISO, the zone tells a repeated hour apart", "Europe/Berlin", 0, "2026-10-25T02:00:00+02:00 x", AUTUMN - HOUR},
    {"summer time", "Europe/Berlin", AUTUMN, "Oct 24 12:00:00 x", AUTUMN - 15 * HOUR},
    {"winter time", "Europe/Berlin", AUTUMN + DAY, "Oct 25 12:00:00 x", AUTUMN + 10 * HOUR},
    {"a repeated hour, the first time", "Europe/Berlin", AUTUMN - 1800, "Oct 25 02:30:00 x", AUTUMN - 1800},
    {"a repeated hour, the second time", "Europe/Berlin", AUTUMN + 1800, "Oct 25 02:30:00 x", AUTUMN + 1800},
    {"a repeated hour, long after", "Europe/Berlin", AUTUMN + DAY, "Oct 25 02:30:00 x", AUTUMN + 1800},
    {"before a skipped hour", "Europe/Berlin", SPRING + DAY, "Mar 29 01:59:59 x", SPRING - 1},
    {"within it, which cannot be", "Europe/Berlin", SPRING + DAY, "Mar 29 02:30:00 x", SPRING + 1800},
    {"behind it", "Europe/Berlin", SPRING + DAY, "Mar 29 03:00:00 x", SPRING},
    {"the new year comes earlier here", "Pacific/Auckland", NEW_YEAR - 10 * HOUR, "Jan  1 02:00:00 x", NEW_YEAR - 11 * HOUR},
    {"a leap second", NULL, NEW_YEAR, "Dec 31 23:59:60 x", NEW_YEAR},
    {"no month", NULL, NEW_YEAR, "Abc  1 00:00:00 x", -1},
    {"no day", NULL, NEW_YEAR, "Jan  0 00:00:00 x", -1},
    {"a day too many", NULL, NEW_YEAR, "Jun 31 00:00:00 x", -1},
    {"no hour", NULL, NEW_YEAR, "Jun 30 24:00:00 x", -1},
    {"no minute", NULL, NEW_YEAR, "Jun 30 23:60:00 x", -1},
    {"letters", NULL, NEW_YEAR, "Jun 3a 23:00:00 x", -1},
    {"too short", NULL, NEW_YEAR, "Jun 30 23:00:00", -1},
    {"ISO, no such day", NULL, NEW_YEAR, "2026-02-29T00:00:00Z x", -1},
    {"ISO, too short", NULL, NEW_YEAR, "2026-02-28T00:00:0", -1},
    {"ISO, cut in the zone", NULL, NEW_YEAR, "2026-02-28T00:00:00+01:0", -1},
    {"nothing", NULL, NEW_YEAR, "", -1},
};

START_TEST(a_stamp_is_read)
{
    struct maillog_clock clock = {.now = stamps[_i].now, .local = stamps[_i].zone != NULL};
    struct span rest = {stamps[_i].stamp, strlen(stamps[_i].stamp)};
    int64_t time = -1;

    setenv("TZ", stamps[_i].zone ? stamps[_i].zone : "UTC", 1);
    tzset();
    ck_assert_int_eq(maillog_time(&clock, &rest, &time), stamps[_i].expected != -1);
    ck_assert_msg(stamps[_i].expected == -1 || time == stamps[_i].expected, "%s: %lld", stamps[_i].name, (long long)time);
    ck_assert(stamps[_i].expected == -1 ? rest.length == strlen(stamps[_i].stamp) : span_is(rest, "x"));
}
END_TEST

/* What is remembered of the last hour changes nothing. */
START_TEST(a_clock_used_again_says_the_same)
{
    struct maillog_clock clock = {.local = 1};

    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    for (int64_t when = AUTUMN - 3 * HOUR; when < AUTUMN + 3 * HOUR; when += 601) {
        struct tm tm;
        time_t unix_time = (time_t)when;
        char stamp[40];
        struct span rest;
        int64_t time = 0;

        localtime_r(&unix_time, &tm);
        strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S x", &tm);
        rest = span_of(stamp);
        clock.now = when;
        ck_assert_int_eq(maillog_time(&clock, &rest, &time), 1);
        ck_assert_int_eq(time, when);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("maillog_time");
    TCase *tcase = tcase_create("stamps");

    tcase_add_loop_test(tcase, a_stamp_is_read, 0, sizeof(stamps) / sizeof(stamps[0]));
    tcase_add_test(tcase, a_clock_used_again_says_the_same);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
