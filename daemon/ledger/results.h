/* Results to be counted: thousands of log lines in two pieces of memory.
 *
 * What a record carries of deliveries that become no event of their own. A
 * struct full of zeros is empty; results_clear frees what it holds. One owner.
 */
#ifndef SUPPRESSD_DAEMON_LEDGER_RESULTS_H
#define SUPPRESSD_DAEMON_LEDGER_RESULTS_H

#include "daemon/report/delivery.h"
#include "daemon/report/span.h"

#include <stddef.h>
#include <stdint.h>

#define RESULT_REPLY_MAX 2000 /* bytes of a reply that are kept */

struct results {
    struct result_item *items;
    size_t count, size;
    char *text;
    size_t text_length, text_size;
};

/* Where a text is not known, results_add takes SPAN_NONE and results_get gives "". */
struct result {
    int64_t time;
    enum action action;
    enum evidence evidence;
    struct span recipient, queue_id, remote_mta, status, reply;
};

/* The texts are copied; a control character becomes "?". */
void results_add(struct results *results, const struct result *result);

/* The spans point into results until the next results_add, each with a NUL behind it. */
void results_get(const struct results *results, size_t which, struct result *result_r);

void results_clear(struct results *results);

#endif
