/* See json_rows.h. */
#include "config.h"

#include "ctl/json_rows.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum place { OUTSIDE, IN_DOCUMENT, IN_LIST, BROKEN };

struct json_rows {
    struct window *window;
    const char *const *members;
    int lines;
    enum place place;
    int nested; /* the list is a member of a document */
    size_t found; /* objects so far */
};

struct json_rows *json_rows_new(struct window *window, const char *const *members, int lines)
{
    struct json_rows *rows = xcalloc(1, sizeof(*rows));

    *rows = (struct json_rows){.window = window, .members = members, .lines = lines};
    return rows;
}

void json_rows_free(struct json_rows **rows)
{
    free(*rows);
    *rows = NULL;
}

static int complain(const struct json_rows *rows, uint64_t line, const char *problem, struct error *error)
{
    return error_set(error, ERROR_INPUT, "%s: line %llu: %s", window_name(rows->window), (unsigned long long)line,
                     problem);
}

/* The next character that is no blank and none of also; 0 at the end, -1. It is not taken. */
static int peek(struct json_rows *rows, const char *also, struct error *error)
{
    for (;;) {
        size_t length, i = 0;
        const char *at = window_bytes(rows->window, &length);
        int more;

        while (i < length && at[i] && (strchr(" \t\r\n", at[i]) || strchr(also, at[i])))
            i++;
        if (i < length)
            return window_drop(rows->window, i), at[i] ? (unsigned char)at[i] : 1;
        window_drop(rows->window, length);
        if ((more = window_more(rows->window, error)) <= 0)
            return more;
    }
}

/* Where a value that began before ends. */
struct scan {
    int depth, quoted, escaped;
};

/* Bytes up to and with the end of the value, or 0 when it lies further on. */
static size_t scan_value(struct scan *scan, const char *at, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (scan->quoted) {
            if (scan->escaped || at[i] == '\\')
                scan->escaped = !scan->escaped;
            else if (at[i] == '"' && (scan->quoted = 0, !scan->depth))
                return i + 1;
        } else if (at[i] == '"') {
            scan->quoted = 1;
        } else if (at[i] == '{' || at[i] == '[') {
            scan->depth++;
        } else if (at[i] == '}' || at[i] == ']') {
            if (!scan->depth)
                return i; /* of what is around it: a number or word ends here */
            if (!--scan->depth)
                return i + 1;
        } else if (!scan->depth && i && strchr(", \t\r\n", at[i])) {
            return i;
        }
    }
    return 0;
}

/* Brings the whole value into sight: its length; 0 when it is longer than that or not ended; -1. */
static ssize_t see_value(struct json_rows *rows, struct error *error)
{
    for (;;) {
        struct scan scan = {0};
        size_t length, end;
        const char *at = window_bytes(rows->window, &length);
        int more;

        if ((end = scan_value(&scan, at, length < WINDOW_MAX ? length : WINDOW_MAX)))
            return (ssize_t)end;
        if ((more = window_more(rows->window, error)) <= 0)
            return more;
    }
}

/* Steps over a value of any length. */
static int skip_value(struct json_rows *rows, struct error *error)
{
    struct scan scan = {0};
    int more = 1;

    while (more > 0) {
        size_t length, end;
        const char *at = window_bytes(rows->window, &length);

        end = scan_value(&scan, at, length);
        window_drop(rows->window, end ? end : length);
        if (end)
            return 0;
        more = window_more(rows->window, error);
    }
    return more;
}

static int take_object(struct json_rows *rows, ssize_t length, uint64_t line, json_t **object_r, struct error *error)
{
    size_t seen;
    const char *at = window_bytes(rows->window, &seen);
    json_error_t problem;

    *object_r = json_loadb(at, (size_t)length, JSON_DECODE_ANY, &problem);
    window_drop(rows->window, (size_t)length);
    if (*object_r && json_is_object(*object_r))
        return 1;
    if (*object_r) {
        json_decref(*object_r);
        return complain(rows, line, "an object was expected", error);
    }
    return complain(rows, line, problem.text, error);
}

static int next_element(struct json_rows *rows, json_t **object_r, uint64_t *line_r, struct error *error)
{
    ssize_t length = see_value(rows, error);

    rows->found++;
    if (length > 0)
        return take_object(rows, length, *line_r, object_r, error);
    if (length < 0 || skip_value(rows, error))
        return -1;
    return complain(rows, *line_r, "this is too long, or has no end", error);
}

/* A member of the document: steps into the list that is wanted, over all else. */
static int enter_member(struct json_rows *rows, struct error *error)
{
    ssize_t length = see_value(rows, error);
    size_t seen;
    const char *at = window_bytes(rows->window, &seen);
    int wanted = 0, c;

    for (size_t i = 0; length > 0 && rows->members[i]; i++)
        wanted |= strlen(rows->members[i]) + 2 == (size_t)length && !memcmp(at + 1, rows->members[i], (size_t)length - 2);
    if (length < 0 || skip_value(rows, error) || (c = peek(rows, ":", error)) < 0)
        return -1;
    if (!wanted || c != '[')
        return skip_value(rows, error);
    window_drop(rows->window, 1);
    rows->place = IN_LIST;
    rows->nested = 1;
    return 0;
}

static int broken(struct json_rows *rows, const char *problem, struct error *error)
{
    rows->place = BROKEN;
    return complain(rows, window_line(rows->window), problem, error);
}

/* One line, one object; blank lines are none. */
static int next_line(struct json_rows *rows, json_t **object_r, uint64_t *line_r, struct error *error)
{
    int c = peek(rows, "", error), more = 1;
    const char *at, *end;
    size_t length;

    if (c <= 0)
        return c;
    *line_r = window_line(rows->window);
    while (at = window_bytes(rows->window, &length), end = memchr(at, '\n', length), !end && more > 0)
        more = window_more(rows->window, error);
    if (more < 0)
        return -1;
    length = end ? (size_t)(end - at) : length;
    if (length <= WINDOW_MAX)
        return take_object(rows, (ssize_t)length, *line_r, object_r, error);
    while (!end && more > 0) { /* to where the next one begins */
        window_drop(rows->window, length);
        more = window_more(rows->window, error);
        at = window_bytes(rows->window, &length);
        end = memchr(at, '\n', length);
    }
    window_drop(rows->window, end ? (size_t)(end - at) : length);
    return more < 0 ? -1 : complain(rows, *line_r, "this is too long", error);
}

/* Within a list or a document. 1: *object_r; 0: look on; -1. */
static int step_inside(struct json_rows *rows, int c, json_t **object_r, uint64_t *line_r, struct error *error)
{
    if (rows->place == IN_LIST && c != ']' && c != '}')
        return next_element(rows, object_r, line_r, error);
    if (rows->place == IN_DOCUMENT && c == '"')
        return enter_member(rows, error);
    if (c != (rows->place == IN_LIST ? ']' : '}'))
        return broken(rows, "this is no JSON list", error);
    window_drop(rows->window, 1);
    rows->place = rows->place == IN_LIST && rows->nested ? IN_DOCUMENT : OUTSIDE;
    return 0;
}

int json_rows_next(struct json_rows *rows, json_t **object_r, uint64_t *line_r, struct error *error)
{
    int c, result = 0;

    if (rows->lines)
        return next_line(rows, object_r, line_r, error);
    while (!result) {
        if (rows->place == BROKEN)
            return 0;
        if ((c = peek(rows, rows->place == OUTSIDE ? "" : ",", error)) < 0)
            return -1;
        *line_r = window_line(rows->window);
        if (!c && rows->place == OUTSIDE)
            return 0;
        if (!c)
            return broken(rows, "the list has no end: is the file whole?", error);
        if (rows->place != OUTSIDE) {
            result = step_inside(rows, c, object_r, line_r, error);
            continue;
        }
        if (c != '[' && c != '{')
            return broken(rows, "this is no JSON list", error);
        window_drop(rows->window, 1);
        rows->nested = 0;
        rows->place = c == '[' ? IN_LIST : IN_DOCUMENT;
    }
    return result;
}
