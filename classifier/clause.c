/* See clause.h. */
#include "config.h"

#include "classifier/clause.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void clause_add(struct strings *set, const char *word)
{
    set->list = xrealloc(set->list, (set->count + 1) * sizeof(*set->list));
    set->list[set->count++] = xstrdup(word);
}

void clause_add_all(struct strings *set, const struct strings *more)
{
    size_t i;

    for (i = 0; i < more->count; i++)
        clause_add(set, more->list[i]);
}

/* Letters tell twice as much as spaces, digits and marks, of which texts are full. */
static size_t strength_of(const char *word)
{
    size_t sum = 0;

    for (; *word; word++)
        sum += (*word >= 'a' && *word <= 'z') || (unsigned char)*word >= 0x80 ? 2 : 1;
    return sum;
}

size_t clause_strength(const struct strings *set)
{
    size_t least = SIZE_MAX, i;

    for (i = 0; i < set->count; i++)
        if (strength_of(set->list[i]) < least)
            least = strength_of(set->list[i]);
    return set->count ? least : 0;
}

/* Words that stand in every other reply. */
static int is_common(const char *word)
{
    static const char *const common[] = {
        "mail",   "message", "recipient", "address", "user",     "mailbox", "reject", "block",
        "sender", "domain",  "host",      "server",  "error",    "not ",    "this ",  "your ",
        "from",   "please",  "email",     "spam",    "rejected", "account", " for ",  "the "};
    size_t i;

    for (i = 0; i < sizeof(common) / sizeof(*common); i++)
        if (!strcmp(word, common[i]))
            return 1;
    return 0;
}

/* Rare words tell more: long ones, few of them, no common one among them. */
long clause_worth(const struct strings *set)
{
    long sum = (long)clause_strength(set) * 8 - (long)set->count;
    size_t i;

    for (i = 0; i < set->count; i++)
        sum -= is_common(set->list[i]) ? 40 : 0;
    return sum;
}

static void drop_string(struct strings *set, size_t i)
{
    free(set->list[i]);
    set->list[i] = set->list[--set->count];
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t clause_longest(const struct strings *set)
{
    size_t most = 0, i;

    for (i = 0; i < set->count; i++)
        if (strlen(set->list[i]) > most)
            most = strlen(set->list[i]);
    return most;
}

void clause_simplify(struct strings *set)
{
    size_t i, j;

    for (i = 0; i < set->count; i++) {
        for (j = 0; j < set->count; j++) {
            if (i == j || !strstr(set->list[i], set->list[j]))
                continue;
            drop_string(set, i--);
            break;
        }
    }
    qsort(set->list, set->count, sizeof(*set->list), by_text);
}

void clause_shorten(struct strings *set)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        if (strlen(set->list[i]) > CLAUSE_WORD_MAX)
            set->list[i][CLAUSE_WORD_MAX] = 0;
}
