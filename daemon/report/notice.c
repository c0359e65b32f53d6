/* See notice.h.
 *
 * Where the returned message begins in running text is told by what mail
 * systems write there (markers), or by a block of header fields at the left
 * margin.
 */
#include "config.h"

#include "daemon/report/notice.h"

#include "base/mem.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* Count only on a line that is set off: by dashes in front or a colon behind. */
static const char *const markers[] = {
    "original message", "copy of the message", "copy of your message", "copy of the first part",
    "below the next line is a copy", "below this line is a copy", "header of the original",
    "header of the source mail", "original mail", "returned message", "returned mail",
    "unsent message", "undelivered message follows", "forwarded message", "message header",
    "lines of the message follow", "mensaje original", "your message reads", "message text follows",
    "original text follows", "rejected message follows", "message contents follow",
};

/* Count wherever they begin a line. */
static const char *const sentences[] = {
    "original message follows", "message headers follow", "the original message follows",
    "included is a copy of the message", "here is a copy of", "below is a copy of",
    "this is a copy of the message", "a copy of the original message",
};

static const char *const header_names[] = {
    "Received", "Return-Path", "From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version",
    "Content-Type", "Content-Transfer-Encoding", "Reply-To", "Sender", "X-Mailer", "Delivered-To",
    "DKIM-Signature", "DomainKey-Signature", "User-Agent", "Precedence", "Errors-To", "List-Id",
    "X-Original-To", "Authentication-Results",
};

/* ------------------------------------------------------------------- HTML */

static const struct {
    const char *name, *text;
} entities[] = {
    {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&nbsp;", " "},
    {"&#39;", "'"}, {"&apos;", "'"}, {"&#64;", "@"}, {"&#46;", "."},
};

static const char *const line_tags[] = {"br", "p", "/p", "div", "/div", "tr", "/tr", "li", "/li",
                                        "h1", "h2", "h3", "/h1", "/h2", "/h3", "/table", "pre", "hr"};

static int is_tag(struct span tag, const char *name)
{
    size_t length = strlen(name);

    return span_starts(tag, name) && !(tag.length > length && g_ascii_isalnum(tag.start[length]));
}

static int breaks_line(struct span tag)
{
    size_t i;

    for (i = 0; i < sizeof(line_tags) / sizeof(line_tags[0]); i++)
        if (is_tag(tag, line_tags[i]))
            return 1;
    return 0;
}

/* Behind the tag that begins at rest ("<..."), and behind what it hides. */
static struct span skip_tag(struct span rest, char *out_r, size_t *length_io)
{
    static const char *const hidden[][2] = {{"style", "</style"}, {"script", "</script"}};
    const char *end = memchr(rest.start, '>', rest.length);
    struct span tag = span_from(rest, 1);
    size_t i;

    if (!end)
        return span_from(rest, rest.length);
    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (is_tag(tag, hidden[i][0])) {
            const char *close = span_find_case(rest, hidden[i][1]);

            return close ? span_from(rest, (size_t)(close - rest.start)) : span_from(rest, rest.length);
        }
    if (breaks_line(tag))
        out_r[(*length_io)++] = '\n';
    else if (is_tag(tag, "td") || is_tag(tag, "th"))
        out_r[(*length_io)++] = ' '; /* one cell's address does not go on in the next */
    return span_from(rest, (size_t)(end - rest.start) + 1);
}

static size_t put_entity(struct span rest, char *out_r, size_t *length_io)
{
    size_t i;

    for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
        if (span_starts(rest, entities[i].name)) {
            out_r[(*length_io)++] = entities[i].text[0];
            return strlen(entities[i].name);
        }
    out_r[(*length_io)++] = '&';
    return 1;
}

/* In place: text never grows. Line ends of the source are mere spaces. */
static size_t strip_html(char *text, size_t length)
{
    struct span rest = {text, length};
    size_t out = 0;

    while (rest.length) {
        if (rest.start[0] == '<')
            rest = skip_tag(rest, text, &out);
        else if (rest.start[0] == '&')
            rest = span_from(rest, put_entity(rest, text, &out));
        else {
            char c = rest.start[0];

            text[out++] = c == '\n' || c == '\r' ? ' ' : c;
            rest = span_from(rest, 1);
        }
    }
    text[out] = '\0';
    return out;
}

/* -------------------------------------------------------- returned message */

static int is_header_line(struct span line)
{
    const char *colon = memchr(line.start, ':', line.length);
    size_t i;

    if (!colon)
        return 0;
    for (i = 0; i < sizeof(header_names) / sizeof(header_names[0]); i++)
        if (span_is(span_to(line, colon), header_names[i]))
            return 1;
    return 0;
}

/* Three known fields in a row, folds between them let through. */
static int begins_header(struct span text)
{
    struct span line;
    int known = 0, seen = 0;

    while (known < 3 && seen++ < 40 && span_line(&text, &line)) {
        if (is_header_line(line))
            known++;
        else if (!known || !line.length)
            return 0;
        else if (line.start[0] != ' ' && line.start[0] != '\t' && !memchr(line.start, ':', line.length))
            return 0;
    }
    return known == 3;
}

static int is_marker(struct span line)
{
    struct span text = span_trim(line);
    int set_off;
    size_t i;

    if (!text.length || text.length > 120 || span_find_case(text, "recipient") ||
        span_find_case(text, "address"))
        return 0;
    for (i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
        if (span_starts(text, sentences[i]))
            return 1;
    set_off = span_starts(text, "--") || span_starts(text, "==") || span_ends(text, ":");
    for (i = 0; set_off && i < sizeof(markers) / sizeof(markers[0]); i++)
        if (span_find_case(text, markers[i]))
            return 1;
    return 0;
}

/* Where the mail system's words end; *returned_r is what follows, behind a marker. */
static struct span cut(struct span text, struct span *returned_r)
{
    struct span rest = text, here, line;

    while (here = rest, span_line(&rest, &line)) {
        if (is_marker(line)) {
            *returned_r = rest;
            return span_to(text, here.start);
        }
        if (is_header_line(line) && here.start != text.start && begins_header(here)) {
            *returned_r = here;
            return span_to(text, here.start);
        }
    }
    *returned_r = SPAN_NONE;
    return text;
}

/* ------------------------------------------------------------------ parts */

/* Where a text was cut off half an address may stand, which is somebody else's. */
static size_t without_last_word(char *text, size_t length)
{
    while (length && !g_ascii_isspace(text[length - 1]))
        length--;
    text[length] = '\0';
    return length;
}

static void append(struct notice *notice, size_t *length_io, const struct part *part)
{
    size_t length, room = NOTICE_TEXT_MAX - *length_io;
    char *text = part_text(part, room, &length);

    if (!part->closed || part->body.length >= room)
        length = without_last_word(text, length);
    if (!strcmp(part->type, "text/html"))
        length = strip_html(text, length);
    if (length > room)
        length = room;
    notice->text = xrealloc(notice->text, *length_io + length + 2);
    memcpy(notice->text + *length_io, text, length);
    *length_io += length;
    notice->text[(*length_io)++] = '\n';
    notice->text[*length_io] = '\0';
    free(text);
}

static size_t append_all(const struct mime *mime, struct notice *notice, const char *type)
{
    size_t i, length = 0;

    for (i = 0; i < mime->count && length < NOTICE_TEXT_MAX; i++) {
        const struct part *part = &mime->parts[i];

        if (!strcmp(part->type, "message/rfc822"))
            break;
        if (!strncmp(part->type, type, strlen(type)))
            append(notice, &length, part);
    }
    return length;
}

void notice_read(const struct mime *mime, struct notice *notice_r)
{
    static const char *const types[] = {"text/plain", "text/html", "multipart/", "text/"};
    size_t i, length = 0;

    *notice_r = (struct notice){0};
    for (i = 0; i < sizeof(types) / sizeof(types[0]) && !length; i++)
        length = append_all(mime, notice_r, types[i]);
    notice_r->own = cut((struct span){notice_r->text, length}, &notice_r->returned);
}

void notice_clear(struct notice *notice)
{
    free(notice->text);
    *notice = (struct notice){0};
}
