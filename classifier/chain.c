/* See chain.h. */
#include "config.h"

#include "classifier/chain.h"

#include "base/mem.h"
#include "classifier/grams.h"

#include <stdlib.h>
#include <string.h>

static int is_mark(char c)
{
    return c >= MARK_BOUNDARY && c <= MARK_END;
}

char *chain_unmarked(const char *marked)
{
    char *text = xmalloc(strlen(marked) + 1), *out = text;

    for (; *marked; marked++)
        if (!is_mark(*marked))
            *out++ = *marked;
    *out = 0;
    return text;
}

static unsigned edge_of(char mark, int is_left)
{
    if (mark == MARK_BOUNDARY)
        return is_left ? EDGE_LEFT : EDGE_RIGHT;
    return mark == MARK_START ? EDGE_START : EDGE_END;
}

/* A mark between two bytes of one word is settled here and now. */
static int is_possible_inside(char mark, char before, char after)
{
    return mark == MARK_BOUNDARY && chain_is_word(before) != chain_is_word(after);
}

/* 0 when no text can hold the word. */
static int read_marks(const char *marked, unsigned *edges_r)
{
    size_t i, j, length = strlen(marked);

    *edges_r = 0;
    for (i = 0; i < length; i++) {
        char before = 0, after = 0;

        if (!is_mark(marked[i]))
            continue;
        for (j = 0; j < i; j++)
            before = is_mark(marked[j]) ? before : marked[j];
        for (j = length; j > i; j--)
            after = is_mark(marked[j - 1]) ? after : marked[j - 1];
        if (before && after && !is_possible_inside(marked[i], before, after))
            return 0;
        if (!before && after && marked[i] == MARK_END)
            return 0; /* a word behind the end */
        if (before && !after && marked[i] == MARK_START)
            return 0;
        if (!before || !after)
            *edges_r |= edge_of(marked[i], !before);
    }
    return 1;
}

static struct chain_link *add_link(struct chain *chain, size_t words)
{
    struct chain_link *link = &chain->links[chain->count];

    if (chain->lost || chain->count == CHAIN_LINKS) {
        chain->lost = 1;
        return NULL;
    }
    chain->count++;
    *link = (struct chain_link){.gap = chain->gap, .words = xcalloc(words + 1, sizeof(*link->words)),
                                .shortest = SIZE_MAX};
    chain->gap = (struct chain_gap){0};
    chain->has_gap = 0;
    return link;
}

/* Nothing, which parts two gaps or holds one that has no word on this side. */
static void add_empty_link(struct chain *chain)
{
    struct chain_link *link = add_link(chain, 1);

    if (!link)
        return;
    link->words[link->count++].text = xstrdup("");
    link->shortest = 0;
}

void chain_add_gap(struct chain *chain, const struct chain_gap *gap)
{
    struct chain_gap *known = &chain->gap;

    if (!chain->count && !chain->has_gap && !gap->min)
        return; /* in front of everything it says nothing */
    if (chain->has_gap && !memcmp(&known->class, &gap->class, sizeof(gap->class))) {
        known->min += gap->min;
        known->max = gap->max > CHAIN_ENDLESS - known->max ? CHAIN_ENDLESS : known->max + gap->max;
        return;
    }
    if (chain->has_gap || !chain->count)
        add_empty_link(chain);
    *known = *gap;
    chain->has_gap = 1;
}

void chain_add_link(struct chain *chain, const struct strings *set)
{
    struct chain_link *link = add_link(chain, set->count);
    size_t i;

    for (i = 0; link && i < set->count; i++) {
        struct chain_word word = {.text = chain_unmarked(set->list[i])};
        size_t length = strlen(word.text);

        chain->lost |= length > CHAIN_WORD_MAX;
        if (read_marks(set->list[i], &word.edges)) {
            link->shortest = length < link->shortest ? length : link->shortest;
            link->words[link->count++] = word;
        } else {
            free(word.text);
        }
    }
}

void chain_end(struct chain *chain)
{
    size_t i = 0;

    if (chain->has_gap && chain->gap.min)
        add_empty_link(chain);
    while (i < chain->count && chain->links[i].shortest < GRAM_WORD_MIN)
        i++;
    if (chain->lost || i == chain->count)
        chain_free(chain);
}

void chain_free(struct chain *chain)
{
    size_t i, j;

    for (i = 0; i < chain->count; i++) {
        for (j = 0; j < chain->links[i].count; j++)
            free(chain->links[i].words[j].text);
        free(chain->links[i].words);
    }
    *chain = (struct chain){0};
}
