/* See deferrals.h. */
#include "config.h"

#include "daemon/intake/deferrals.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NOBODY (-1)

struct slot {
    struct log_entry entry;
    int used;
    int next; /* of the same bucket */
};

struct deferrals {
    struct slot slots[DEFERRALS_MAX]; /* a ring */
    int buckets[DEFERRALS_MAX];       /* by message */
    int newest;
};

struct deferrals *deferrals_new(void)
{
    struct deferrals *deferrals = xcalloc(1, sizeof(*deferrals));

    for (int i = 0; i < DEFERRALS_MAX; i++)
        deferrals->buckets[i] = NOBODY;
    return deferrals;
}

static size_t bucket_of(struct span queue_id)
{
    uint64_t hash = hash_bytes(HASH_OF_NOTHING, queue_id.start, queue_id.length);

    return (hash ^ hash >> 32) % DEFERRALS_MAX;
}

int deferrals_may_have(const struct deferrals *deferrals, struct span queue_id)
{
    return deferrals->buckets[bucket_of(queue_id)] != NOBODY;
}

/* The link that leads to a slot of this message (recipient NULL: of anybody), or to none. */
static int *find(struct deferrals *deferrals, const char *host, const char *queue_id, const char *recipient)
{
    int *link = &deferrals->buckets[bucket_of(span_of(queue_id))];

    while (*link != NOBODY) {
        const struct report *report = &deferrals->slots[*link].entry.report;

        if (!strcmp(report->queue_id, queue_id) && !strcmp(report->reporting_mta, host) &&
            (!recipient || !strcmp(report->deliveries->recipient, recipient)))
            break;
        link = &deferrals->slots[*link].next;
    }
    return link;
}

/* Takes the slot that a link leads to out of its bucket. */
static struct log_entry take_out(struct deferrals *deferrals, int *link)
{
    struct slot *slot = &deferrals->slots[*link];

    *link = slot->next;
    slot->used = 0;
    return slot->entry;
}

static void drop(struct deferrals *deferrals, int *link)
{
    struct log_entry entry = take_out(deferrals, link);

    report_clear(&entry.report);
}

void deferrals_forget(struct deferrals *deferrals, const char *host, const char *queue_id, const char *recipient)
{
    int *link = find(deferrals, host, queue_id, recipient);

    if (*link != NOBODY)
        drop(deferrals, link);
}

void deferrals_note(struct deferrals *deferrals, struct log_entry *entry_take)
{
    const struct report *report = &entry_take->report;
    struct slot *slot;
    int *link;

    deferrals_forget(deferrals, report->reporting_mta, report->queue_id, report->deliveries->recipient);
    deferrals->newest = (deferrals->newest + 1) % DEFERRALS_MAX;
    slot = &deferrals->slots[deferrals->newest];
    if (slot->used) {
        const struct report *old = &slot->entry.report;

        drop(deferrals, find(deferrals, old->reporting_mta, old->queue_id, old->deliveries->recipient));
    }
    link = &deferrals->buckets[bucket_of(span_of(report->queue_id))];
    *slot = (struct slot){.entry = *entry_take, .used = 1, .next = *link};
    *link = deferrals->newest;
    memset(entry_take, 0, sizeof(*entry_take));
}

int deferrals_take(struct deferrals *deferrals, const char *host, const char *queue_id, struct log_entry *entry_r)
{
    int *link = find(deferrals, host, queue_id, NULL);

    if (*link == NOBODY)
        return 0;
    *entry_r = take_out(deferrals, link);
    return 1;
}

void deferrals_free(struct deferrals **deferrals)
{
    struct deferrals *old = *deferrals;

    *deferrals = NULL;
    if (!old)
        return;
    for (int i = 0; i < DEFERRALS_MAX; i++)
        if (old->slots[i].used)
            report_clear(&old->slots[i].entry.report);
    free(old);
}
