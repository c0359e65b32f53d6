/* See csv.h. */
#include "config.h"

#include "ctl/csv.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct field {
    size_t start, length; /* within the row, quotes included */
};

struct csv {
    struct window *window;
    char separator;
    size_t pending; /* bytes of the row that was given last */
    const char *row;
    struct field *fields;
    size_t count;
    char *values; /* unquoted fields of the row */
    size_t values_used;
};

/* The one of these that stands most often in the first line, outside of quotes. */
static char find_separator(const char *at, size_t length)
{
    static const char separators[] = ",;\t";
    size_t counts[3] = {0}, best = 0;
    int quoted = 0;

    for (size_t i = 0; i < length && (quoted || at[i] != '\n'); i++) {
        const char *found = at[i] ? strchr(separators, at[i]) : NULL;

        quoted ^= at[i] == '"';
        if (found && !quoted)
            counts[found - separators]++;
    }
    for (size_t i = 1; i < 3; i++)
        best = counts[i] > counts[best] ? i : best;
    return separators[best];
}

struct csv *csv_new(struct window *window, struct error *error)
{
    struct csv *csv = xcalloc(1, sizeof(*csv));
    const char *bytes;
    size_t length;
    int more = 1;

    while (bytes = window_bytes(window, &length), more > 0 && !memchr(bytes, '\n', length))
        more = window_more(window, error);
    csv->window = window;
    csv->separator = find_separator(bytes, length);
    csv->fields = xcalloc(CSV_FIELDS_MAX, sizeof(*csv->fields));
    csv->values = xmalloc(WINDOW_MAX + CSV_FIELDS_MAX);
    if (more < 0)
        csv_free(&csv);
    return csv;
}

void csv_free(struct csv **csv)
{
    struct csv *old = *csv;

    *csv = NULL;
    if (!old)
        return;
    free(old->fields);
    free(old->values);
    free(old);
}

char csv_separator(const struct csv *csv)
{
    return csv->separator;
}

/* Behind the field that begins at i; length when it goes on outside of sight.
 * *problem_r is set when it is none. */
static size_t field_end(const struct csv *csv, const char *at, size_t i, size_t length, const char **problem_r)
{
    if (i < length && at[i] == '"') {
        for (i++; i < length; i++) {
            if (at[i] != '"')
                continue;
            if (i + 1 < length && at[i + 1] == '"')
                i++;
            else
                break;
        }
        if (i == length)
            *problem_r = "a quote is not closed";
        else if (++i < length && at[i] != csv->separator && at[i] != '\n' && at[i] != '\r')
            *problem_r = "text stands behind a closing quote";
    }
    while (i < length && at[i] != csv->separator && at[i] != '\n')
        i++;
    return i;
}

/* The length of the row at the start of these bytes; 0: its end is not in sight. */
static size_t split(struct csv *csv, const char *at, size_t length, const char **problem_r)
{
    size_t i = 0, end;

    for (csv->count = 0; csv->count < CSV_FIELDS_MAX; i = end + 1) {
        end = field_end(csv, at, i, length, problem_r);
        csv->fields[csv->count++] = (struct field){i, end - i};
        if (end == length)
            return 0;
        if (at[end] == '\n') {
            struct field *last = &csv->fields[csv->count - 1];

            last->length -= last->length && at[end - 1] == '\r';
            return end + 1;
        }
    }
    *problem_r = "it has too many fields";
    return 0;
}

/* Steps over the rest of the line, however long. */
static int drop_line(struct csv *csv, struct error *error)
{
    int more = 1;

    while (more > 0) {
        size_t length;
        const char *bytes = window_bytes(csv->window, &length), *end = memchr(bytes, '\n', length);

        window_drop(csv->window, end ? (size_t)(end - bytes) + 1 : length);
        if (end)
            break;
        more = window_more(csv->window, error);
    }
    return more < 0 ? -1 : 0;
}

static int bad_row(struct csv *csv, const char *problem, struct error *error)
{
    uint64_t line = window_line(csv->window);

    if (drop_line(csv, error))
        return -1;
    return error_set(error, ERROR_INPUT, "%s: line %llu: %s", window_name(csv->window), (unsigned long long)line,
                     problem);
}

int csv_next(struct csv *csv, struct csv_row *row_r, struct error *error)
{
    const char *bytes, *problem = NULL;
    size_t length, seen, row;
    int more = 1;

    window_drop(csv->window, csv->pending);
    csv->pending = csv->values_used = csv->count = 0;
    for (;;) {
        bytes = window_bytes(csv->window, &length);
        seen = length < WINDOW_MAX ? length : WINDOW_MAX;
        problem = NULL;
        if ((row = split(csv, bytes, seen, &problem)) || csv->count == CSV_FIELDS_MAX)
            break;
        if ((more = window_more(csv->window, error)) <= 0)
            break;
    }
    if (more < 0 || (!length && !row))
        return more < 0 ? -1 : 0;
    if (!row && !problem && seen < length + !window_ended(csv->window))
        problem = "it is too long"; /* else it is the last line, without an end */
    row = row ? row : seen;
    if (!problem && memchr(bytes, '\0', row))
        problem = "it holds a NUL";
    if (problem)
        return bad_row(csv, problem, error);
    csv->pending = row;
    csv->row = bytes;
    *row_r = (struct csv_row){bytes, row, window_line(csv->window), csv->count};
    return 1;
}

const char *csv_value(struct csv *csv, size_t index)
{
    char *value = csv->values + csv->values_used, *out = value;
    const char *at, *end;

    if (index >= csv->count)
        return "";
    at = csv->row + csv->fields[index].start;
    end = at + csv->fields[index].length;
    if (csv->values_used + csv->fields[index].length + 1 > WINDOW_MAX + CSV_FIELDS_MAX)
        value = out = csv->values; /* asked for more often than there are fields */
    if (at == end || *at != '"') {
        memcpy(out, at, (size_t)(end - at));
        out += end - at;
    } else {
        for (at++; at < end; at++) {
            if (*at == '"' && (at + 1 == end || *++at != '"'))
                break;
            *out++ = *at;
        }
    }
    *out++ = '\0';
    csv->values_used = (size_t)(out - csv->values);
    return value;
}

int csv_same_name(const char *a, const char *b)
{
    for (;;) {
        while (*a && !isalnum((unsigned char)*a) && !(*a & 0x80))
            a++;
        while (*b && !isalnum((unsigned char)*b) && !(*b & 0x80))
            b++;
        if (!*a || tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return !*a && !*b;
        a++;
        b++;
    }
}
