/* See watch.h. */
#include "config.h"

#include "daemon/ledger/watch.h"

#include "base/mem.h"
#include "daemon/ledger/hashes.h"
#include "daemon/ledger/incident.h"
#include "daemon/ledger/store.h"
#include "daemon/ledger/taken.h"
#include "daemon/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400
#define SAVE_EVERY 300
#define REASONS_SIZE 2048
#define NOTICES_MAX 64 /* of one transaction; beyond that the listener hears nothing */

struct pending {
    struct incident_notice notice;
    char name[INCIDENT_NAME_SIZE], who[64];
};

struct watch {
    struct store *store;
    struct counters *counters;
    struct incidents *incidents;
    incident_listener *listener;
    void *context;
    int64_t saved;
    int changed; /* since */
    int stale;   /* a transaction was undone: to be read again */
    struct pending pending[NOTICES_MAX];
    int count;
};

/* The reasons that such an incident concerns, as a JSON array. */
static void list_reasons(enum incident_kind kind, char list_r[REASONS_SIZE])
{
    size_t length = 0;

    for (int reason = 0; reason < REASON_COUNT; reason++)
        if (incident_concerns(kind, (enum reason)reason))
            length += (size_t)snprintf(list_r + length, REASONS_SIZE - length, "%s\"%s\"", length ? "," : "[",
                                       reason_info((enum reason)reason)->name);
    snprintf(list_r + length, REASONS_SIZE - length, "]");
}

static void note(struct watch *watch, const struct incident_alarm *alarm, const char *what, const char *who,
                 int64_t time, int64_t concerned)
{
    struct pending *pending;

    counters_add(watch->counters, *what == 'o' ? COUNTER_INCIDENTS_OPENED : COUNTER_INCIDENTS_CLOSED, 1);
    if (watch->count == NOTICES_MAX)
        return;
    pending = &watch->pending[watch->count++];
    pending->notice = (struct incident_notice){
        .id = alarm->id, .time = time, .failures = alarm->failures, .concerned = concerned, .what = what,
        .kind = incident_kind_name(alarm->kind), .scope = incident_scope_name(alarm->scope)};
    snprintf(pending->name, sizeof(pending->name), "%s", alarm->name);
    snprintf(pending->who, sizeof(pending->who), "%s", who);
}

static int open_incident(struct watch *watch, struct incident_alarm *alarm, int64_t now, struct error *error)
{
    const struct store_incident incident = {
        .kind = incident_kind_name(alarm->kind), .scope = incident_scope_name(alarm->scope), .name = alarm->name,
        .begun = alarm->from, .opened = alarm->time, .failures = alarm->failures, .usual = alarm->usual};
    char reasons[REASONS_SIZE];
    int held;

    list_reasons(alarm->kind, reasons);
    if (store_add_incident(watch->store, &incident, &alarm->id, error) ||
        (held = store_hold_since(watch->store, alarm->id, alarm->from, reasons, now, error)) < 0)
        return -1;
    incident_opened(watch->incidents, alarm);
    note(watch, alarm, "open", "", alarm->time, held);
    return 0;
}

/* The days since the address took mail, -1: none is known; the memory follows the result. */
static int recall(struct watch *watch, const struct watched *result, int *days_r, struct error *error)
{
    struct taken *taken = store_taken(watch->store);
    uint64_t hash = hashes_of(result->key);
    int64_t today = result->time / DAY, day = 0;
    int known = taken_find(taken, hash, &day, error);

    if (known < 0)
        return -1;
    *days_r = !known ? -1 : day < today ? (int)(today - day) : 0;
    if (result->action == ACTION_DELIVERED)
        return known && day >= today ? 0 : taken_put(taken, hash, today, error);
    /* Dead for now: counted once, and as one who never took mail until it does. */
    return known && day <= today && reason_info(result->reason)->hygiene == HYGIENE_SUPPRESS
               ? taken_drop(taken, hash, error) : 0;
}

/* What was held of the address or its domain is dropped. */
static int drop_held(struct watch *watch, const struct watched *result, int64_t now, struct error *error)
{
    const char *domain_key = strrchr(result->key, '@');

    if (store_held_delivered(watch->store, result->key, result->time, now, error))
        return -1;
    return domain_key ? store_held_delivered(watch->store, domain_key, result->time, now, error) : 0;
}

int watch_expect(struct watch *watch, const char *const *keys, size_t count, struct error *error)
{
    uint64_t hashes[STORE_TOGETHER];

    assert(count <= STORE_TOGETHER);
    for (size_t i = 0; i < count; i++)
        hashes[i] = hashes_of(keys[i]);
    return taken_expect(store_taken(watch->store), hashes, count, error);
}

int watch_result(struct watch *watch, const struct watched *result, int64_t now, struct error *error)
{
    struct incident_result seen = {
        .time = result->time, .provider = result->provider, .domain = result->domain,
        .action = result->action, .reason = result->reason, .known_days = -1};
    struct incident_alarm alarm;
    int final = result->action == ACTION_FAILED || result->action == ACTION_DELIVERED;

    if (!final && result->action != ACTION_DELAYED)
        return 0;
    if (*result->key && final && recall(watch, result, &seen.known_days, error))
        return -1;
    if (*result->key && result->action == ACTION_DELIVERED && drop_held(watch, result, now, error))
        return -1;
    watch->changed = 1;
    return incident_observe(watch->incidents, &seen, now, &alarm) ? open_incident(watch, &alarm, now, error) : 0;
}

int64_t watch_holding(const struct watch *watch, const char *provider, const char *domain, enum reason reason)
{
    return incident_holding(watch->incidents, provider, domain, reason);
}

static int close_incident(struct watch *watch, const struct incident_alarm *alarm, const char *who, int64_t now,
                          struct error *error)
{
    int closed = store_close_incident(watch->store, alarm->id, alarm->time, who, now, error);

    if (closed > 0) {
        incident_closed(watch->incidents, alarm->id);
        note(watch, alarm, "close", who, now, 0);
    }
    return closed;
}

static int save(struct watch *watch, int64_t now, struct error *error)
{
    size_t size;
    void *bytes = incidents_save(watch->incidents, &size);
    int failed = store_put_state(watch->store, now, bytes, size, error);

    free(bytes);
    watch->saved = now;
    watch->changed = 0;
    return failed;
}

/* What is in the database is what is known: after the start, and after a rollback. */
static int load(struct watch *watch, struct error *error)
{
    struct store_open open = {0};
    void *bytes = NULL;
    size_t size = 0;
    int found = store_get_state(watch->store, &bytes, &size, error);

    if (found < 0)
        return -1;
    if (incidents_load(watch->incidents, bytes, size) && found)
        log_line(LOG_WARN, "incidents: what was seen before cannot be read: rates are learned anew");
    free(bytes);
    while ((found = store_next_incident(watch->store, open.id, &open, error)) > 0) {
        struct incident_alarm alarm = {.id = open.id, .from = open.begun, .time = open.opened};

        if (!incident_kind_from_name(open.kind, &alarm.kind))
            continue;
        alarm.scope = strcmp(open.scope, "provider") ? INCIDENT_DOMAIN : INCIDENT_PROVIDER;
        snprintf(alarm.name, sizeof(alarm.name), "%s", open.name);
        incident_opened(watch->incidents, &alarm);
    }
    watch->stale = 0;
    return found;
}

/* Also when the clock has been set back. */
static int is_save_due(const struct watch *watch, int64_t now)
{
    return watch->changed && (now >= watch->saved + SAVE_EVERY || now < watch->saved);
}

int watch_due(const struct watch *watch, int64_t now)
{
    struct incident_alarm over;

    return watch->stale || is_save_due(watch, now) ||
           incident_over(watch->incidents, now, &over);
}

int watch_tick(struct watch *watch, int64_t now, struct error *error)
{
    struct incident_alarm over;

    if (watch->stale && load(watch, error))
        return -1;
    while (incident_over(watch->incidents, now, &over)) {
        int closed = close_incident(watch, &over, "quiet", now, error);

        if (closed < 0)
            return -1;
        if (!closed)
            incident_closed(watch->incidents, over.id);
    }
    return is_save_due(watch, now) ? save(watch, now, error) : 0;
}

/* The incident of this id as an alarm: 1, 0 there is none, -1. closed_r 0: it is open. */
static int find(struct watch *watch, int64_t id, struct incident_alarm *alarm_r, int64_t *closed_r, struct error *error)
{
    struct store_open open;
    int found = store_find_incident(watch->store, id, &open, closed_r, error);

    *alarm_r = (struct incident_alarm){.id = id};
    if (found <= 0)
        return found;
    alarm_r->from = open.begun;
    return incident_kind_from_name(open.kind, &alarm_r->kind);
}

int watch_close(struct watch *watch, int64_t id, const char *who, int64_t now, struct error *error)
{
    struct incident_alarm alarm;
    int64_t closed;
    int found = find(watch, id, &alarm, &closed, error);

    if (found <= 0 || closed)
        return found < 0 ? -1 : 0;
    alarm.time = now;
    (void)incident_find(watch->incidents, id, &alarm); /* when it last was abnormal */
    return close_incident(watch, &alarm, who, now, error);
}

int watch_rollback(struct watch *watch, int64_t id, const char *who, int64_t now, struct error *error)
{
    struct incident_alarm alarm;
    char reasons[REASONS_SIZE];
    int64_t closed;
    int found;

    if (watch_close(watch, id, who, now, error) < 0 || (found = find(watch, id, &alarm, &closed, error)) < 0)
        return -1;
    if (!found)
        return 0;
    list_reasons(alarm.kind, reasons);
    return store_rollback_incident(watch->store, id, reasons, alarm.from, closed, who, now, error);
}

void watch_committed(struct watch *watch)
{
    for (int i = 0; i < watch->count; i++) {
        struct pending *pending = &watch->pending[i];

        pending->notice.name = pending->name;
        pending->notice.who = pending->who;
        log_line(LOG_NOTE, "incident %lld %s: %s at %s %s", (long long)pending->notice.id,
                 *pending->notice.what == 'o' ? "opens" : "is closed", pending->notice.kind, pending->notice.scope,
                 pending->name);
        if (watch->listener)
            watch->listener(&pending->notice, watch->context);
    }
    watch->count = 0;
}

void watch_undone(struct watch *watch)
{
    struct error error;

    watch->count = 0;
    watch->stale = 1;
    if (load(watch, &error))
        log_line(LOG_WARN, "incidents cannot be read again yet: %s", error.text);
}

void watch_reread(struct watch *watch)
{
    watch->stale = 1;
}

void watch_listen(struct watch *watch, incident_listener *listener, void *context)
{
    watch->listener = listener;
    watch->context = context;
}

struct watch *watch_open(struct store *store, const struct incident_parameters *parameters, struct counters *counters,
                         struct error *error)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));

    watch->store = store;
    watch->counters = counters;
    watch->incidents = incidents_new(parameters ? parameters : &incident_defaults);
    if (load(watch, error))
        watch_free(&watch);
    return watch;
}

void watch_free(struct watch **watch)
{
    struct watch *old = *watch;

    *watch = NULL;
    if (!old)
        return;
    incidents_free(&old->incidents);
    free(old);
}
