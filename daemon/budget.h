/* Bytes of memory that many share, up to a bound. Any thread.
 *
 * Whoever finds no room goes without: nobody waits for somebody else's.
 */
#ifndef SUPPRESSD_DAEMON_BUDGET_H
#define SUPPRESSD_DAEMON_BUDGET_H

#include <stdatomic.h>
#include <stddef.h>

struct budget {
    atomic_size_t max, used;
};

/* A smaller one takes nothing away; it lets nobody in until enough is given back. */
static inline void budget_set(struct budget *budget, size_t max)
{
    atomic_store(&budget->max, max);
}

/* 1: they are taken; 0: there is no room. */
static inline int budget_take(struct budget *budget, size_t bytes)
{
    size_t used = atomic_fetch_add(&budget->used, bytes);

    if (used + bytes <= atomic_load(&budget->max))
        return 1;
    atomic_fetch_sub(&budget->used, bytes);
    return 0;
}

static inline void budget_give(struct budget *budget, size_t bytes)
{
    atomic_fetch_sub(&budget->used, bytes);
}

static inline size_t budget_used(struct budget *budget)
{
    return atomic_load(&budget->used);
}

#endif
