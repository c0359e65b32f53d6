/* See field.h. */
#include "config.h"

#include "daemon/report/field.h"

#include "base/mem.h"

#include <glib.h>
#include <gmime/gmime.h>
#include <string.h>

#define DATE_MAX 128
#define UTF8_MAX 4 /* bytes of one character: so that a cut leaves it whole or out */

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where the name ends, or 0 when the line does not begin with one. */
static size_t name_length(struct span line)
{
    size_t i, blanks;

    for (i = 0; i < line.length && i <= FIELD_NAME_MAX; i++)
        if (line.start[i] <= ' ' || line.start[i] == ':' || line.start[i] & 0x80)
            break;
    for (blanks = i; blanks < line.length && is_blank(line.start[blanks]); blanks++)
        ;
    return i && i <= FIELD_NAME_MAX && blanks < line.length && line.start[blanks] == ':' ? i : 0;
}

/* Lengthens line by those that begin with a blank; a line of blanks alone ends it. */
static void take_folds(struct span *rest_io, struct span *line_io)
{
    struct span rest = *rest_io, line;

    while (rest.length && is_blank(rest.start[0])) {
        span_line(&rest, &line);
        if (!span_trim(line).length)
            break;
        *line_io = span_to(*line_io, line.start + line.length);
        *rest_io = rest;
    }
}

enum field_kind field_next(struct span *rest_io, struct field *field_r)
{
    struct span line;
    size_t name, colon;

    if (!span_line(rest_io, &line))
        return FIELD_END;
    if (!span_trim(line).length)
        return FIELD_BLANK;
    name = name_length(line);
    if (!name) {
        *field_r = (struct field){SPAN_NONE, line};
        return FIELD_JUNK;
    }
    take_folds(rest_io, &line);
    field_r->name = (struct span){line.start, name};
    for (colon = name; line.start[colon] != ':'; colon++)
        ;
    field_r->value = span_trim(span_from(line, colon + 1));
    return FIELD_FOUND;
}

/* No half address, at which a value might be cut, may pass for a whole one. */
static struct span bounded_value(struct span value)
{
    if (value.length > HEADER_VALUE_MAX)
        for (value.length = HEADER_VALUE_MAX; value.length; value.length--)
            if (span_char(value.start[value.length - 1], " \t\n,"))
                break;
    return value;
}

void header_read(struct span *rest_io, size_t max, struct header *header_r)
{
    struct span whole = *rest_io, rest, before, start;
    enum field_kind kind;
    struct field field;

    header_r->count = 0;
    if (span_starts(whole, "From ") || span_starts(whole, ">From "))
        span_line(&whole, &start);
    rest = whole;
    if (rest.length > max)
        rest.length = max;
    header_r->text = rest;
    while (before = rest, (kind = field_next(&rest, &field)) == FIELD_FOUND) {
        field.value = bounded_value(field.value);
        if (header_r->count < HEADER_FIELDS_MAX)
            header_r->fields[header_r->count++] = field;
    }
    header_r->cut = whole.length > max && !rest.length && kind != FIELD_BLANK;
    if (header_r->cut) /* half a line at the end looks like junk */
        kind = FIELD_END;
    header_r->text = span_to(header_r->text, before.start);
    if (kind == FIELD_END && header_r->count && header_r->count < HEADER_FIELDS_MAX &&
        !span_ends(header_r->text, "\n"))
        header_r->count--; /* cut off in the middle of a field */
    if (kind == FIELD_JUNK)
        rest = before;
    *rest_io = kind == FIELD_END ? span_from(whole, whole.length)
                                 : span_from(whole, (size_t)(rest.start - whole.start));
}

struct span header_get(const struct header *header, const char *name)
{
    size_t i, length = strlen(name);

    for (i = 0; i < header->count; i++)
        if (header->fields[i].name.length == length && span_is(header->fields[i].name, name))
            return header->fields[i].value;
    return SPAN_NONE;
}

/* One space for a fold and for every control character. */
static size_t unfold(struct span value, char *out_r, size_t max)
{
    size_t i, out = 0;

    for (i = 0; i < value.length && out < max; i++) {
        unsigned char c = (unsigned char)value.start[i];
        int fold = c == '\r' || c == '\n' ||
                   (c == '\t' && out && out_r[out - 1] == ' ');

        if (c >= ' ' && c != 0x7f)
            out_r[out++] = (char)c;
        else if (!fold || (out && out_r[out - 1] != ' '))
            out_r[out++] = ' ';
        if (fold)
            while (i + 1 < value.length && (is_blank(value.start[i + 1]) ||
                                            value.start[i + 1] == '\r' || value.start[i + 1] == '\n'))
                i++;
    }
    out_r[out] = '\0';
    return out;
}

/* Cuts to max bytes and never through a character. */
static void cut(char *text, size_t max)
{
    if (strlen(text) <= max)
        return;
    while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    text[max] = '\0';
}

/* Valid UTF-8 of at most max bytes; what is not valid may grow by its repair. Takes text. */
static char *make_valid(char *text, size_t max)
{
    char *valid = text;

    if (!g_utf8_validate(text, -1, NULL)) {
        valid = g_utf8_make_valid(text, -1);
        g_free(text);
    }
    cut(valid, max);
    return valid;
}

static char *decode_words(char *text)
{
    char *decoded;
    size_t i;

    if (!strstr(text, "=?"))
        return text;
    decoded = g_mime_utils_header_decode_text(NULL, text);
    g_free(text);
    for (i = 0; decoded[i]; i++)
        if ((unsigned char)decoded[i] < ' ' || decoded[i] == 0x7f)
            decoded[i] = ' ';
    return decoded;
}

/* Japanese systems write ISO-2022-JP without a word about it: its escape sequences
 * give it away. Owned by the caller, or NULL when it is nothing of the kind. */
static char *from_japanese(struct span *value_io, size_t max)
{
    gsize length = 0;
    char *text;

    if (!span_find(*value_io, "\033$"))
        return NULL;
    if (value_io->length > 4 * max)
        value_io->length = 4 * max;
    text = g_convert(value_io->start, (gssize)value_io->length, "UTF-8", "ISO-2022-JP", NULL,
                     &length, NULL);
    if (text)
        *value_io = (struct span){text, length};
    return text;
}

static char *to_text(struct span value, size_t max, int words)
{
    struct span trimmed;
    char *text, *copy, *converted;

    value = span_trim(value);
    if (!value.length)
        return NULL;
    converted = from_japanese(&value, max);
    text = g_malloc((value.length < max + UTF8_MAX ? value.length : max + UTF8_MAX) + 1);
    unfold(value, text, max + UTF8_MAX);
    g_free(converted);
    if (words)
        text = decode_words(text);
    text = make_valid(text, max);
    trimmed = span_trim(span_of(text));
    copy = trimmed.length ? span_dup(trimmed) : NULL;
    g_free(text);
    return copy;
}

char *field_text(struct span value, size_t max)
{
    return to_text(value, max, 1);
}

char *field_plain(struct span value, size_t max)
{
    return to_text(value, max, 0);
}

long long field_date(struct span value)
{
    char text[DATE_MAX];
    GDateTime *date;
    long long seconds;

    if (!value.length || value.length >= sizeof(text) || memchr(value.start, 0, value.length))
        return 0;
    memcpy(text, value.start, value.length);
    text[value.length] = '\0';
    date = g_mime_utils_header_decode_date(text);
    if (!date)
        return 0;
    seconds = g_date_time_to_unix(date);
    g_date_time_unref(date);
    return seconds > 0 ? seconds : 0;
}

/* Reads a token or a quoted string off *rest_io. */
static void parameter_value(struct span *rest_io, char *out_r, size_t size)
{
    struct span rest = span_trim(*rest_io);
    int quoted = rest.length && rest.start[0] == '"';
    size_t i, out = 0;

    for (i = (size_t)quoted; i < rest.length; i++) {
        char c = rest.start[i];

        if (quoted ? c == '"' : c == ';' || is_blank(c) || c == '\r' || c == '\n')
            break;
        if (quoted && c == '\\' && i + 1 < rest.length)
            c = rest.start[++i];
        if (c && c != '\r' && c != '\n' && out + 1 < size)
            out_r[out++] = c;
    }
    out_r[out] = '\0';
    *rest_io = span_from(rest, i);
}

static struct span behind_last(struct span text, char c)
{
    const char *last = memrchr(text.start, c, text.length);

    return last ? span_from(text, (size_t)(last - text.start) + 1) : text;
}

int field_parameter(struct span value, const char *name, char *out_r, size_t size)
{
    const char *mark;
    struct span rest = value, key;

    while (rest.length && (mark = memchr(rest.start, ';', rest.length))) {
        rest = span_from(rest, (size_t)(mark - rest.start) + 1);
        mark = rest.length ? memchr(rest.start, '=', rest.length) : NULL;
        if (!mark)
            return 0;
        key = span_trim(behind_last(span_to(rest, mark), ';'));
        rest = span_from(rest, (size_t)(mark - rest.start) + 1);
        parameter_value(&rest, out_r, size);
        if (span_is(key, name))
            return 1;
    }
    return 0;
}
