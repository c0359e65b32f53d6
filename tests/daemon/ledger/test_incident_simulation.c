/* daemon/ledger/incident on a fake clock: what it does to a provider's people.
 *
 * A world is a provider with people, who are mailed every few days, die and
 * are replaced; what hygiene and the store would do with the results is done
 * here in a few lines. --page prints doc/incidents.md.
 */
#include "config.h"

#include "daemon/ledger/incident.h"

#include "base/mem.h"
#include "tests/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400
#define START (INT64_C(18600) * DAY) /* 2020-12-04 00:00 UTC, a Friday */
#define PERIOD_MAX 6                 /* days between two mails to one address */
#define HAZARD 0.0005                /* of a mailbox, to die within a day */

/* splitmix64: the same on every machine. */
static uint64_t random_state;

static uint64_t random_bits(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double chance(void)
{
    return (double)(random_bits() >> 11) / 9007199254740992.0;
}

enum fate { SENDABLE, SUPPRESSED, HELD, WAITING };

struct person {
    int64_t taken;  /* day of the last mail that was taken; -1: none */
    int64_t since;  /* suppressed or held since */
    int64_t failed; /* last failure */
    int failures;   /* since held */
    enum fate fate;
    int64_t died;   /* 0: lives */
    int period, bought;
};

struct world;

struct scenario {
    const char *name, *story;
    int people, days;
    /* What the provider says instead of the truth: a reason; REASON_DELIVERED: the truth. */
    enum reason (*trouble)(int64_t time);
    int bought, bought_day; /* people of a list that is mailed once */
    double bought_dead;
    int64_t over;  /* when the trouble is over, if there is one */
};

struct world {
    const struct scenario *scenario;
    struct incidents *incidents;
    struct person *people;
    int64_t open_id, opened, closed, abnormal, got_through;
    int alarms;
    enum incident_kind kind;
};

/* Most mail goes out in the morning, some all day. */
static int64_t time_of_day(void)
{
    double r = chance();

    if (r < 0.6)
        return (int64_t)(9 * 3600 + chance() * 5400);
    return (int64_t)(6 * 3600 + (chance() + chance()) * 9 * 3600);
}

static enum reason usual_noise(void)
{
    double r = chance();

    return r < 0.001 ? REASON_IP_REPUTATION : r < 0.002 ? REASON_SPAM_CONTENT : r < 0.012 ? REASON_TIMEOUT :
           r < 0.0122 ? REASON_DMARC_FAIL : REASON_DELIVERED;
}

static void close_over(struct world *world, int64_t now)
{
    struct incident_alarm over;

    if (!incident_over(world->incidents, now, &over))
        return;
    incident_closed(world->incidents, over.id);
    world->open_id = 0;
    world->closed = now;
    world->abnormal = over.time;
    for (int i = 0; i < world->scenario->people + world->scenario->bought; i++) {
        struct person *person = &world->people[i];

        if (person->fate == HELD)
            person->fate = incident_confirms(person->failures, person->failed, over.time) ? SUPPRESSED : WAITING;
    }
}

static void open_incident(struct world *world, struct incident_alarm *alarm)
{
    if (!world->alarms++) {
        world->opened = alarm->time;
        world->kind = alarm->kind;
    }
    alarm->id = world->open_id = world->alarms;
    incident_opened(world->incidents, alarm);
    if (alarm->kind != INCIDENT_OUTAGE)
        return;
    for (int i = 0; i < world->scenario->people + world->scenario->bought; i++)
        if (world->people[i].fate == SUPPRESSED && world->people[i].since >= alarm->from) {
            world->people[i].fate = HELD;
            world->people[i].failures = 1;
            world->got_through += !world->people[i].died;
        }
}

static void failed_as_dead(struct world *world, struct person *person, int64_t now)
{
    int64_t id = incident_holding(world->incidents, "google", "gmail.com", REASON_NO_SUCH_USER);

    person->taken = -1;
    person->failed = now;
    if (person->fate == HELD && id) {
        person->failures++;
        return;
    }
    person->fate = id ? HELD : SUPPRESSED;
    person->since = now;
    person->failures = 1;
}

static void mail(struct world *world, struct person *person, int64_t now)
{
    enum reason reason = world->scenario->trouble ? world->scenario->trouble(now) : REASON_DELIVERED;
    struct incident_result result = {.time = now, .provider = "google", .domain = "gmail.com"};
    struct incident_alarm alarm;

    if (person->fate == SUPPRESSED)
        return;
    if (reason == REASON_DELIVERED)
        reason = person->died ? REASON_NO_SUCH_USER : usual_noise();
    result.reason = reason;
    result.action = reason == REASON_DELIVERED ? ACTION_DELIVERED : reason == REASON_TIMEOUT ? ACTION_DELAYED : ACTION_FAILED;
    result.known_days = person->taken < 0 ? -1 : (int)(now / DAY - person->taken);
    if (incident_observe(world->incidents, &result, now, &alarm))
        open_incident(world, &alarm);
    if (reason == REASON_NO_SUCH_USER)
        failed_as_dead(world, person, now);
    if (reason != REASON_DELIVERED)
        return;
    person->taken = now / DAY;
    if (person->fate != SUPPRESSED)
        person->fate = SENDABLE;
}

struct due {
    int64_t time;
    struct person *person;
};

static int by_time(const void *a, const void *b)
{
    const struct due *x = a, *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

static size_t plan_day(struct world *world, int day, struct due *due)
{
    const struct scenario *scenario = world->scenario;
    size_t count = 0;

    for (int i = 0; i < scenario->people + scenario->bought; i++) {
        struct person *person = &world->people[i];

        if (person->bought ? day == scenario->bought_day : (day + i) % person->period == 0)
            due[count++] = (struct due){START + (int64_t)day * DAY + time_of_day(), person};
        if (!person->bought && !person->died && chance() < HAZARD)
            person->died = START + (int64_t)day * DAY;
    }
    qsort(due, count, sizeof(*due), by_time);
    return count;
}

static void populate(struct world *world)
{
    const struct scenario *scenario = world->scenario;

    for (int i = 0; i < scenario->people + scenario->bought; i++) {
        struct person *person = &world->people[i];

        person->bought = i >= scenario->people;
        person->period = 1 + i % PERIOD_MAX;
        person->died = person->bought && chance() < scenario->bought_dead ? START : 0;
        /* The memory is filled: half a year of mail went before. */
        person->taken = person->bought ? -1 : START / DAY - 1 - (int64_t)(chance() * person->period);
    }
}

static void run(const struct scenario *scenario, struct world *world_r)
{
    size_t total = (size_t)(scenario->people + scenario->bought);
    struct due *due = xcalloc(total, sizeof(*due));

    random_state = 20201214;
    *world_r = (struct world){.scenario = scenario};
    world_r->incidents = incidents_new(&incident_defaults);
    world_r->people = xcalloc(total, sizeof(*world_r->people));
    populate(world_r);
    for (int day = 0; day < scenario->days; day++) {
        size_t count, next = 0;

        count = plan_day(world_r, day, due);
        for (int minute = 0; minute < DAY; minute += 60) {
            int64_t now = START + (int64_t)day * DAY + minute + 60;

            for (; next < count && due[next].time < now; next++)
                mail(world_r, due[next].person, due[next].time);
            close_over(world_r, now);
        }
    }
    free(due);
}

static void end(struct world *world)
{
    incidents_free(&world->incidents);
    free(world->people);
}

struct ending {
    int live, live_suppressed, dead, dead_suppressed; /* dead: when the trouble ended; of a bought list, its own */
};

static struct ending count_ending(const struct world *world)
{
    struct ending ending = {0};

    for (int i = 0; i < world->scenario->people + world->scenario->bought; i++) {
        const struct person *person = &world->people[i];
        int suppressed = person->fate == SUPPRESSED;

        if (!person->died) {
            ending.live++;
            ending.live_suppressed += suppressed;
        } else if (person->died <= world->scenario->over && person->bought == (world->scenario->bought > 0)) {
            ending.dead++;
            ending.dead_suppressed += suppressed;
        }
    }
    return ending;
}

/* 14 December 2020 20:55 to 23:20 UTC and the next day from 21:29 on, some hours
 * each, as the provider told; here the mail goes out when it does most harm. */
#define OUTAGE_DAY (START + INT64_C(10) * DAY)

static int in(int64_t time, int64_t from, double hours)
{
    return time >= from && (double)time < (double)from + hours * 3600;
}

static enum reason gmail_outage(int64_t time)
{
    double share = 0;

    if (in(time, OUTAGE_DAY + 9 * 3600, 2.5))
        share = 0.05 + 0.25 * (double)(time / 1800 % 2);
    else if (in(time, OUTAGE_DAY + DAY + 8 * 3600, 6.7))
        share = 0.04 + 0.2 * (double)(time / 3600 % 2);
    return chance() < share ? REASON_NO_SUCH_USER : REASON_DELIVERED;
}

static enum reason gmail_slight(int64_t time)
{
    return in(time, OUTAGE_DAY + 9 * 3600, 6) && chance() < 0.03 ? REASON_NO_SUCH_USER : REASON_DELIVERED;
}

static enum reason listing(int64_t time)
{
    return in(time, OUTAGE_DAY + 9 * 3600, 30) && chance() < 0.6 ? REASON_IP_BLOCKLISTED : REASON_DELIVERED;
}

static enum reason dmarc_mistake(int64_t time)
{
    return in(time, OUTAGE_DAY + 9.5 * 3600, 5) && chance() < 0.35 ? REASON_DMARC_FAIL : REASON_DELIVERED;
}

static const struct scenario scenarios[] = {
    {.name = "Gmail outage", .people = 100000, .days = 19, .trouble = gmail_outage,
     .over = OUTAGE_DAY + DAY + 16 * 3600,
     .story = "550 5.1.1 for 5 and 30 % of live users by turns for 2.5 hours, the next day for 4 and 24 % for 6.7 hours"},
    {.name = "Gmail outage, small sender", .people = 3000, .days = 19, .trouble = gmail_outage,
     .over = OUTAGE_DAY + DAY + 16 * 3600, .story = "the same to a sender of 3,000 users"},
    {.name = "slight outage", .people = 100000, .days = 18, .trouble = gmail_slight,
     .over = OUTAGE_DAY + 16 * 3600, .story = "550 5.1.1 for 3 % of live users for 6 hours"},
    {.name = "blocklist", .people = 20000, .days = 20, .trouble = listing, .over = OUTAGE_DAY + 39 * 3600,
     .story = "the sending address stands on a blocklist for 30 hours: 60 % of all mail is refused"},
    {.name = "DMARC mistake", .people = 20000, .days = 20, .trouble = dmarc_mistake, .over = OUTAGE_DAY + 15 * 3600,
     .story = "one stream of three is signed wrongly for 5 hours"},
    {.name = "bought list", .people = 20000, .days = 14, .over = OUTAGE_DAY + DAY, .bought = 10000, .bought_day = 10, .bought_dead = 0.4,
     .story = "10,000 bought addresses of which 40 % are dead are mailed once"},
};

#define SCENARIOS ((int)(sizeof(scenarios) / sizeof(scenarios[0])))

/* Normal weeks: what comes of one provider, result by result. Days differ in
 * their noise, weekends are still, weekly and monthly lists reach people who had
 * longer to die, and new addresses are worse. */
static struct incident_result normal_result(int64_t time, double noise)
{
    struct incident_result result = {.time = time, .provider = "p", .domain = "p.example", .action = ACTION_DELIVERED,
                                     .reason = REASON_DELIVERED, .known_days = 1};
    int64_t day = time / DAY;
    double r = chance();

    if (day % 30 == 0 && r < 0.5)
        result.known_days = 30;
    else if (r < 0.4)
        result.known_days = 7;
    else if (r > 0.95)
        result.known_days = -1;
    if (chance() < (result.known_days < 0 ? 0.05 : HAZARD * result.known_days)) {
        result.action = ACTION_FAILED;
        result.reason = REASON_NO_SUCH_USER;
        return result;
    }
    r = chance() / noise;
    if (r > 0.06)
        return result;
    result.action = r < 0.006 ? ACTION_FAILED : ACTION_DELAYED;
    result.reason = r < 0.001 ? REASON_IP_REPUTATION : r < 0.003 ? REASON_SPAM_CONTENT : r < 0.0032 ? REASON_DMARC_FAIL :
                    r < 0.02 ? REASON_TIMEOUT : REASON_RATE_LIMITED;
    return result;
}

/* False alarms. */
static int normal_days(int days, int mails)
{
    static const double week[7] = {1.1, 0.4, 0.3, 1, 1.3, 1.2, 1.1}; /* from a Friday */
    struct incidents *incidents = incidents_new(&incident_defaults);
    struct incident_alarm alarm;
    int alarms = 0;

    random_state = (uint64_t)mails;
    for (int day = 0; day < days; day++) {
        double noise = exp((chance() + chance() + chance() - 1.5) * 1.2);
        int64_t time = START + (int64_t)day * DAY + 7 * 3600;
        int count = (int)(mails * week[day % 7] * (0.8 + 0.4 * chance()));

        for (int i = 0; i < count; i++) {
            /* Half in the first tenth of the hours from seven to eleven at night. */
            int64_t now = time + (int64_t)(i < count / 2 ? 5760.0 * i / count * 2
                                                         : 5760 + 51840.0 * (i - count / 2) / count * 2);
            struct incident_result result = normal_result(now, noise);

            if (incident_observe(incidents, &result, now, &alarm)) {
                alarms++;
                alarm.id = alarms;
                incident_opened(incidents, &alarm);
            }
        }
        while (incident_over(incidents, time + DAY, &alarm))
            incident_closed(incidents, alarm.id);
    }
    incidents_free(&incidents);
    return alarms;
}

static const int sizes[] = {20, 200, 2000, 20000, 200000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))
#define NORMAL_DAYS 1000

static const char *minutes_text(int64_t seconds, char text_r[32])
{
    snprintf(text_r, 32, "%lld min", (long long)(seconds + 59) / 60);
    return text_r;
}

/* When the trouble of a scenario begins. */
static int64_t begins(const struct scenario *scenario)
{
    for (int64_t time = OUTAGE_DAY; scenario->trouble && time < OUTAGE_DAY + DAY; time += 60)
        for (int i = 0; i < 100; i++)
            if (scenario->trouble(time) != REASON_DELIVERED)
                return time;
    return 0;
}

static void print_scenario(const struct scenario *scenario)
{
    struct world world;
    struct ending ending;
    char after[32] = "";

    run(scenario, &world);
    ending = count_ending(&world);
    if (world.alarms)
        minutes_text(world.opened - begins(scenario), after);
    printf("| %s | %s | %s | %s | %d | %lld | %d of %d | %d of %d |\n", scenario->name, scenario->story,
           world.alarms ? incident_kind_name(world.kind) : "none", after, world.alarms,
           (long long)world.got_through, ending.live_suppressed, ending.live, ending.dead_suppressed, ending.dead);
    end(&world);
}

static int print_page(void)
{
    fputs("# Incidents\n\n"
          "A burst of failures that departs from a provider's own past is the provider's trouble or the sender's, not a "
          "thousand dead mailboxes. While an incident is open its suppressions are held: recorded, not enforced. "
          "suppressctl(1) tells how to look at one, close it and roll it back; `daemon/ledger/incident.h` states the "
          "mathematics.\n\n"
          "This page is printed by `tests/daemon/ledger/test_incident_simulation --page`, and a test compares the two: "
          "the real detector on a fake clock, in a world of people who are mailed every one to six days and whose "
          "mailboxes die at the rate of a sixth in a year.\n\n"
          "## What happens to people\n\n"
          "\"Known after\" is the time from the first false refusal to the incident; \"got through\" are live users that "
          "were suppressed before and whose suppressions were put on hold when it opened. The last two columns are counted "
          "a week after the trouble: live users who are suppressed, and those dead at the end of the trouble who are (of the "
          "bought list: its own dead).\n\n"
          "| trouble | what happens | incident | known after | incidents | got through | live suppressed | dead suppressed |\n"
          "|---|---|---|---|---|---|---|---|\n", stdout);
    for (int i = 0; i < SCENARIOS; i++)
        print_scenario(&scenarios[i]);
    fputs("\n## Normal weeks\n\n"
          "A provider's mail with the shape of day and week, daily, weekly and monthly lists, new addresses of which one in "
          "twenty is dead, and noise that differs from day to day fourfold.\n\n"
          "| mails a day | days | false alarms |\n|---|---|---|\n", stdout);
    for (size_t i = 0; i < SIZES; i++)
        printf("| %d | %d | %d |\n", sizes[i], NORMAL_DAYS, normal_days(NORMAL_DAYS, sizes[i]));
    return EXIT_SUCCESS;
}

static const struct {
    int alarms; /* at least; 0: none */
    enum incident_kind kind;
    int soon;   /* minutes */
} expected[] = {
    {1, INCIDENT_OUTAGE, 15}, {1, INCIDENT_OUTAGE, 60}, {1, INCIDENT_OUTAGE, 60},
    {1, INCIDENT_REPUTATION, 15}, {1, INCIDENT_AUTHENTICATION, 15}, {0, INCIDENT_OUTAGE, 0},
};

START_TEST(people_come_to_no_harm)
{
    struct ending ending;
    struct world world;

    run(&scenarios[_i], &world);
    ending = count_ending(&world);
    ck_assert_msg(ending.live_suppressed * 1000 <= ending.live, "%d of %d live", ending.live_suppressed, ending.live);
    ck_assert_int_gt(ending.dead, 0);
    ck_assert_msg(ending.dead_suppressed * 100 >= ending.dead * 99, "%d of %d dead", ending.dead_suppressed, ending.dead);
    ck_assert_int_eq(world.alarms > 0, expected[_i].alarms);
    if (world.alarms) {
        ck_assert_int_eq(world.kind, expected[_i].kind);
        ck_assert_int_ge(world.opened, begins(&scenarios[_i]));
        ck_assert_int_le(world.opened - begins(&scenarios[_i]), expected[_i].soon * 60);
    }
    ck_assert_msg(!world.open_id, "an incident is still open");
    end(&world);
}
END_TEST

START_TEST(normal_weeks_raise_no_alarm)
{
    ck_assert_int_eq(normal_days(NORMAL_DAYS, sizes[_i]), 0);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite;
    TCase *people, *normal;

    if (argc > 1 && !strcmp(argv[1], "--page"))
        return print_page();
    suite = suite_create("incident simulation");
    people = tcase_create("people");
    normal = tcase_create("normal");
    tcase_set_timeout(people, 600);
    tcase_set_timeout(normal, 1800);
    tcase_add_loop_test(people, people_come_to_no_harm, 0, SCENARIOS);
    tcase_add_loop_test(normal, normal_weeks_raise_no_alarm, 0, (int)SIZES);
    suite_add_tcase(suite, people);
    suite_add_tcase(suite, normal);
    return run_suite(suite);
}
