/* See plan.h. */
#include "config.h"

#include "daemon/ledger/plan.h"

#include "base/mem.h"

#include <stdlib.h>

struct plan *plan_new(int64_t token)
{
    struct plan *plan = xcalloc(1, sizeof(*plan));

    plan->token = token;
    return plan;
}

void plan_free(struct plan **plan)
{
    struct plan *old = *plan;

    *plan = NULL;
    for (size_t i = 0; old && i < old->count; i++) {
        free(old->items[i].key);
        free(old->items[i].stream);
        free(old->items[i].reason);
        free(old->items[i].policy);
        free(old->items[i].note);
    }
    if (old)
        free(old->items);
    free(old);
}

void plan_add(struct plan *plan, const struct plan_item *item)
{
    if (!(plan->count & (plan->count - 1)))
        plan->items = xrealloc(plan->items, (plan->count ? 2 * plan->count : 1) * sizeof(*plan->items));
    plan->items[plan->count++] = (struct plan_item){
        .key = xstrdup(item->key),
        .stream = xstrdup(item->stream),
        .reason = item->reason ? xstrdup(item->reason) : NULL,
        .policy = xstrdup(item->policy ? item->policy : ""),
        .note = xstrdup(item->note),
        .event = item->event,
        .until = item->until,
        .trial = item->trial,
    };
}
