/* See incident.h: the scopes, found by a hash table, and how they are kept. */
#include "config.h"

#include "daemon/ledger/incident_private.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1

struct head {
    uint32_t version, size;
    uint64_t count;
    int64_t latest;
};

const size_t incident_slots[2] = {INCIDENT_PROVIDERS, INCIDENT_DOMAINS};

static struct slot **bucket_of(struct incidents *incidents, int scope, const char *name)
{
    uint64_t hash = hash_bytes(hash_byte(HASH_OF_NOTHING, (unsigned char)scope), name, strlen(name));

    return &incidents->buckets[(hash ^ hash >> 32) & (INCIDENT_BUCKETS - 1)];
}

struct slot *incident_slot(const struct incidents *incidents, int scope, const char *name)
{
    struct slot *slot = *bucket_of((struct incidents *)(uintptr_t)incidents, scope, name);

    while (slot && (slot->history.scope != scope || strcmp(slot->history.name, name) != 0))
        slot = slot->next;
    return slot;
}

static int is_open(const struct slot *slot)
{
    for (int kind = 0; kind < INCIDENT_KINDS; kind++)
        if (slot->open[kind].id)
            return 1;
    return 0;
}

static void unlink_slot(struct incidents *incidents, struct slot *slot)
{
    struct slot **link = bucket_of(incidents, slot->history.scope, slot->history.name);

    while (*link != slot)
        link = &(*link)->next;
    *link = slot->next;
}

static void leave_order(struct incidents *incidents, struct slot *slot)
{
    int scope = slot->history.scope;

    *(slot->newer ? &slot->newer->older : &incidents->newest[scope]) = slot->older;
    *(slot->older ? &slot->older->newer : &incidents->oldest[scope]) = slot->newer;
}

/* Results come nearly in the order of time: the place is near the newest, or it
 * is that of one that was never heard of. */
static void join_order(struct incidents *incidents, struct slot *slot)
{
    int scope = slot->history.scope, never = !slot->history.heard;
    struct slot *older = never ? NULL : incidents->newest[scope], *newer = never ? incidents->oldest[scope] : NULL;

    while (older && older->history.heard > slot->history.heard) {
        newer = older;
        older = older->older;
    }
    slot->newer = newer;
    slot->older = older;
    *(newer ? &newer->older : &incidents->newest[scope]) = slot;
    *(older ? &older->newer : &incidents->oldest[scope]) = slot;
}

void incident_slot_heard(struct incidents *incidents, struct slot *slot, int64_t time)
{
    leave_order(incidents, slot);
    slot->history.heard = time;
    join_order(incidents, slot);
}

/* A free one, or that which was heard of least recently; NULL when incidents are open in all. */
static struct slot *make_room(struct incidents *incidents, int scope)
{
    struct slot *slot = incidents->oldest[scope];

    if (incidents->used[scope] < incident_slots[scope])
        return &incidents->slots[scope][incidents->used[scope]++];
    while (slot && is_open(slot))
        slot = slot->newer;
    if (slot) {
        leave_order(incidents, slot);
        unlink_slot(incidents, slot);
    }
    return slot;
}

static struct slot *place(struct incidents *incidents, const struct history *history)
{
    struct slot *slot = make_room(incidents, history->scope), **bucket;

    if (!slot)
        return NULL;
    memset(slot, 0, sizeof(*slot));
    slot->history = *history;
    bucket = bucket_of(incidents, history->scope, history->name);
    slot->next = *bucket;
    *bucket = slot;
    join_order(incidents, slot);
    return slot;
}

struct slot *incident_slot_add(struct incidents *incidents, int scope, const char *name)
{
    struct history history = {.scope = scope, .used = 1};
    struct slot *slot = incident_slot(incidents, scope, name);

    if (slot)
        return slot;
    memcpy(history.name, name, strlen(name) + 1);
    return place(incidents, &history);
}

void *incidents_save(const struct incidents *incidents, size_t *size_r)
{
    struct head head = {STATE_VERSION, sizeof(struct history), 0, incidents->latest};
    struct history *out;
    char *bytes;

    for (int scope = 0; scope < 2; scope++)
        head.count += incidents->used[scope];
    *size_r = sizeof(head) + head.count * sizeof(struct history);
    bytes = xmalloc(*size_r);
    memcpy(bytes, &head, sizeof(head));
    out = (struct history *)(void *)(bytes + sizeof(head));
    for (int scope = 0; scope < 2; scope++)
        for (size_t i = 0; i < incidents->used[scope]; i++)
            *out++ = incidents->slots[scope][i].history;
    return bytes;
}

static void forget(struct incidents *incidents)
{
    for (int scope = 0; scope < 2; scope++) {
        memset(incidents->slots[scope], 0, incident_slots[scope] * sizeof(struct slot));
        incidents->used[scope] = 0;
        incidents->newest[scope] = incidents->oldest[scope] = NULL;
    }
    memset(incidents->buckets, 0, sizeof(incidents->buckets));
    incidents->latest = 0;
    incidents->open_count = 0;
}

int incidents_load(struct incidents *incidents, const void *bytes, size_t size)
{
    struct head head;

    forget(incidents);
    if (size < sizeof(head))
        return -1;
    memcpy(&head, bytes, sizeof(head));
    if (head.version != STATE_VERSION || head.size != sizeof(struct history) ||
        head.count > INCIDENT_PROVIDERS + INCIDENT_DOMAINS ||
        size != sizeof(head) + head.count * sizeof(struct history))
        return -1;
    for (uint64_t i = 0; i < head.count; i++) {
        struct history history;

        memcpy(&history, (const char *)bytes + sizeof(head) + i * sizeof(history), sizeof(history));
        if (history.scope < 0 || history.scope > 1 || !memchr(history.name, '\0', sizeof(history.name)) ||
            !history.used || incident_slot(incidents, history.scope, history.name) || !place(incidents, &history)) {
            forget(incidents);
            return -1;
        }
    }
    incidents->latest = head.latest;
    return 0;
}

struct incidents *incidents_new(const struct incident_parameters *parameters)
{
    struct incidents *incidents = xcalloc(1, sizeof(*incidents));

    incidents->parameters = *parameters;
    for (int scope = 0; scope < 2; scope++)
        incidents->slots[scope] = xcalloc(incident_slots[scope], sizeof(struct slot));
    return incidents;
}

void incidents_free(struct incidents **incidents)
{
    struct incidents *old = *incidents;

    *incidents = NULL;
    if (!old)
        return;
    free(old->slots[0]);
    free(old->slots[1]);
    free(old);
}
