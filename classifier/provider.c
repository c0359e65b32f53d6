/* provider: a hash table of host name suffixes. */
#include "config.h"

#include "classifier/provider.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255 /* RFC 1035 section 2.3.4 */

struct slot {
    const char *suffix; /* NULL: free */
    int provider;
};

struct provider_index {
    size_t mask;
    struct slot slots[];
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* FNV-1a, backwards, so that each further label only goes on hashing. */
static uint32_t hash_back(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)lower(c)) * 16777619u;
}

static uint32_t hash_suffix(const char *suffix)
{
    uint32_t hash = 2166136261u;
    size_t i;

    for (i = strlen(suffix); i-- > 0;)
        hash = hash_back(hash, suffix[i]);
    return hash;
}

static void add(struct provider_index *index, const char *suffix, int provider)
{
    size_t at = hash_suffix(suffix) & index->mask;

    while (index->slots[at].suffix) {
        if (!strcasecmp(index->slots[at].suffix, suffix))
            return; /* the first one keeps it */
        at = (at + 1) & index->mask;
    }
    index->slots[at] = (struct slot){suffix, provider};
}

struct provider_index *provider_index_create(const struct provider *providers, size_t count,
                                             int kind)
{
    struct provider_index *index;
    size_t total = 0, size = 16, i, j;

    for (i = 0; i < count; i++)
        total += kind ? providers[i].domains.count : providers[i].mx.count;
    while (size < total * 2)
        size *= 2;
    index = xcalloc(1, sizeof(*index) + size * sizeof(*index->slots));
    index->mask = size - 1;
    for (i = 0; i < count; i++) {
        const struct strings *names = kind ? &providers[i].domains : &providers[i].mx;

        for (j = 0; j < names->count; j++)
            add(index, names->list[j], (int)i);
    }
    return index;
}

void provider_index_free(struct provider_index **index)
{
    free(*index);
    *index = NULL;
}

static int probe(const struct provider_index *index, uint32_t hash, const char *name, size_t length)
{
    size_t at;

    for (at = hash & index->mask; index->slots[at].suffix; at = (at + 1) & index->mask)
        if (!strncasecmp(index->slots[at].suffix, name, length) &&
            !index->slots[at].suffix[length])
            return index->slots[at].provider;
    return PROVIDER_UNKNOWN;
}

int provider_of_host(const struct provider_index *index, const char *host)
{
    uint32_t hash = 2166136261u;
    int found = PROVIDER_UNKNOWN, provider;
    size_t length, i;

    if (!host)
        return PROVIDER_UNKNOWN;
    length = strnlen(host, HOST_MAX + 1);
    if (length > HOST_MAX)
        return PROVIDER_UNKNOWN;
    if (length && host[length - 1] == '.')
        length--;
    for (i = length; i-- > 0;) {
        hash = hash_back(hash, host[i]);
        if (i && host[i - 1] != '.')
            continue;
        provider = probe(index, hash, host + i, length - i);
        if (provider != PROVIDER_UNKNOWN)
            found = provider;
    }
    return found;
}
