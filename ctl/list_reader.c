/* See list_reader.h. */
#include "config.h"

#include "ctl/list_reader.h"

#include "base/mem.h"
#include "ctl/column.h"
#include "ctl/json_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 256
#define SCRATCH 4096 /* numbers and lists of an object, as text */

/* A row of either kind: names and texts. */
struct row {
    const char *names[COLUMNS_MAX], *values[COLUMNS_MAX];
    size_t count;
    uint64_t line;
};

struct list_reader {
    struct window *window;
    const struct list_format *format;
    const char *column_name;
    int guessed;
    struct csv *csv;
    struct column column;
    char *header[COLUMNS_MAX];
    size_t header_count;
    int begun;
    struct json_rows *json;
    json_t *object; /* the row's */
    char scratch[SCRATCH];
    struct row row;
    struct list_entry entry;
    char *tags, *tags_left; /* streams of the entry that are still to be given */
};

/* Every member that holds a list, in any format. */
static const char *const members[] = {"SuppressedDestinationSummaries", "Suppressions", "items", "results", NULL};

/* Whether the first line is an object by itself and not a document around a list. */
static int is_lines(const struct window *window)
{
    size_t length;
    const char *at = window_bytes(window, &length), *end = memchr(at, '\n', length);
    json_t *object = json_loadb(at, end ? (size_t)(end - at) : length, 0, NULL);
    int lines = json_is_object(object);

    for (size_t i = 0; members[i]; i++)
        lines &= !json_is_array(json_object_get(object, members[i]));
    json_decref(object);
    return lines;
}

static int look(struct list_reader *reader, struct error *error)
{
    size_t length, i = 0;
    const char *at = window_bytes(reader->window, &length);
    int more = 1;

    while (more > 0 && !memchr(at, '\n', length)) {
        more = window_more(reader->window, error);
        at = window_bytes(reader->window, &length);
    }
    while (i < length && strchr(" \t\r\n", at[i]) && at[i])
        i++;
    window_drop(reader->window, i);
    if (more < 0)
        return -1;
    if (i < length && (at[i] == '[' || at[i] == '{'))
        reader->json = json_rows_new(reader->window, members, at[i] == '{' && is_lines(reader->window));
    else
        reader->csv = csv_new(reader->window, error);
    return reader->json || reader->csv ? 0 : -1;
}

struct list_reader *list_reader_open(const char *name, const struct list_format *format, const char *column,
                                     struct error *error)
{
    struct list_reader *reader = xcalloc(1, sizeof(*reader));

    reader->format = format;
    reader->guessed = !format;
    reader->column_name = column;
    if (!(reader->window = window_open(name, error)) || look(reader, error))
        list_reader_close(&reader);
    return reader;
}

void list_reader_close(struct list_reader **reader)
{
    struct list_reader *old = *reader;

    *reader = NULL;
    if (!old)
        return;
    for (size_t i = 0; i < old->header_count; i++)
        free(old->header[i]);
    json_decref(old->object);
    json_rows_free(&old->json);
    csv_free(&old->csv);
    window_close(&old->window);
    free(old->tags);
    free(old);
}

static int begin_csv(struct list_reader *reader, const struct csv_row *first, struct error *error)
{
    const char *address = reader->format ? list_column(reader->format, LIST_ADDRESS) : NULL;

    reader->begun = 1;
    if (reader->column_name)
        address = reader->column_name;
    if (column_find(reader->csv, first, address, &reader->column, error) &&
        (reader->column_name || column_find(reader->csv, first, NULL, &reader->column, error))) {
        error->code = ERROR_ENVIRONMENT; /* no row of it can be read */
        return error_prefix(error, "%s", window_name(reader->window));
    }
    for (size_t i = 0; reader->column.header && i < first->count && i < COLUMNS_MAX; i++)
        reader->header[reader->header_count++] = xstrdup(csv_value(reader->csv, i));
    return 0;
}

static int next_csv(struct list_reader *reader, struct row *row, struct error *error)
{
    struct csv_row csv_row;
    int found;

    while ((found = csv_next(reader->csv, &csv_row, error)) > 0) {
        int first = !reader->begun;

        if (first && begin_csv(reader, &csv_row, error))
            return -1;
        if (!(first && reader->column.header) &&
            (csv_row.count > 1 || (csv_row.bytes[0] != '\n' && csv_row.bytes[0] != '\r')))
            break;
    }
    if (found <= 0)
        return found;
    row->line = csv_row.line;
    for (row->count = 0; row->count < csv_row.count && row->count < COLUMNS_MAX; row->count++) {
        row->names[row->count] = row->count < reader->header_count ? reader->header[row->count] : "";
        row->values[row->count] = csv_value(reader->csv, row->count);
    }
    return 1;
}

/* Strings as they are; numbers, and strings of a list with commas between, in the scratch space. */
static const char *text_of(struct list_reader *reader, json_t *value, size_t *used_io)
{
    char *text = reader->scratch + *used_io;
    size_t left = SCRATCH - *used_io, length = 0, index;
    json_t *one;

    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_number(value)) {
        length = (size_t)snprintf(text, left, "%.0f", json_number_value(value));
    } else if (json_is_array(value)) {
        json_array_foreach (value, index, one)
            if (length < left)
                length += (size_t)snprintf(text + length, left - length, "%s%s", index ? "," : "",
                                           json_is_string(one) ? json_string_value(one) : "");
    }
    if (!length || length >= left)
        return "";
    *used_io += length + 1;
    return text;
}

static int next_json(struct list_reader *reader, struct row *row, struct error *error)
{
    size_t used = 0;
    const char *name;
    json_t *value;
    int found;

    json_decref(reader->object);
    reader->object = NULL;
    if ((found = json_rows_next(reader->json, &reader->object, &row->line, error)) <= 0) {
        reader->object = NULL;
        return found;
    }
    row->count = 0;
    json_object_foreach (reader->object, name, value)
        if (row->count < COLUMNS_MAX) {
            row->names[row->count] = name;
            row->values[row->count++] = text_of(reader, value, &used);
        }
    return 1;
}

static const char *named(const struct row *row, const char *name)
{
    for (size_t i = 0; name && i < row->count; i++)
        if (csv_same_name(row->names[i], name))
            return row->values[i];
    return "";
}

static const char *of_value(const struct list_reader *reader, enum list_value value)
{
    return named(&reader->row, list_column(reader->format, value));
}

static const char *address_of(const struct list_reader *reader)
{
    static const char *const usual[] = {"recipient", "email", "EmailAddress", "address", NULL};
    const char *address = of_value(reader, LIST_ADDRESS);

    if (reader->csv && (reader->column_name || !*address))
        return reader->column.index < reader->row.count ? reader->row.values[reader->column.index] : "";
    for (size_t i = 0; !*address && usual[i]; i++)
        address = named(&reader->row, usual[i]);
    return address;
}

static void fill(struct list_reader *reader)
{
    const char *time = of_value(reader, LIST_TIME);

    if (!*time)
        time = of_value(reader, LIST_UNIX);
    if (!*time)
        time = of_value(reader, LIST_MAIL_TIME);
    reader->entry = (struct list_entry){
        .line = reader->row.line, .recipient = address_of(reader), .stream = of_value(reader, LIST_STREAM),
        .reason = of_value(reader, LIST_REASON), .word = of_value(reader, LIST_WORD),
        .origin = of_value(reader, LIST_ORIGIN), .reply = of_value(reader, LIST_REPLY),
        .status = of_value(reader, LIST_STATUS), .code = of_value(reader, LIST_CODE), .time = time,
        .until = of_value(reader, LIST_UNTIL), .note = of_value(reader, LIST_NOTE),
    };
}

/* The next stream of an entry with tags; "*", or no tag, is every stream. 0: there is none left. */
static int next_tag(struct list_reader *reader)
{
    char *tag = strsep(&reader->tags_left, ",");
    size_t length;

    if (!tag)
        return 0;
    tag += strspn(tag, " []\"'");
    length = strcspn(tag, "]\"'");
    tag[length] = '\0';
    if (!strcmp(tag, "*"))
        tag = reader->tags_left = NULL;
    reader->entry.stream = tag ? tag : "";
    return 1;
}

static void begin_tags(struct list_reader *reader)
{
    const char *tags = of_value(reader, LIST_TAGS);

    free(reader->tags);
    reader->tags = xstrdup(strchr(tags, '*') ? "*" : tags);
    reader->tags_left = reader->tags;
    (void)next_tag(reader);
}

int list_reader_next(struct list_reader *reader, struct list_entry *entry_r, struct error *error)
{
    int found;

    if (!reader->tags_left || !next_tag(reader)) {
        found = reader->json ? next_json(reader, &reader->row, error) : next_csv(reader, &reader->row, error);
        if (found <= 0)
            return found;
        if (!reader->format)
            reader->format = list_format_guess(reader->row.names, reader->row.count, reader->json ? LIST_LINES : LIST_CSV);
        fill(reader);
        if (list_column(reader->format, LIST_TAGS))
            begin_tags(reader);
    }
    *entry_r = reader->entry;
    return 1;
}

const struct list_format *list_reader_format(const struct list_reader *reader)
{
    return reader->format;
}

int list_reader_guessed(const struct list_reader *reader)
{
    return reader->guessed;
}

const struct window *list_reader_window(const struct list_reader *reader)
{
    return reader->window;
}
