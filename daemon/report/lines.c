/* See lines.h. */
#include "config.h"

#include "daemon/report/lines.h"

#include "base/mem.h"
#include "daemon/report/maillog.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE (4u * MAILLOG_LINE_MAX)

struct lines {
    size_t start, end; /* what is in the buffer and not taken */
    size_t seen;       /* up to here there is no LF */
    uint64_t taken;
    int skipping;      /* the rest of an overlong line */
    char buffer[BUFFER_SIZE];
};

struct lines *lines_new(void)
{
    return xcalloc(1, sizeof(struct lines));
}

void lines_free(struct lines **lines)
{
    free(*lines);
    *lines = NULL;
}

void lines_reset(struct lines *lines, int skip)
{
    lines->start = lines->end = lines->seen = 0;
    lines->taken = 0;
    lines->skipping = skip;
}

char *lines_space(struct lines *lines, size_t *room_r)
{
    memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->seen -= lines->start;
    lines->start = 0;
    *room_r = BUFFER_SIZE - lines->end;
    return lines->buffer + lines->end;
}

void lines_added(struct lines *lines, size_t length)
{
    lines->end += length;
}

uint64_t lines_taken(const struct lines *lines)
{
    return lines->taken;
}

static void take(struct lines *lines, size_t to)
{
    lines->taken += to - lines->start;
    lines->start = lines->seen = to;
}

/* No LF in sight: waits for it, unless the line is too long or being skipped. */
static int take_overlong(struct lines *lines, struct span *line_r)
{
    lines->seen = lines->end;
    if (!lines->skipping && lines->end - lines->start <= MAILLOG_LINE_MAX)
        return 0;
    *line_r = (struct span){lines->buffer + lines->start, MAILLOG_LINE_MAX + 1};
    take(lines, lines->end);
    if (lines->skipping)
        return 0;
    lines->skipping = 1;
    return 1;
}

int lines_next(struct lines *lines, struct span *line_r)
{
    const char *end;

    while (lines->start < lines->end) {
        size_t start = lines->start, length;
        int wanted = !lines->skipping;

        end = memchr(lines->buffer + lines->seen, '\n', lines->end - lines->seen);
        if (!end)
            return take_overlong(lines, line_r);
        length = (size_t)(end - lines->buffer) - start;
        take(lines, start + length + 1);
        lines->skipping = 0;
        if (wanted) {
            *line_r = (struct span){lines->buffer + start, length};
            return 1;
        }
    }
    return 0;
}

int lines_last(struct lines *lines, struct span *line_r)
{
    *line_r = (struct span){lines->buffer + lines->start, lines->end - lines->start};
    take(lines, lines->end);
    return line_r->length && !lines->skipping;
}
