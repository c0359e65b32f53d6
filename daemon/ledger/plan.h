/* A plan: which suppressions shall be added and released together.
 *
 * It is staged in parts of any size and then applied as a whole, so that the
 * writer is never held up for long before the one short transaction that does it.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_PLAN_H
#define SUPPRESSD_DAEMON_LEDGER_PLAN_H

#include <stddef.h>
#include <stdint.h>

#define PLAN_PART_MAX 1000 /* items handed over at once */

struct plan_item {
    char *key, *stream;
    char *reason; /* NULL: release the automatic suppression that this event caused */
    char *policy;  /* of what is added: the line that it rests on */
    char *note;
    int64_t event;
    int64_t until, trial; /* of what is added: as in struct store_suppression */
};

struct plan {
    int64_t token; /* what its parts have in common; not 0 */
    int64_t seen;  /* the newest change when it was made */
    struct plan_item *items;
    size_t count;
};

struct plan *plan_new(int64_t token);
void plan_free(struct plan **plan);
/* All copied. */
void plan_add(struct plan *plan, const struct plan_item *item);

#endif
