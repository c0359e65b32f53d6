/* See address.h.
 *
 * The local part is taken apart to what it means, without quotes and
 * backslashes, and then written again in the one canonical way: as a dot-atom
 * where that is possible, as a quoted string where it is not.
 */
#include "config.h"

#include "daemon/report/address.h"

#include "daemon/report/span.h"

#include <glib.h>
#include <idn2.h>
#include <string.h>

#define LABEL_MAX 63      /* octets, RFC 1035 2.3.4 */
#define TEXT_MAX 1024     /* what is longer cannot be an address, whatever its quoting */

/* RFC 5322 atext and RFC 6532: everything beyond ASCII. */
static int is_atext(char c)
{
    return (c & 0x80) || g_ascii_isalnum(c) || span_char(c, "!#$%&'*+-/=?^_`{|}~");
}

/* What a local part may hold in quotes only. Dots at odd places and "@" are let
 * through, for people do have such addresses. */
static int is_special(char c)
{
    return !is_atext(c) && c != '.' && c != '@';
}

/* "@relay.example,@other.example:joe@example.com" is joe@example.com (RFC 5321 appendix C). */
static struct span without_route(struct span text)
{
    const char *colon;

    if (text.length && text.start[0] == '@' && (colon = memchr(text.start, ':', text.length))) {
        text.length -= (size_t)(colon + 1 - text.start);
        text.start = colon + 1;
    }
    return text;
}

static struct span bare(const char *text, size_t length)
{
    struct span span = span_trim((struct span){text, length});

    if (span.length >= 2 && span.start[0] == '<' && span.start[span.length - 1] == '>')
        span = span_trim((struct span){span.start + 1, span.length - 2});
    return without_route(span);
}

/* Refuses what no address may hold, before anything looks at single characters. */
static int check_characters(struct span text, struct error *error)
{
    const char *at, *end = text.start + text.length;

    if (text.length > TEXT_MAX)
        return error_set(error, ERROR_INPUT, "address is too long");
    if (memchr(text.start, 0, text.length))
        return error_set(error, ERROR_INPUT, "address holds a NUL byte");
    if (!g_utf8_validate(text.start, (gssize)text.length, NULL))
        return error_set(error, ERROR_INPUT, "address is not UTF-8");
    for (at = text.start; at < end; at = g_utf8_next_char(at))
        if ((*at < ' ' || *at >= 0x7f) && g_unichar_iscntrl(g_utf8_get_char(at)))
            return error_set(error, ERROR_INPUT, "address holds a control character");
    return 0;
}

/* Takes quotes and backslashes off the local part, into value_r (of TEXT_MAX).
 * Returns the offset of the "@" that ends it, the last one outside of quotes. */
static int split(struct span text, char *value_r, size_t *value_length_r, size_t *at_r,
                 struct error *error)
{
    size_t i, out = 0, out_at = 0;
    int quoted = 0, found = 0, specials = 0, specials_local = 0;

    for (i = 0; i < text.length; i++) {
        char c = text.start[i];

        if (c == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && c == '\\' && i + 1 < text.length)
            c = text.start[++i];
        else if (!quoted && c == '@') {
            found = 1;
            specials_local = specials;
            out_at = out;
            *at_r = i;
        }
        specials += !quoted && is_special(c);
        value_r[out++] = c;
    }
    if (quoted)
        return error_set(error, ERROR_INPUT, "address has an unclosed quote");
    if (!found)
        return error_set(error, ERROR_INPUT, "address has no @");
    if (specials_local)
        return error_set(error, ERROR_INPUT, "local part needs quotes");
    *value_length_r = out_at;
    return 0;
}

static int is_dot_atom(const char *value, size_t length)
{
    size_t i;

    if (value[0] == '.' || value[length - 1] == '.')
        return 0;
    for (i = 0; i < length; i++) {
        if (value[i] == '.' ? value[i + 1] == '.' : !is_atext(value[i]))
            return 0;
    }
    return 1;
}

/* Writes the local part in its canonical form; -1 when it is longer than an envelope takes. */
static int write_local(const char *value, size_t length, char *out_r, size_t *length_r)
{
    int quote = !is_dot_atom(value, length);
    size_t i, out = 0;

    if (length + 2 * (size_t)quote > ADDRESS_LOCAL_MAX)
        return -1;
    if (quote)
        out_r[out++] = '"';
    for (i = 0; i < length; i++) {
        int escape = quote && (value[i] == '"' || value[i] == '\\');

        if (out + (size_t)escape + 1 + (size_t)quote > ADDRESS_LOCAL_MAX)
            return -1;
        if (escape)
            out_r[out++] = '\\';
        out_r[out++] = value[i];
    }
    if (quote)
        out_r[out++] = '"';
    *length_r = out;
    return 0;
}

static int is_ascii(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (text[i] & 0x80)
            return 0;
    return 1;
}

static int put_local(struct address *address, const char *value, size_t length,
                     struct error *error)
{
    char *composed;
    int failed;

    if (is_ascii(value, length)) { /* nearly all: there is nothing to compose */
        failed = write_local(value, length, address->given, &address->domain);
    } else {
        composed = g_utf8_normalize(value, (gssize)length, G_NORMALIZE_NFC);
        failed = !composed ||
                 write_local(composed, strlen(composed), address->given, &address->domain);
        g_free(composed);
    }
    if (failed)
        return error_set(error, ERROR_INPUT, "local part is too long");
    address->given[address->domain++] = '@';
    return 0;
}

/* Lower case where that keeps the length, so that one offset of the domain serves both forms.
 * A letter that a combining mark follows stays: some compose with it in one case only
 * (T and U+0308), and the key would no longer be in NFC. */
static void fold(char *text, size_t length)
{
    char *at, *next, *end = text + length;

    for (at = text; at < end; at = next) {
        gunichar c, lower;

        next = g_utf8_next_char(at);
        if (next == at + 1 && (next == end || !(*next & 0x80))) {
            *at = g_ascii_tolower(*at);
            continue;
        }
        c = g_utf8_get_char(at);
        lower = g_unichar_tolower(c);
        if (next < end && g_unichar_combining_class(g_utf8_get_char(next)))
            continue;
        if (lower != c && g_unichar_to_utf8(lower, NULL) == g_unichar_to_utf8(c, NULL))
            g_unichar_to_utf8(lower, at);
    }
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
static int is_literal(const char *domain, size_t length)
{
    size_t i;

    if (length < 3 || domain[0] != '[' || domain[length - 1] != ']')
        return 0;
    for (i = 1; i < length - 1; i++)
        if (!g_ascii_isalnum(domain[i]) && !span_char(domain[i], ".:-"))
            return 0;
    return 1;
}

static int check_labels(const char *domain, size_t length, struct error *error)
{
    size_t i, label = 0;

    for (i = 0; i < length; i++) {
        if (domain[i] == '.') {
            if (!label)
                return error_set(error, ERROR_INPUT, "domain has an empty label");
            label = 0;
            continue;
        }
        if (!g_ascii_isalnum(domain[i]) && domain[i] != '-' && domain[i] != '_')
            return error_set(error, ERROR_INPUT, "domain holds a character that no domain has");
        if (++label > LABEL_MAX)
            return error_set(error, ERROR_INPUT, "domain has a label that is too long");
    }
    return label ? 0 : error_set(error, ERROR_INPUT, "domain is empty");
}

static int copy_domain(const char *domain, size_t length, char *out_r, size_t *length_r,
                       struct error *error)
{
    if (length && domain[length - 1] == '.')
        length--;
    if (length > ADDRESS_DOMAIN_MAX)
        return error_set(error, ERROR_INPUT, "domain is too long");
    if (!is_literal(domain, length) && check_labels(domain, length, error))
        return -1;
    memcpy(out_r, domain, length);
    out_r[length] = '\0';
    *length_r = length;
    return 0;
}

static int put_domain(struct address *address, struct span domain, struct error *error)
{
    char *out = address->given + address->domain;
    char text[TEXT_MAX + 1];
    uint8_t *ascii;
    size_t length;
    int status;

    if (is_ascii(domain.start, domain.length)) {
        if (copy_domain(domain.start, domain.length, out, &length, error))
            return -1;
    } else {
        memcpy(text, domain.start, domain.length);
        text[domain.length] = '\0';
        status = idn2_lookup_u8((const uint8_t *)text, &ascii,
                                IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
        if (status != IDN2_OK)
            return error_set(error, ERROR_INPUT, "domain: %s", idn2_strerror(status));
        status = copy_domain((char *)ascii, strlen((char *)ascii), out, &length, error);
        idn2_free(ascii);
        if (status)
            return -1;
    }
    fold(out, length);
    return 0;
}

int address_parse(const char *text, size_t length, int strict,
                  struct address *address_r, struct error *error)
{
    struct span span = bare(text, length), domain;
    char value[TEXT_MAX];
    size_t value_length = 0, at = 0;

    if (check_characters(span, error) || split(span, value, &value_length, &at, error))
        return -1;
    if (!value_length)
        return error_set(error, ERROR_INPUT, "local part is empty");
    if (put_local(address_r, value, value_length, error))
        return -1;
    domain = span_trim((struct span){span.start + at + 1, span.length - at - 1});
    if (put_domain(address_r, domain, error))
        return -1;
    memcpy(address_r->key, address_r->given, sizeof(address_r->key));
    if (!strict)
        fold(address_r->key, address_r->domain - 1);
    return 0;
}
