/* See dsn_value.h. */
#include "config.h"

#include "daemon/report/dsn_value.h"

#include "base/mem.h"
#include "daemon/report/field.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_TEXT_MAX 1024
#define HOST_TEXT_MAX 255

struct span dsn_without_type(struct span value)
{
    const char *mark = value.length ? memchr(value.start, ';', value.length) : NULL;
    struct span type;

    if (!mark)
        return span_trim(value);
    type = span_trim(span_to(value, mark));
    if (memchr(type.start, ' ', type.length) || memchr(type.start, '@', type.length) ||
        memchr(type.start, '<', type.length) || memchr(type.start, '"', type.length))
        return span_trim(value);
    return span_trim(span_from(value, (size_t)(mark - value.start) + 1));
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3461 4 wants "+" and "=" encoded and nothing printable besides, so a text
 * in which another thing stands behind a "+" is no xtext but a tagged address. */
static void decode_xtext(char *text)
{
    char *in, *out;

    for (in = text; (in = strchr(in, '+')); in += 3) {
        int high = hex_value(in[1]), low = high < 0 ? -1 : hex_value(in[2]);
        int c = low < 0 ? 0 : 16 * high + low;

        if (c != '+' && c != '=')
            return;
    }
    if (strchr(text, '='))
        return;
    for (in = out = text; *in; out++) {
        if (*in == '+') {
            *out = (char)(16 * hex_value(in[1]) + hex_value(in[2]));
            in += 3;
        } else
            *out = *in++;
    }
    *out = '\0';
}

/* "\x{F6}" (RFC 6533 3). What is malformed, or would be a control character, stays. */
static void decode_unicode(char *text)
{
    char *in, *out, *end;

    for (in = out = text; *in;) {
        if (!strncmp(in, "\\x{", 3) && g_ascii_isxdigit(in[3])) {
            guint64 c = g_ascii_strtoull(in + 3, &end, 16);

            if (*end == '}' && c >= 0x20 && c <= 0x10ffff && g_unichar_validate((gunichar)c) &&
                !g_unichar_iscntrl((gunichar)c)) {
                out += g_unichar_to_utf8((gunichar)c, out); /* never longer than its escape */
                in = end + 1;
                continue;
            }
        }
        *out++ = *in++;
    }
    *out = '\0';
}

/* Cuts what stands in angle brackets or before a comment; quoted strings stay whole. */
static struct span bare_address(struct span text)
{
    size_t i, start = 0;
    int quoted = 0;

    for (i = 0; i < text.length; i++) {
        char c = text.start[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '<')
            start = i + 1;
        else if (!quoted && (c == '>' || c == ' ' || c == '\t') && i > start &&
                 memchr(text.start + start, '@', i - start))
            break;
    }
    if (i > text.length)
        i = text.length;
    return span_trim((struct span){text.start + start, i - start});
}

char *dsn_address(struct span value, int xtext)
{
    char *text = field_plain(dsn_without_type(value), ADDRESS_TEXT_MAX);
    char *address = text ? span_dup(bare_address(span_of(text))) : NULL;
    const char *at;

    free(text);
    if (!address)
        return NULL;
    decode_unicode(address);
    if (xtext)
        decode_xtext(address);
    at = strrchr(address, '@');
    if (at && at > address && at[1])
        return address;
    free(address);
    return NULL;
}

static size_t digits(struct span text)
{
    size_t i;

    for (i = 0; i < text.length && i < 4 && g_ascii_isdigit(text.start[i]); i++)
        ;
    return i;
}

/* Length of an enhanced status (RFC 3463 2) at the start, or 0. */
static size_t status_length(struct span text)
{
    size_t subject, detail, length;

    if (text.length < 5 || !span_char(text.start[0], "245") || text.start[1] != '.')
        return 0;
    subject = digits(span_from(text, 2));
    if (!subject || subject > 3 || text.length < 3 + subject || text.start[2 + subject] != '.')
        return 0;
    detail = digits(span_from(text, 3 + subject));
    length = 3 + subject + detail;
    if (!detail || detail > 3)
        return 0;
    if (length + 1 < text.length && text.start[length] == '.' &&
        g_ascii_isdigit(text.start[length + 1]))
        return 0; /* an address of IPv4 */
    return length;
}

char *dsn_status(struct span text)
{
    size_t length = status_length(span_trim(text));

    return length ? xstrndup(span_trim(text).start, length) : NULL;
}

int dsn_status_within(const char *text, char status_r[12])
{
    const char *at, *end = text + strlen(text);
    size_t length;

    for (at = text; at < end; at++) {
        if (at > text && (g_ascii_isalnum(at[-1]) || at[-1] == '.'))
            continue;
        length = *at == '2' ? 0 : status_length((struct span){at, (size_t)(end - at)});
        if (length && !g_ascii_isalpha(at[length])) {
            memcpy(status_r, at, length);
            status_r[length] = '\0';
            return 1;
        }
    }
    return 0;
}

char *dsn_host(struct span value)
{
    struct span host = dsn_without_type(value);
    size_t i;

    for (i = 0; i < host.length; i++)
        if ((unsigned char)host.start[i] <= ' ' || host.start[i] == '(' || host.start[i] == ';')
            break;
    if (i > 1 && host.start[i - 1] == '.')
        i--;
    host.length = i;
    return field_plain(host, HOST_TEXT_MAX);
}

int dsn_status_behind_code(const char *text, char status_r[12])
{
    const char *at, *status;
    size_t length;

    for (at = text; *at; at++) {
        if ((*at != '4' && *at != '5') || (at > text && g_ascii_isalnum(at[-1])) ||
            !g_ascii_isdigit(at[1]) || !g_ascii_isdigit(at[2]))
            continue;
        for (status = at + 3; span_char(*status, " -:'\"("); status++)
            ;
        length = status > at + 3 && *status != '2' ? status_length(span_of(status)) : 0;
        if (length) {
            memcpy(status_r, status, length);
            status_r[length] = '\0';
            return 1;
        }
    }
    return 0;
}
