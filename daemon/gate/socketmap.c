/* See socketmap.h. */
#include "config.h"

#include "daemon/gate/socketmap.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 6 /* of SOCKETMAP_REQUEST_MAX */

static const struct {
    const char *name;
    enum question_kind kind;
} maps[] = {
    {"suppression", QUESTION_TRANSPORT},
    {"recipient-access", QUESTION_ACCESS},
    {"delivery-status", QUESTION_STATUS},
};

ssize_t socketmap_frame(struct span input, size_t scanned, struct span *request_r)
{
    size_t length = 0, digits = 0;

    (void)scanned;
    while (digits < input.length && input.start[digits] >= '0' && input.start[digits] <= '9') {
        if (digits == DIGITS_MAX)
            return -1;
        length = length * 10 + (size_t)(input.start[digits++] - '0');
    }
    if (digits == input.length)
        return 0;
    if (!digits || input.start[digits] != ':' || length > SOCKETMAP_REQUEST_MAX)
        return -1;
    if (input.length < digits + 1 + length + 1)
        return 0;
    if (input.start[digits + 1 + length] != ',')
        return -1;
    *request_r = (struct span){input.start + digits + 1, length};
    return (ssize_t)(digits + 1 + length + 1);
}

int socketmap_parse(struct span request, struct question *question_r)
{
    const char *space = request.length ? memchr(request.start, ' ', request.length) : NULL;
    struct span map = space ? span_to(request, space) : request;

    *question_r = (struct question){.kind = QUESTION_NONE};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
        if (map.length == strlen(maps[i].name) && !memcmp(map.start, maps[i].name, map.length)) {
            struct span key = space ? span_from(request, map.length + 1) : SPAN_NONE;

            if (!key.length || memchr(key.start, '\0', key.length))
                return 0; /* there is no such address, and no such status */
            question_r->kind = maps[i].kind;
            question_r->text = span_dup(key);
            return 0;
        }
    return -1;
}

char *socketmap_reply(int known, const char *data)
{
    char *text, *reply;

    if (known)
        text = data ? xasprintf("OK %s", data) : xstrdup("NOTFOUND ");
    else
        text = xstrdup("PERM no such map: suppression, recipient-access and delivery-status are there");
    reply = xasprintf("%zu:%s,", strlen(text), text);
    free(text);
    return reply;
}
