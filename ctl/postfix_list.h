/* Postfix's list values as text: "a, { b, x=y } c".
 *
 * Items stand between commas and blanks; an item in braces holds both. Edits
 * keep every other byte as the administrator wrote it, so that taking an item
 * out after putting it in gives back the original text. Pure; any thread.
 */
#ifndef SUPPRESSD_CTL_POSTFIX_LIST_H
#define SUPPRESSD_CTL_POSTFIX_LIST_H

#include <stddef.h>

/* A piece of the caller's text. */
struct span {
    const char *at;
    size_t length;
};

/* The next item at or after *cursor, which moves behind it. 1, or 0 at the end.
 * Braces that never close make one item of the rest. */
int list_next(const char **cursor, struct span *item_r);

/* What an item means: the first word within its braces ("unix:a" of
 * "{ unix:a, default_action=accept }"), the item itself without braces. */
struct span list_meaning(struct span item);

/* 1 if an item of list means name (milters: the end point), else 0. */
int list_has(const char *list, const char *name);

/* 1 and the last item that means name, else 0. */
int list_find(const char *list, const char *name, struct span *item_r);

/* The list with item behind the others; to be freed. */
char *list_append(const char *list, const char *item);

/* The list without the last item that means name and without one separator;
 * the list itself if there is none. To be freed. */
char *list_without(const char *list, const char *name);

/* 1 if the text uses the parameter's value: $name, ${name...} or $(name...). */
int list_refers(const char *list, const char *name);

#endif
