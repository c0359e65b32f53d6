/* See span.h. */
#include "config.h"

#include "daemon/report/span.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

struct span span_from(struct span text, size_t skip)
{
    if (skip > text.length)
        skip = text.length;
    return skip ? (struct span){text.start + skip, text.length - skip} : text; /* of NULL as well */
}

struct span span_to(struct span text, const char *end)
{
    return (struct span){text.start, (size_t)(end - text.start)};
}

struct span span_trim(struct span text)
{
    while (text.length && is_space(text.start[0])) {
        text.start++;
        text.length--;
    }
    while (text.length && is_space(text.start[text.length - 1]))
        text.length--;
    return text;
}

int span_is(struct span text, const char *word)
{
    return text.start && text.length == strlen(word) &&
           !strncasecmp(text.start, word, text.length);
}

int span_starts(struct span text, const char *prefix)
{
    size_t length = strlen(prefix);

    return text.start && text.length >= length && !strncasecmp(text.start, prefix, length);
}

int span_ends(struct span text, const char *suffix)
{
    size_t length = strlen(suffix);

    return text.start && text.length >= length &&
           !strncasecmp(text.start + text.length - length, suffix, length);
}

const char *span_find(struct span text, const char *needle)
{
    return text.length ? memmem(text.start, text.length, needle, strlen(needle)) : NULL;
}

/* Plain and linear; needles are short and rare beside the copying that follows a find. */
const char *span_find_case(struct span text, const char *needle)
{
    size_t length = strlen(needle);
    const char *last, *at;
    char upper = needle[0];

    if (!length || text.length < length)
        return NULL;
    if (upper >= 'a' && upper <= 'z')
        upper = (char)(upper - 'a' + 'A');
    last = text.start + text.length - length;
    for (at = text.start; at <= last; at++) {
        if ((*at == needle[0] || *at == upper) && !strncasecmp(at, needle, length))
            return at;
    }
    return NULL;
}

int span_line(struct span *rest_io, struct span *line_r)
{
    const char *end;

    if (!rest_io->length)
        return 0;
    end = memchr(rest_io->start, '\n', rest_io->length);
    *line_r = end ? span_to(*rest_io, end) : *rest_io;
    *rest_io = span_from(*rest_io, line_r->length + (end != NULL));
    while (line_r->length && line_r->start[line_r->length - 1] == '\r')
        line_r->length--;
    return 1;
}

int span_char(char c, const char *set)
{
    return c && strchr(set, c);
}

char *span_dup(struct span text)
{
    return text.start ? xstrndup(text.start, text.length) : NULL;
}
