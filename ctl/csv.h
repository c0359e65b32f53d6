/* Tables in text: comma, semicolon or tab between the fields, or one field a
 * line (RFC 4180, with either line end).
 *
 * A quote counts where a field begins; a quoted field may hold separators and
 * line ends. A row that cannot be read (a quote that nothing closes, text
 * behind a closed one, a NUL, longer than WINDOW_MAX) costs its first line
 * only. One owner; the window is borrowed for the reader's life.
 */
#ifndef SUPPRESSD_CTL_CSV_H
#define SUPPRESSD_CTL_CSV_H

#include "ctl/window.h"

#define CSV_FIELDS_MAX 1024

struct csv;

struct csv_row {
    const char *bytes; /* as they stand in the file, with the line end */
    size_t length;
    uint64_t line;     /* where it begins */
    size_t count;      /* of fields; a blank line has one, an empty one */
};

/* Looks at the first line to find the separator. */
struct csv *csv_new(struct window *window, struct error *error) must_check;
void csv_free(struct csv **csv);

char csv_separator(const struct csv *csv);

/* 1 and the row, valid until the next call; 0 at the end; -1 and ERROR_INPUT
 * ("FILE: line N: why"): this one is bad, the next call goes on; -1 and
 * ERROR_ENVIRONMENT: the file cannot be read. */
int csv_next(struct csv *csv, struct csv_row *row_r, struct error *error) must_check;

/* A field of the last row without its quotes, NUL-terminated; "" where the row is shorter.
 * Valid until the next csv_next. */
const char *csv_value(struct csv *csv, size_t index);

/* Whether two column names are the same to people: "E-Mail Address" and "email_address". */
int csv_same_name(const char *a, const char *b);

#endif
