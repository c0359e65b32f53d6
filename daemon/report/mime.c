/* See mime.h. */
#include "config.h"

#include "daemon/report/mime.h"

#include "base/mem.h"
#include "daemon/report/message.h"

#include <glib.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#define BOUNDARY_MAX 250 /* RFC 2046 says 70; some write more */
#define SEARCHED_MAX (8u << 20) /* bytes of a message in which parts are looked for */
#define DASHES_MAX 20000 /* lines that might be boundaries; diffs and tables have many as well */
#define PART_HEADER_MAX 65536

/* Every line that begins with "--" is found in one pass, for all depths. */
struct dashes {
    const char **at; /* of the dashes */
    size_t count;
    int cut; /* there are more */
};

/* A place where the next part begins or the last one ends. */
struct delimiter {
    const char *line; /* start of its line */
    struct span rest; /* behind its line */
    int closing;      /* "--boundary--" */
};

static void set_type(struct part *part)
{
    size_t i;

    for (i = 0; i < part->content_type.length && i < MIME_TYPE_MAX; i++) {
        char c = part->content_type.start[i];

        if (c <= ' ' || c == ';')
            break;
        part->type[i] = g_ascii_tolower(c);
    }
    if (!memchr(part->type, '/', i))
        strcpy(part->type, "text/plain");
}

static struct part describe(const struct header *header, struct span body, int closed)
{
    struct part part = {.body = body, .closed = closed};

    part.content_type = header_get(header, "Content-Type");
    part.encoding = header_get(header, "Content-Transfer-Encoding");
    set_type(&part);
    return part;
}

/* "--" and the boundary at the start of a line, or NULL; blanks before it are let
 * through, for mail that went through somebody's editor. */
static const char *line_start(struct span body, const char *at)
{
    while (at > body.start && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    return at == body.start || at[-1] == '\n' ? at : NULL;
}

static const char *next_line(const char *at, const char *end)
{
    const char *near = end - at > 16 ? at + 16 : end, *found;

    for (; at < near; at++) /* of short lines there may be millions */
        if (*at == '\n')
            return at + 1;
    found = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    return found ? found + 1 : end;
}

static void find_dashes(struct span body, struct dashes *dashes)
{
    const char *at = body.start, *end = at + body.length;

    for (; at < end; at = next_line(at, end)) {
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        if (end - at < 2 || at[0] != '-' || at[1] != '-')
            continue;
        if ((dashes->cut = dashes->count == DASHES_MAX))
            return;
        if (!(dashes->count & (dashes->count - 1)))
            dashes->at = xrealloc(dashes->at, (dashes->count ? 2 * dashes->count : 1) * sizeof(*dashes->at));
        dashes->at[dashes->count++] = at;
    }
}

static size_t first_behind(const struct dashes *dashes, const char *place)
{
    size_t low = 0, high = dashes->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (dashes->at[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* rest begins with dashes: does it with this boundary, and no longer one? */
static int is_delimiter(struct span rest, const char *mark, struct delimiter *delimiter_r)
{
    size_t length = strlen(mark);
    struct span line;

    if (rest.length < length || memcmp(rest.start, mark, length))
        return 0;
    rest = span_from(rest, length);
    delimiter_r->closing = span_starts(rest, "--");
    delimiter_r->rest = rest;
    if (!span_line(&delimiter_r->rest, &line))
        line = SPAN_NONE;
    if (delimiter_r->closing)
        line = span_from(line, 2);
    return !span_trim(line).length;
}

/* rest is the end of body. */
static int next_delimiter(const struct dashes *dashes, struct span body, struct span rest, const char *mark,
                          struct delimiter *delimiter_r)
{
    const char *end = body.start + body.length;
    size_t i;

    for (i = first_behind(dashes, rest.start); i < dashes->count && dashes->at[i] < end; i++) {
        const char *at = dashes->at[i];

        delimiter_r->line = line_start(body, at);
        if (delimiter_r->line && is_delimiter((struct span){at, (size_t)(end - at)}, mark, delimiter_r))
            return 1;
    }
    return 0;
}

/* The line end before a boundary belongs to the boundary (RFC 2046 5.1.1). */
static struct span without_line_end(struct span body)
{
    if (body.length && body.start[body.length - 1] == '\n')
        body.length--;
    if (body.length && body.start[body.length - 1] == '\r')
        body.length--;
    return body;
}

static void add(struct mime *mime, const struct part *part)
{
    if (!(mime->count & (mime->count - 1)))
        mime->parts = xrealloc(mime->parts,
                               (mime->count ? 2 * mime->count : 1) * sizeof(*mime->parts));
    mime->parts[mime->count++] = *part;
}

/* A message on the way through its parts. */
struct walk {
    struct mime *mime;
    const struct dashes *dashes;
    const struct message_limits *limits;
};

static void walk(const struct walk *way, const struct part *part, size_t depth);

static void walk_multipart(const struct walk *way, struct span body, const char *mark, size_t depth)
{
    struct delimiter begin, end;
    struct header *header = xmalloc(sizeof(*header));
    int more = next_delimiter(way->dashes, body, body, mark, &begin);

    while (more && !begin.closing && way->mime->visited < way->limits->parts) {
        struct span inner = begin.rest;
        struct part part;

        more = next_delimiter(way->dashes, body, begin.rest, mark, &end);
        if (more)
            inner = without_line_end(span_to(inner, end.line));
        header_read(&inner, PART_HEADER_MAX, header);
        part = describe(header, inner, more);
        walk(way, &part, depth + 1);
        begin = end;
    }
    if (more && !begin.closing)
        way->mime->cut |= REPORT_CUT_PARTS;
    if (!more || !begin.closing)
        way->mime->truncated = 1;
    free(header);
}

static void walk(const struct walk *way, const struct part *part, size_t depth)
{
    char mark[BOUNDARY_MAX + 3] = "--";
    struct mime *mime = way->mime;

    mime->visited++;
    if (strncmp(part->type, "multipart/", 10) ||
        !field_parameter(part->content_type, "boundary", mark + 2, sizeof(mark) - 2) || !mark[2]) {
        add(mime, part);
    } else if (depth >= way->limits->depth) {
        mime->truncated = 1;
        mime->cut |= REPORT_CUT_DEPTH;
    } else {
        walk_multipart(way, part->body, mark, depth);
    }
    if (depth == 0 && !mime->count) /* its boundary stands nowhere: better as text than not at all */
        add(mime, part);
}

void mime_read(const struct header *header, struct span body, const struct message_limits *limits,
               struct mime *mime_r)
{
    struct part part = describe(header, body, !body.length || span_ends(body, "\n"));
    struct dashes dashes = {0};
    const struct walk way = {mime_r, &dashes, limits};

    *mime_r = (struct mime){0};
    if (!strncmp(part.type, "multipart/", 10)) {
        if (part.body.length > SEARCHED_MAX)
            part.body.length = SEARCHED_MAX;
        find_dashes(part.body, &dashes);
    }
    walk(&way, &part, 0);
    if (dashes.cut || part.body.length < body.length) {
        mime_r->truncated = 1;
        mime_r->cut |= REPORT_CUT_PARTS;
    }
    free(dashes.at);
}

void mime_clear(struct mime *mime)
{
    free(mime->parts);
    *mime = (struct mime){0};
}

struct span part_content(const struct part *part, size_t max, char **owned_r)
{
    GMimeEncoding state;
    GMimeContentEncoding encoding;
    struct span body = part->body;

    *owned_r = NULL;
    if (span_is(part->encoding, "base64"))
        encoding = GMIME_CONTENT_ENCODING_BASE64;
    else if (span_is(part->encoding, "quoted-printable"))
        encoding = GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
    else {
        if (body.length > max)
            body.length = max;
        return body;
    }
    if (body.length > 4 * max) /* which makes max bytes in any encoding */
        body.length = 4 * max;
    g_mime_encoding_init_decode(&state, encoding);
    *owned_r = xmalloc(g_mime_encoding_outlen(&state, body.length) + 1);
    body.length = g_mime_encoding_step(&state, body.start, body.length, *owned_r);
    body.start = *owned_r;
    if (body.length > max)
        body.length = max;
    return body;
}

struct span part_lines(const struct part *part, size_t max, char **owned_r)
{
    struct span content = part_content(part, max, owned_r);

    while ((!part->closed || content.length == max) && content.length && content.start[content.length - 1] != '\n')
        content.length--;
    return content;
}

/* Escape sequences of ISO-2022 look like ASCII, so not only the eighth bit counts. */
static int needs_charset(struct span text, const char *charset)
{
    size_t i;

    if (!g_ascii_strcasecmp(charset, "utf-8") || !g_ascii_strcasecmp(charset, "us-ascii"))
        return 0;
    for (i = 0; i < text.length; i++)
        if (text.start[i] & 0x80 || text.start[i] == 0x1b)
            return 1;
    return 0;
}

char *part_text(const struct part *part, size_t max, size_t *length_r)
{
    char charset[40] = "us-ascii", *owned, *text = NULL, *copy;
    struct span content = part_content(part, max, &owned);
    gsize length = 0;

    field_parameter(part->content_type, "charset", charset, sizeof(charset));
    if (needs_charset(content, charset))
        text = g_convert_with_fallback(content.start, (gssize)content.length, "UTF-8", charset,
                                       "?", NULL, &length, NULL);
    if (!text) {
        text = g_utf8_make_valid(content.length ? content.start : "", (gssize)content.length);
        length = strlen(text);
    }
    copy = xmalloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    *length_r = length;
    g_free(text);
    free(owned);
    return copy;
}
