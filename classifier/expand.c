/* See expand.h. */
#include "config.h"

#include "classifier/expand.h"

#include "base/mem.h"
#include "classifier/clause.h"
#include "classifier/prefilter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 12     /* groups taken apart one within another */
#define TRIES_MAX 400    /* patterns looked at on the way */
#define PATTERN_MAX 2000 /* bytes of one */

/* A group that stands in no other one: "(inner)" and its quantifier. */
struct group {
    const char *start, *inner, *inner_end, *end; /* end: behind the quantifier */
    int optional;  /* "?" */
    int repeated;  /* "{n}": n; else 1. 0: some other quantifier */
};

struct expansion {
    struct strings *variants;
    int tries;
};

/* Behind a character, escape or class. */
static const char *skip_piece(const char *at)
{
    if (*at == '\\' && at[1])
        return at + 2;
    if (*at++ != '[')
        return at;
    at += *at == '^';
    at += *at == ']'; /* right behind the bracket it is a member */
    for (; *at && *at != ']'; at++)
        at += *at == '\\' && at[1];
    return *at ? at + 1 : at;
}

/* The next "(", ")" or "|", or the end. */
static const char *find_structure(const char *at, const char *end)
{
    while (at < end && *at != '(' && *at != ')' && *at != '|')
        at = skip_piece(at);
    return at < end ? at : end;
}

/* Behind the ")" of the group that begins here. */
static const char *group_end(const char *at, const char *end)
{
    int depth = 0;

    for (;; at++) {
        at = find_structure(at, end);
        if (at == end)
            return end;
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        if (!depth)
            return at + 1;
    }
}

/* The first "|" that is in no group, or the end. */
static const char *find_bar(const char *at, const char *end)
{
    for (;;) {
        at = find_structure(at, end);
        if (at == end || *at == '|')
            return at;
        at = *at == '(' ? group_end(at, end) : at + 1;
    }
}

static void read_quantifier(struct group *group)
{
    const char *at = group->end;

    group->optional = *at == '?';
    group->repeated = *at == '*' || *at == '+' ? 0 : 1;
    if (*at == '{' && at[1] >= '1' && at[1] <= '4' && at[2] == '}') {
        group->repeated = at[1] - '0';
        at += 2;
    } else if (*at == '{') {
        group->repeated = 0;
    }
    if (strchr("?*+", *at) || group->repeated != 1)
        group->end = *at ? at + 1 : at;
    if (*group->end && strchr("?+", *group->end) && group->end > at)
        group->repeated = 0; /* "??", "?+": rare; not worth a thought */
}

/* The group at or behind a place that is in none. 0: there is no further one. */
static int next_group(const char *at, struct group *group_r)
{
    const char *end = at + strlen(at);

    at = find_structure(at, end);
    if (at == end || *at != '(')
        return 0;
    group_r->start = at;
    group_r->inner = at + (at[1] == '?' && at[2] == ':' ? 3 : 1);
    group_r->end = group_end(at, end);
    group_r->inner_end = group_r->end - 1;
    read_quantifier(group_r);
    return 1;
}

/* Is it some words and nothing more, which a link can hold as it is? */
static int is_words(const char *text, const char *end)
{
    char *copy = xstrndup(text, (size_t)(end - text));
    struct prefilter prefilter;
    int result;

    prefilter_create(copy, &prefilter);
    result = prefilter.is_set;
    prefilter_free(&prefilter);
    free(copy);
    return result;
}

/* Calls each for every alternative, but once for all of those that are words: they stay
 * together as a group. Returns 0 as soon as each does. */
static int each_alternative(const char *text, const char *end,
                            int (*each)(void *context, const char *text, size_t length),
                            void *context)
{
    char words[PATTERN_MAX + 4] = "(";
    size_t used = 1, length;
    const char *bar;

    for (;; text = bar + 1) {
        bar = find_bar(text, end);
        length = (size_t)(bar - text);
        if (!is_words(text, bar)) {
            if (!each(context, text, length))
                return 0;
        } else if (used + length + 2 > sizeof(words)) {
            return 0;
        } else {
            memcpy(words + used, text, length);
            used += length;
            words[used++] = '|';
        }
        if (bar == end)
            break;
    }
    words[used - 1] = ')';
    return used == 1 || each(context, words, used);
}

static int expand(struct expansion *expansion, const char *pattern, int depth);

/* A pattern one of whose groups is to be replaced. */
struct replacement {
    struct expansion *expansion;
    const char *pattern;
    const struct group *group; /* NULL: all of it */
    int depth;
};

static int replace(void *context, const char *inner, size_t length)
{
    const struct replacement *this = context;
    const struct group *group = this->group;
    char *text = group ? xasprintf("%.*s%.*s%s", (int)(group->start - this->pattern), this->pattern,
                                   (int)length, inner, group->end)
                       : xstrndup(inner, length);
    int result = strlen(text) < PATTERN_MAX && expand(this->expansion, text, this->depth + 1);

    free(text);
    return result;
}

/* "(a){3}" becomes "(a)(a)(a)". */
static int repeat(struct replacement *replacement)
{
    const struct group *group = replacement->group;
    int length = (int)(group->inner_end - group->inner), used = 0, i;
    char text[PATTERN_MAX];

    if (length > PATTERN_MAX / 5)
        return 0;
    for (i = 0; i < group->repeated; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "(%.*s)", length, group->inner);
    return replace(replacement, text, (size_t)used);
}

static int expand_group(struct expansion *expansion, const char *pattern, const struct group *group,
                        int depth)
{
    struct replacement replacement = {expansion, pattern, group, depth};

    if (group->repeated != 1)
        return group->repeated && repeat(&replacement);
    if (group->optional && !replace(&replacement, "", 0))
        return 0;
    return each_alternative(group->inner, group->inner_end, replace, &replacement);
}

static int expand_alternatives(struct expansion *expansion, const char *pattern, int depth)
{
    struct replacement replacement = {expansion, pattern, NULL, depth};

    return each_alternative(pattern, pattern + strlen(pattern), replace, &replacement);
}

static int is_chain(const char *pattern)
{
    struct prefilter prefilter;
    int result;

    prefilter_create(pattern, &prefilter);
    result = prefilter.chain.count > 0;
    prefilter_free(&prefilter);
    return result;
}

static int expand(struct expansion *expansion, const char *pattern, int depth)
{
    const char *end = pattern + strlen(pattern), *at;
    struct group group;

    if (depth > DEPTH_MAX || ++expansion->tries > TRIES_MAX)
        return 0;
    if (is_chain(pattern)) {
        clause_add(expansion->variants, pattern);
        return expansion->variants->count <= EXPAND_MAX;
    }
    if (find_bar(pattern, end) < end)
        return expand_alternatives(expansion, pattern, depth);
    for (at = pattern; next_group(at, &group); at = group.end)
        if (group.repeated != 1 || !is_words(group.inner, group.inner_end))
            return expand_group(expansion, pattern, &group, depth);
    return 0;
}

/* Groups that are more than groups, quoting, and classes with names in them. */
static int is_beyond_us(const char *pattern)
{
    const char *at;

    for (at = pattern; (at = strstr(at, "(?")); at++)
        if (at[2] != ':')
            return 1;
    return strstr(pattern, "(*") || strstr(pattern, "\\Q") || strstr(pattern, "[:") ||
           strstr(pattern, "[.") || strstr(pattern, "[=");
}

int expand_pattern(const char *pattern, struct strings *variants_r)
{
    struct expansion expansion = {.variants = variants_r};

    *variants_r = (struct strings){0};
    return !is_beyond_us(pattern) && expand(&expansion, pattern, 0);
}
