/* See incident.h. */
#include "config.h"

#include "daemon/ledger/incident_private.h"

#include <math.h>
#include <string.h>

#define DAY INT64_C(86400)
#define LATE_MAX 3600    /* seconds; also how far the future may be */
#define FUTURE_MAX 600
#define KNOWN_DAYS_MAX 365
#define STILL_MIN 3      /* failures in an hour that are no mere coincidence */

static const int64_t half[INCIDENT_WINDOWS] = {1800, 3 * 3600, 12 * 3600};

const struct incident_parameters incident_defaults = {
    .ratio = 3,
    .alpha = 1e-7,
    .floor = {
        [INCIDENT_OUTAGE] = 0.0006, /* a day: a fifth of all mailboxes in a year */
        [INCIDENT_REPUTATION] = 0.01,
        [INCIDENT_AUTHENTICATION] = 0.005,
        [INCIDENT_CONTENT] = 0.01,
        [INCIDENT_NETWORK] = 0.1,
    },
    .prior = 100,
    .failures_min = 5,
    .baseline = 14 * DAY,
    .quiet = 4 * 3600,
    .silence = 36 * 3600,
};

double incident_tail(int64_t count, double mean)
{
    double term, sum;

    if (count <= 0)
        return 1;
    if (mean <= 0)
        return 0;
    if ((double)count <= mean)
        return 1; /* an upper bound that serves: nobody asks about this side */
    sum = term = exp((double)count * log(mean) - mean - lgamma((double)count + 1));
    for (int64_t k = count + 1; term > sum * 1e-12; k++)
        sum += term *= mean / (double)k;
    return sum;
}

/* A half day that leaves the longest window becomes part of the past. */
static void retire(struct history *history, const struct counts *counts, uint32_t tainted)
{
    for (int kind = 0; kind < INCIDENT_KINDS; kind++)
        if (!(tainted & 1u << kind)) {
            history->past[kind].exposure += kind == INCIDENT_OUTAGE ? counts->known : counts->all;
            history->past[kind].failed += counts->failed[kind];
        }
}

static void fade(struct history *history, double factor)
{
    for (int kind = 0; kind < INCIDENT_KINDS; kind++) {
        history->past[kind].exposure *= factor;
        history->past[kind].failed *= factor;
    }
}

static void turn_longest(struct incidents *incidents, struct slot *slot, int64_t steps)
{
    struct history *history = &slot->history;
    const int last = INCIDENT_WINDOWS - 1;

    retire(history, &history->before[last], history->tainted_before);
    if (steps > 1)
        retire(history, &history->now[last], history->tainted_now);
    fade(history, exp(-(double)(steps * half[last]) / (double)incidents->parameters.baseline));
    history->tainted_before = steps > 1 ? 0 : history->tainted_now;
    history->tainted_now = 0;
    for (int kind = 0; kind < INCIDENT_KINDS; kind++)
        if (slot->open[kind].id)
            history->tainted_now |= 1u << kind;
}

/* Moves the windows on to this time. */
static void advance(struct incidents *incidents, struct slot *slot, int64_t time)
{
    struct history *history = &slot->history;

    for (int w = 0; w < INCIDENT_WINDOWS; w++) {
        int64_t turn = time / half[w], steps = turn - history->turn[w];

        if (steps <= 0)
            continue;
        if (w == INCIDENT_WINDOWS - 1)
            turn_longest(incidents, slot, steps);
        history->before[w] = steps > 1 ? (struct counts){0} : history->now[w];
        history->now[w] = (struct counts){0};
        history->turn[w] = turn;
    }
    if (time > history->heard)
        incident_slot_heard(incidents, slot, time);
}

static double exposure_of(const struct history *history, int window, int kind)
{
    const struct counts *now = &history->now[window], *before = &history->before[window];

    return kind == INCIDENT_OUTAGE ? now->known + before->known : now->all + before->all;
}

/* The mean of failures in the window up to which nothing is unusual. */
static double normal_mean(const struct incidents *incidents, const struct history *history, int window, int kind)
{
    const struct incident_parameters *p = &incidents->parameters;
    double rate = (history->past[kind].failed + p->prior * p->floor[kind]) / (history->past[kind].exposure + p->prior);

    if (rate < p->floor[kind])
        rate = p->floor[kind];
    return p->ratio * rate * exposure_of(history, window, kind);
}

static int64_t failures_in(const struct history *history, int window, int kind)
{
    return (int64_t)history->now[window].failed[kind] + history->before[window].failed[kind];
}

/* Departing from a past takes one. That addresses took mail is the past of an outage. */
static int has_past(const struct incidents *incidents, const struct history *history, int kind)
{
    return kind == INCIDENT_OUTAGE || history->past[kind].exposure >= incidents->parameters.prior / 5;
}

/* The shortest window in which chance is ruled out. */
static int test(const struct incidents *incidents, const struct slot *slot, int kind, int64_t time,
                struct incident_alarm *alarm_r)
{
    const struct history *history = &slot->history;

    if (!has_past(incidents, history, kind))
        return 0;
    for (int w = 0; w < INCIDENT_WINDOWS; w++) {
        int64_t failures = failures_in(history, w, kind);
        double mean = normal_mean(incidents, history, w, kind);

        if (failures < incidents->parameters.failures_min ||
            incident_tail(failures, mean) >= incidents->parameters.alpha)
            continue;
        *alarm_r = (struct incident_alarm){
            .kind = (enum incident_kind)kind, .scope = (enum incident_scope)history->scope,
            .from = (history->turn[w] - 1) * half[w], .time = time, .failures = failures,
            .usual = mean / incidents->parameters.ratio};
        memcpy(alarm_r->name, history->name, sizeof(alarm_r->name));
        return 1;
    }
    return 0;
}

/* Counts the result of an open incident: is it still abnormal? */
static void follow(const struct incidents *incidents, struct slot *slot, int kind, int64_t time, int failed)
{
    struct open *open = &slot->open[kind];
    int64_t failures = failures_in(&slot->history, 0, kind);

    open->seen++;
    if (!failed || failures < STILL_MIN || (double)failures <= normal_mean(incidents, &slot->history, 0, kind))
        return;
    if (time > open->abnormal)
        open->abnormal = time;
    open->seen = 0;
}

/* The kind of incident that this result is a failure of; INCIDENT_KINDS: of none. */
static int kind_of(const struct incident_result *result)
{
    static const struct {
        const char *family;
        int kind;
    } families[] = {
        {"reputation", INCIDENT_REPUTATION}, {"authentication", INCIDENT_AUTHENTICATION},
        {"content", INCIDENT_CONTENT}, {"network", INCIDENT_NETWORK}, {"remote", INCIDENT_NETWORK},
    };
    const struct reason_info *info = reason_info(result->reason);

    if (result->action != ACTION_FAILED && result->action != ACTION_DELAYED)
        return INCIDENT_KINDS;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (!strcmp(info->family, families[i].family))
            return families[i].kind;
    if (result->action == ACTION_FAILED && result->known_days >= 0 &&
        incident_concerns(INCIDENT_OUTAGE, result->reason) && info->hygiene == HYGIENE_SUPPRESS)
        return INCIDENT_OUTAGE;
    return INCIDENT_KINDS;
}

static double known_exposure(const struct incident_result *result)
{
    int days = result->known_days < KNOWN_DAYS_MAX ? result->known_days : KNOWN_DAYS_MAX;

    if (days < 0 || (result->action != ACTION_FAILED && result->action != ACTION_DELIVERED))
        return 0;
    return 1.0 + days;
}

static void count(struct slot *slot, const struct incident_result *result, int kind)
{
    double known = known_exposure(result);

    for (int w = 0; w < INCIDENT_WINDOWS; w++) {
        struct counts *now = &slot->history.now[w];

        now->all += 1;
        now->known += known;
        if (kind < INCIDENT_KINDS && now->failed[kind] < UINT32_MAX)
            now->failed[kind]++;
    }
}

static void follow_open(const struct incidents *incidents, struct slot *slot, const struct incident_result *result,
                        int kind)
{
    for (int k = 0; k < INCIDENT_KINDS; k++)
        if (slot->open[k].id && (k != INCIDENT_OUTAGE || known_exposure(result) > 0))
            follow(incidents, slot, k, result->time, k == kind);
}

/* What an incident has accounted for must not raise the next one. */
static void forget_failures(struct slot *slot, int kind)
{
    for (int w = 0; w < INCIDENT_WINDOWS; w++)
        slot->history.now[w].failed[kind] = slot->history.before[w].failed[kind] = 0;
}

/* One scope. 1 and *alarm_r; quiet: another scope speaks for it. */
static int observe(struct incidents *incidents, int scope, const char *name, const struct incident_result *result,
                   int kind, int quiet, struct incident_alarm *alarm_r)
{
    size_t length = strlen(name);
    struct slot *slot;

    if (!length || length >= INCIDENT_NAME_SIZE || !(slot = incident_slot_add(incidents, scope, name)))
        return 0;
    advance(incidents, slot, result->time);
    count(slot, result, kind);
    follow_open(incidents, slot, result, kind);
    if (kind < INCIDENT_KINDS && quiet && !slot->open[kind].id)
        forget_failures(slot, kind);
    return kind < INCIDENT_KINDS && !quiet && !slot->open[kind].id &&
           test(incidents, slot, kind, result->time, alarm_r);
}

static int provider_open(const struct incidents *incidents, const char *provider, int kind)
{
    const struct slot *slot = incident_slot(incidents, INCIDENT_PROVIDER, provider);

    return slot && kind < INCIDENT_KINDS && slot->open[kind].id != 0;
}

/* Nothing is of the future any more. */
static void set_back(struct incidents *incidents, int64_t now)
{
    for (int scope = 0; scope < 2; scope++)
        for (size_t i = 0; i < incident_slots[scope]; i++) {
            struct slot *slot = &incidents->slots[scope][i];

            for (int w = 0; w < INCIDENT_WINDOWS; w++)
                if (slot->history.turn[w] > now / half[w])
                    slot->history.turn[w] = now / half[w];
            if (slot->history.heard > now)
                slot->history.heard = now;
            for (int kind = 0; kind < INCIDENT_KINDS; kind++)
                if (slot->open[kind].abnormal > now)
                    slot->open[kind].abnormal = now;
        }
    incidents->latest = now;
}

static void heed_clock(struct incidents *incidents, int64_t now)
{
    if (incidents->latest <= now + FUTURE_MAX || now < incidents->behind)
        incidents->behind = 0;
    else if (!incidents->behind)
        incidents->behind = now;
    else if (now >= incidents->behind + DAY)
        set_back(incidents, now);
}

int incident_observe(struct incidents *incidents, const struct incident_result *result, int64_t now,
                     struct incident_alarm *alarm_r)
{
    int kind = kind_of(result), alarm;

    heed_clock(incidents, now);
    if (result->time > now + FUTURE_MAX || result->time + LATE_MAX < incidents->latest)
        return 0;
    if (result->time > incidents->latest)
        incidents->latest = result->time;
    alarm = observe(incidents, INCIDENT_PROVIDER, result->provider, result, kind, 0, alarm_r);
    if (observe(incidents, INCIDENT_DOMAIN, result->domain, result, kind,
                alarm || provider_open(incidents, result->provider, kind), alarm_r))
        alarm = 1;
    return alarm;
}

void incident_opened(struct incidents *incidents, const struct incident_alarm *alarm)
{
    struct slot *slot = incident_slot_add(incidents, alarm->scope, alarm->name);
    struct open *open;

    if (!slot)
        return;
    open = &slot->open[alarm->kind];
    if (alarm->time > incidents->latest)
        incidents->latest = alarm->time;
    incidents->open_count += !open->id;
    *open = (struct open){.id = alarm->id, .abnormal = alarm->time, .from = alarm->from};
    slot->history.tainted_now |= 1u << alarm->kind;
    slot->history.tainted_before |= 1u << alarm->kind;
}

/* Calls visit for each open incident until it returns non-zero. */
static int each_open(struct incidents *incidents, int (*visit)(struct slot *slot, int kind, void *context),
                     void *context)
{
    int stop = 0;

    for (int scope = 0; scope < 2 && incidents->open_count; scope++)
        for (size_t i = 0; i < incident_slots[scope] && !stop; i++)
            for (int kind = 0; kind < INCIDENT_KINDS && !stop; kind++)
                if (incidents->slots[scope][i].open[kind].id)
                    stop = visit(&incidents->slots[scope][i], kind, context);
    return stop;
}

static int close_if(struct slot *slot, int kind, void *context)
{
    const int64_t *id = context;

    if (slot->open[kind].id != *id)
        return 0;
    slot->open[kind] = (struct open){0};
    forget_failures(slot, kind);
    return 1;
}

void incident_closed(struct incidents *incidents, int64_t id)
{
    if (each_open(incidents, close_if, &id))
        incidents->open_count--;
}

struct sought {
    const struct incident_parameters *parameters;
    int64_t id, now;
    struct incident_alarm *alarm_r;
};

static int describe(const struct slot *slot, int kind, struct incident_alarm *alarm_r)
{
    const struct open *open = &slot->open[kind];

    *alarm_r = (struct incident_alarm){
        .kind = (enum incident_kind)kind, .scope = (enum incident_scope)slot->history.scope,
        .id = open->id, .from = open->from, .time = open->abnormal};
    memcpy(alarm_r->name, slot->history.name, sizeof(alarm_r->name));
    return 1;
}

static int is_over(struct slot *slot, int kind, void *context)
{
    const struct sought *over = context;
    const struct open *open = &slot->open[kind];
    int64_t ago = over->now - open->abnormal;

    if (ago < over->parameters->quiet || (open->seen < INCIDENT_QUIET_SEEN && ago < over->parameters->silence))
        return 0;
    return describe(slot, kind, over->alarm_r);
}

static int is_it(struct slot *slot, int kind, void *context)
{
    const struct sought *sought = context;

    return slot->open[kind].id == sought->id && describe(slot, kind, sought->alarm_r);
}

int incident_over(struct incidents *incidents, int64_t now, struct incident_alarm *alarm_r)
{
    struct sought over = {&incidents->parameters, 0, now, alarm_r};

    heed_clock(incidents, now);
    return each_open(incidents, is_over, &over);
}

int incident_find(struct incidents *incidents, int64_t id, struct incident_alarm *alarm_r)
{
    struct sought sought = {&incidents->parameters, id, 0, alarm_r};

    return each_open(incidents, is_it, &sought);
}

static int64_t holding(const struct slot *slot, enum reason reason)
{
    for (int kind = 0; slot && kind < INCIDENT_KINDS; kind++)
        if (slot->open[kind].id && incident_concerns((enum incident_kind)kind, reason))
            return slot->open[kind].id;
    return 0;
}

int64_t incident_holding(const struct incidents *incidents, const char *provider, const char *domain,
                         enum reason reason)
{
    int64_t id = 0;

    if (incidents->open_count && !(id = holding(incident_slot(incidents, INCIDENT_PROVIDER, provider), reason)))
        id = holding(incident_slot(incidents, INCIDENT_DOMAIN, domain), reason);
    return id;
}

int incident_concerns(enum incident_kind kind, enum reason reason)
{
    const char *family = reason_info(reason)->family;

    if (kind == INCIDENT_OUTAGE)
        return !strcmp(family, "address") || !strcmp(family, "domain");
    if (kind == INCIDENT_NETWORK)
        return !strcmp(family, "network") || !strcmp(family, "remote") || !strcmp(family, "domain");
    return reason == REASON_RECIPIENT_REFUSED || reason == REASON_DOMAIN_NOT_ACCEPTING;
}

int incident_confirms(int64_t failures, int64_t last_failure, int64_t abnormal)
{
    return failures > 1 && last_failure > abnormal;
}

static const char *const kind_names[] = {
    [INCIDENT_OUTAGE] = "provider-outage",
    [INCIDENT_REPUTATION] = "reputation",
    [INCIDENT_AUTHENTICATION] = "authentication",
    [INCIDENT_CONTENT] = "content",
    [INCIDENT_NETWORK] = "network",
};

const char *incident_kind_name(enum incident_kind kind)
{
    return kind_names[kind];
}

int incident_kind_from_name(const char *name, enum incident_kind *kind_r)
{
    for (int kind = 0; kind < INCIDENT_KINDS; kind++)
        if (!strcmp(kind_names[kind], name)) {
            *kind_r = (enum incident_kind)kind;
            return 1;
        }
    return 0;
}

const char *incident_scope_name(enum incident_scope scope)
{
    return scope == INCIDENT_PROVIDER ? "provider" : "domain";
}

void incidents_use(struct incidents *incidents, const struct incident_parameters *parameters)
{
    incidents->parameters = *parameters;
}
