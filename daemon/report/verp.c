/* See verp.h. */
#include "config.h"

#include "daemon/report/verp.h"

#include "base/mem.h"

#include <glib.h>
#include <string.h>

static struct span behind(struct span text, const char *place)
{
    return span_from(text, (size_t)(place - text.start) + 1);
}

static int is_rewritten(struct span local)
{
    return span_starts(local, "srs0") || span_starts(local, "srs1") || span_starts(local, "prvs=") ||
           span_starts(local, "btv1=") || span_starts(local, "msprvs1=");
}

/* "1234-", "4f8b1c.aa01-": an id, or the beginning of a name. */
static int begins_with_id(struct span text)
{
    size_t i, digits = 0;

    for (i = 0; i < text.length && (g_ascii_isxdigit(text.start[i]) || text.start[i] == '.'); i++)
        digits += g_ascii_isdigit(text.start[i]) != 0;
    return digits && i < text.length && text.start[i] == '-';
}

/* "-return-17-ann" */
static struct span behind_ezmlm(struct span text)
{
    static const char mark[] = "-return-";
    const char *at = span_find_case(text, mark);
    struct span rest = at ? span_from(text, (size_t)(at - text.start) + strlen(mark)) : SPAN_NONE;
    size_t i;

    for (i = 0; i < rest.length && g_ascii_isdigit(rest.start[i]); i++)
        ;
    return i && i < rest.length && rest.start[i] == '-' ? span_from(rest, i + 1) : SPAN_NONE;
}

static int is_domain(struct span text)
{
    size_t i;

    for (i = 0; i < text.length; i++)
        if (!g_ascii_isalnum(text.start[i]) && text.start[i] != '-' && text.start[i] != '.')
            return 0;
    return text.length > 3 && memchr(text.start, '.', text.length) && text.start[0] != '.' &&
           g_ascii_isalpha(text.start[text.length - 1]);
}

char *verp_recipient(struct span address)
{
    const char *at = address.length ? memrchr(address.start, '@', address.length) : NULL, *equals, *plus;
    struct span local, name, domain;

    local = at ? span_to(address, at) : SPAN_NONE;
    equals = local.length ? memrchr(local.start, '=', local.length) : NULL;
    if (!equals || is_rewritten(local))
        return NULL;
    domain = behind(local, equals);
    local = span_to(local, equals);
    plus = memchr(local.start, '+', local.length);
    name = plus ? behind(local, plus) : behind_ezmlm(local);
    if (!name.length || !is_domain(domain) || (plus && begins_with_id(name)) ||
        memchr(name.start, '=', name.length))
        return NULL;
    return xasprintf("%.*s@%.*s", (int)name.length, name.start, (int)domain.length, domain.start);
}
