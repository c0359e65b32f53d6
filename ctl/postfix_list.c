/* See postfix_list.h. */
#include "config.h"

#include "ctl/postfix_list.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

static const char separators[] = ", \t\r\n";

/* Bytes of the item that starts at text, braces included. */
static size_t item_length(const char *text)
{
    int depth = 0;
    size_t i;

    if (*text != '{')
        return strcspn(text, separators);
    for (i = 0; text[i]; i++) {
        depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
        if (!depth)
            return i + 1;
    }
    return i;
}

int list_next(const char **cursor, struct span *item_r)
{
    const char *at = *cursor + strspn(*cursor, separators);

    *item_r = (struct span){at, item_length(at)};
    *cursor = at + item_r->length;
    return item_r->length > 0;
}

struct span list_meaning(struct span item)
{
    size_t start = 0, length = 0;

    if (!item.length || *item.at != '{')
        return item;
    for (start = 1; start < item.length && strchr(separators, item.at[start]); start++)
        ;
    while (start + length < item.length && !strchr(separators, item.at[start + length]) &&
           item.at[start + length] != '}')
        length++;
    return (struct span){item.at + start, length};
}

static int means(struct span item, const char *name)
{
    struct span meaning = list_meaning(item);

    return meaning.length == strlen(name) && !memcmp(meaning.at, name, meaning.length);
}

int list_find(const char *list, const char *name, struct span *item_r)
{
    struct span item;
    int found = 0;

    while (list_next(&list, &item)) {
        if (!means(item, name))
            continue;
        *item_r = item;
        found = 1;
    }
    return found;
}

int list_has(const char *list, const char *name)
{
    struct span item;

    return list_find(list, name, &item);
}

char *list_append(const char *list, const char *item)
{
    if (!list[strspn(list, separators)])
        return xstrdup(item);
    return xasprintf("%s, %s", list, item);
}

char *list_without(const char *list, const char *name)
{
    const char *head_end, *tail;
    struct span found;

    if (!list_find(list, name, &found))
        return xstrdup(list);
    tail = found.at + found.length;
    for (head_end = found.at; head_end > list && strchr(separators, head_end[-1]); head_end--)
        ;
    if (head_end == list)
        tail += strspn(tail, separators);
    return xasprintf("%.*s%s", (int)(head_end - list), list, tail);
}

/* 1 if name stands at text as a whole word. */
static int whole_word(const char *text, const char *name)
{
    size_t length = strlen(name);

    return !strncmp(text, name, length) && !isalnum((unsigned char)text[length]) &&
           text[length] != '_';
}

int list_refers(const char *list, const char *name)
{
    const char *at;

    for (at = strchr(list, '$'); at; at = strchr(at, '$')) {
        at++;
        if (*at == '{' || *at == '(')
            at++;
        if (whole_word(at, name))
            return 1;
    }
    return 0;
}
