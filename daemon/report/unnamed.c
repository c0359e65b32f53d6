/* See unnamed.h. */
#include "config.h"

#include "daemon/report/unnamed.h"

#include "daemon/report/scan.h"
#include "daemon/report/verp.h"

#include <glib.h>
#include <stdlib.h>

static char *by_return_address(const struct header *header)
{
    static const char *const names[] = {"To", "Delivered-To", "X-Original-To", "Envelope-To"};
    char *recipient = NULL;
    struct span address;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]) && !recipient; i++)
        if (scan_only(header_get(header, names[i]), &address))
            recipient = verp_recipient(address);
    return recipient;
}

/* "announce@example.com" is what <announce.example.com> stands for (RFC 2919 2). */
static int is_list(const struct header *returned, struct span address)
{
    struct span id = header_get(returned, "List-Id");
    char *name = span_dup(address), *c;
    int found;

    for (c = name; *c; c++)
        *c = *c == '@' ? '.' : g_ascii_tolower(*c);
    found = id.length && span_find_case(id, name);
    free(name);
    return found;
}

/* Unless it is list mail, whose To names the list. */
static char *by_returned(const struct header *returned)
{
    struct span to = header_get(returned, "To"), address;

    if (!to.length || header_get(returned, "Cc").length || header_get(returned, "List-Post").start ||
        header_get(returned, "Errors-To").start || span_is(header_get(returned, "Precedence"), "list"))
        return NULL;
    return scan_only(to, &address) && !is_list(returned, address) ? span_dup(address) : NULL;
}

static char *by_quoted(struct span text)
{
    struct span line, address, second, only = SPAN_NONE;

    while (span_line(&text, &line)) {
        line = span_trim(line);
        if (!span_starts(line, "To:") || !scan_next(&line, &address))
            continue;
        if (only.length || scan_address(line, &second))
            return NULL;
        only = address;
    }
    return span_dup(only);
}

char *unnamed_recipient(struct span text, const struct header *header, const struct header *returned)
{
    char *recipient = by_return_address(header);

    if (!recipient)
        recipient = by_returned(returned);
    return recipient ? recipient : by_quoted(text);
}
