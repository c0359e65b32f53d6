/* The objects of a JSON list, one at a time, however long the list is.
 *
 * The list is the document itself, a member of the document with one of some
 * names ({"items": [...]}), or, in lines, every line is an object (NDJSON).
 * Several documents may stand one behind the other, as pages of an API do. An
 * object that is no JSON or longer than WINDOW_MAX costs itself only. One
 * owner; the window is borrowed for the reader's life.
 */
#ifndef SUPPRESSD_CTL_JSON_ROWS_H
#define SUPPRESSD_CTL_JSON_ROWS_H

#include "ctl/window.h"

#include <jansson.h>

struct json_rows;

/* members: ended by NULL; borrowed. lines: NDJSON. */
struct json_rows *json_rows_new(struct window *window, const char *const *members, int lines);
void json_rows_free(struct json_rows **rows);

/* 1 and an object, which the caller lets go, and its line; 0 at the end; -1 and
 * ERROR_INPUT: this one is bad, the next call goes on; -1 and ERROR_ENVIRONMENT. */
int json_rows_next(struct json_rows *rows, json_t **object_r, uint64_t *line_r, struct error *error) must_check;

#endif
