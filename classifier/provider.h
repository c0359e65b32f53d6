/* provider: who runs that server, by the name of its host.
 *
 * Suffixes of host names (or recipient domains) in one hash table; one probe a
 * label. Read-only once built; any thread. The rule set owns it.
 */
#ifndef SUPPRESSD_CLASSIFIER_PROVIDER_H
#define SUPPRESSD_CLASSIFIER_PROVIDER_H

#include "classifier/rule.h"

#include <stddef.h>

#define PROVIDER_UNKNOWN (-1)

struct provider_index;

/* kind 0: the providers' mx suffixes; 1: their recipient domains. The names
 * stay the caller's, who keeps them as long as the index. */
struct provider_index *provider_index_create(const struct provider *providers, size_t count,
                                             int kind);
void provider_index_free(struct provider_index **index);

/* Index of the provider whose suffix is the longest that fits, or PROVIDER_UNKNOWN.
 * A closing dot and the case of letters do not matter; NULL is unknown. */
int provider_of_host(const struct provider_index *index, const char *host);

#endif
