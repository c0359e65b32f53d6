/* See stream.h. */
#include "config.h"

#include "daemon/intake/stream.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIVIDERS ", \t"

int stream_field(const char *fields, const char *name)
{
    size_t length;

    for (int place = 0; *(fields += strspn(fields, DIVIDERS)); place++, fields += length) {
        length = strcspn(fields, DIVIDERS);
        if (strlen(name) == length && !strncasecmp(fields, name, length))
            return place;
    }
    return STREAM_NONE;
}

char *stream_of_field(const char *name, const char *value)
{
    const char *from = value, *found;
    size_t length;

    if (!strcasecmp(name, "List-Id") && (found = strrchr(value, '<')) && strchr(found, '>'))
        from = found + 1;
    else if (!strcasecmp(name, "Feedback-ID") && (found = strrchr(value, ':')))
        from = found + 1;
    from += strspn(from, " \t\r\n");
    length = from > value && from[-1] == '<' ? strcspn(from, ">") : strcspn(from, "\r\n");
    while (length && strchr(" \t", from[length - 1]))
        length--;
    return xstrndup(from, length < STREAM_MAX ? length : STREAM_MAX);
}

char *stream_of_port(const char *ports, const char *port, const char *daemon)
{
    size_t length, key;

    for (; *(ports += strspn(ports, DIVIDERS)); ports += length) {
        length = strcspn(ports, DIVIDERS);
        key = strcspn(ports, "=");
        if ((port && strlen(port) == key && !strncmp(ports, port, key)) ||
            (daemon && strlen(daemon) == key && !strncasecmp(ports, daemon, key)))
            return xstrndup(ports + key + 1, length - key - 1);
    }
    return NULL;
}

int stream_check_ports(const char *ports, struct error *error)
{
    size_t length;

    for (; *(ports += strspn(ports, DIVIDERS)); ports += length) {
        const char *equals;

        length = strcspn(ports, DIVIDERS);
        equals = memchr(ports, '=', length);
        if (!equals || equals == ports || equals + 1 == ports + length || length > STREAM_MAX)
            return error_set(error, ERROR_INPUT, "'%.*s' is no PORT=STREAM", length > 60 ? 60 : (int)length, ports);
    }
    return 0;
}
