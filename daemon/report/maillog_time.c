/* See maillog_time.h. */
#include "config.h"

#include "daemon/report/maillog_time.h"

#include <string.h>
#include <time.h>

#define HOUR 3600
#define DAY (24 * HOUR)
#define AHEAD 60        /* seconds by which a clock may be wrong inside a repeated hour */
#define YEARS_BACK 8    /* to the last 29 February in any case */
#define STAMP_LENGTH 15 /* "Nov  3 07:05:09" */
#define DATE_LENGTH 19  /* "2026-11-03T07:05:09" */

struct civil {
    int year, month, day, hour, minute, second; /* month 1..12 */
};

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int is_real(const struct civil *civil)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days[civil->month - 1] + (civil->month == 2 && is_leap(civil->year)) &&
           civil->hour >= 0 && civil->hour < 24 && civil->minute >= 0 && civil->minute < 60 &&
           civil->second >= 0 && civil->second <= 60;
}

/* Days since 1970-01-01, counted in years that begin in March. */
static int64_t days_of(const struct civil *civil)
{
    int64_t year = civil->month > 2 ? civil->year : civil->year - 1;
    int64_t month = (civil->month + 9) % 12;

    return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + civil->day - 1 - 719468;
}

static int64_t as_utc(const struct civil *civil)
{
    return days_of(civil) * DAY + civil->hour * HOUR + civil->minute * 60 + civil->second;
}

static int shows(time_t when, const struct civil *civil)
{
    struct tm tm;

    return localtime_r(&when, &tm) && tm.tm_hour == civil->hour && tm.tm_min == civil->minute &&
           tm.tm_mday == civil->day;
}

/* *certain_r is 0 when the clocks show this time twice. */
static int64_t as_local(const struct civil *civil, int64_t now, int *certain_r)
{
    struct tm tm = {.tm_year = civil->year - 1900, .tm_mon = civil->month - 1, .tm_mday = civil->day,
                    .tm_hour = civil->hour, .tm_min = civil->minute, .tm_sec = civil->second, .tm_isdst = -1};
    time_t first = mktime(&tm), second = first;

    if (shows(first + HOUR, civil))
        second = first + HOUR;
    else if (shows(first - HOUR, civil))
        first -= HOUR;
    *certain_r = first == second;
    return second <= now + AHEAD ? second : first;
}

static int64_t as_seconds(const struct maillog_clock *clock, const struct civil *civil, int *certain_r)
{
    *certain_r = 1;
    return clock->local ? as_local(civil, clock->now, certain_r) : as_utc(civil);
}

/* length digits, or -1. */
static int number(const char *text, int length)
{
    int value = 0;

    for (int i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static int read_clock(const char *text, struct civil *civil)
{
    if (text[2] != ':' || text[5] != ':')
        return 0;
    civil->hour = number(text, 2);
    civil->minute = number(text + 3, 2);
    civil->second = number(text + 6, 2);
    return 1;
}

static int month_of(const char *text)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (!memcmp(names + 3 * i, text, 3))
            return i + 1;
    return 0;
}

static int this_year(int64_t now)
{
    time_t when = (time_t)now;
    struct tm tm;

    return gmtime_r(&when, &tm) ? tm.tm_year + 1900 : 1970;
}

/* The latest year in which this stamp is real and not in the future. */
static int resolve_year(struct maillog_clock *clock, struct civil *civil, int64_t *time_r, int *certain_r)
{
    int newest = this_year(clock->now) + 1;

    for (civil->year = newest; civil->year >= newest - YEARS_BACK; civil->year--) {
        if (!is_real(civil))
            continue;
        *time_r = as_seconds(clock, civil, certain_r);
        if (*time_r <= clock->now + DAY)
            return 1;
    }
    return 0;
}

/* Lines of one hour come together: the calendar is asked once for all of them. */
static int read_stamp(struct maillog_clock *clock, struct span text, int64_t *time_r)
{
    struct civil civil = {0};
    const char *at = text.start;
    int certain, stamp, within;

    if (text.length < STAMP_LENGTH || at[3] != ' ' || at[6] != ' ' || !(civil.month = month_of(at)) ||
        !read_clock(at + 7, &civil))
        return 0;
    civil.day = at[4] == ' ' ? number(at + 5, 1) : number(at + 4, 2);
    stamp = (civil.month * 32 + civil.day) * 24 + civil.hour;
    within = civil.minute * 60 + civil.second;
    if (civil.day < 1 || civil.minute < 0 || civil.second < 0 || civil.minute > 59 || civil.second > 60)
        return 0;
    if (stamp == clock->hour_stamp && clock->now >= clock->hour_now && clock->now < clock->hour_now + HOUR) {
        *time_r = clock->hour_start + within;
        return 1;
    }
    if (!resolve_year(clock, &civil, time_r, &certain))
        return 0;
    clock->hour_stamp = certain ? stamp : 0;
    clock->hour_start = *time_r - within;
    clock->hour_now = clock->now;
    return 1;
}

/* "Z", "+02:00", "-0330": 1 and seconds east of Greenwich, 0 for none. */
static int read_zone(struct span text, int64_t *east_r, size_t *length_r)
{
    int hours, minutes, colon;

    *length_r = 0;
    if (!text.length)
        return 0;
    if (*text.start == 'Z') {
        *east_r = 0;
        *length_r = 1;
        return 1;
    }
    if ((*text.start != '+' && *text.start != '-') || text.length < 5)
        return 0;
    colon = text.start[3] == ':';
    if (text.length < (size_t)5 + (size_t)colon)
        return 0;
    hours = number(text.start + 1, 2);
    minutes = number(text.start + 3 + colon, 2);
    if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
        return 0;
    *east_r = (*text.start == '-' ? -1 : 1) * (hours * HOUR + minutes * 60);
    *length_r = 5 + (size_t)colon;
    return 1;
}

static int read_iso(struct maillog_clock *clock, struct span text, int64_t *time_r, size_t *length_r)
{
    struct civil civil;
    const char *at = text.start;
    size_t length = DATE_LENGTH, zone;
    int64_t east;
    int certain;

    if (text.length < DATE_LENGTH || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != ' ') ||
        !read_clock(at + 11, &civil))
        return 0;
    civil.year = number(at, 4);
    civil.month = number(at + 5, 2);
    civil.day = number(at + 8, 2);
    if (civil.year < 1970 || !is_real(&civil))
        return 0;
    if (length < text.length && (at[length] == '.' || at[length] == ','))
        for (length++; length < text.length && at[length] >= '0' && at[length] <= '9';)
            length++;
    if (read_zone(span_from(text, length), &east, &zone))
        *time_r = as_utc(&civil) - east;
    else
        *time_r = as_seconds(clock, &civil, &certain);
    *length_r = length + zone;
    return 1;
}

int maillog_time(struct maillog_clock *clock, struct span *rest_io, int64_t *time_r)
{
    size_t length = STAMP_LENGTH;

    if (!read_stamp(clock, *rest_io, time_r) && !read_iso(clock, *rest_io, time_r, &length))
        return 0;
    if (length >= rest_io->length || rest_io->start[length] != ' ')
        return 0;
    *rest_io = span_from(*rest_io, length + 1);
    return 1;
}
