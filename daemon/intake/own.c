/* See own.h.
 *
 * The fields looked at (RFC 5321 4.4), as Postfix and Sendmail write them:
 *   by mx1.example.com (Postfix) id 4Xyz                     Postfix: its own, and sendmail(1)
 *   from localhost (localhost) by mx1.example.com (8.17.1) with internal id 5AO  Sendmail: its own
 *   (from joe@localhost) by mx1.example.com (8.17.1) id 5AO  Sendmail: sendmail(1)
 *   from HELO (NAME [127.0.0.1]) by mx1.example.com ...      both: by SMTP, the client's address
 */
#include "config.h"

#include "daemon/intake/own.h"

#include "base/mem.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVED_MAX 2000
#define INTERNAL "from localhost (localhost) "
#define LOCAL_USER "@localhost) "

/* The word "by" outside of comments, or NULL. */
static const char *find_by(const char *text)
{
    int depth = 0;

    for (const char *at = text; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '(')
            depth++;
        else if (*at == ')' && depth)
            depth--;
        else if (!depth && (at == text || at[-1] == ' ') && !strncmp(at, "by ", 3))
            return at;
    }
    return NULL;
}

static int is_loopback(const char *address, size_t length)
{
    static const char *const six[] = {"::1", "IPv6:::1", "IPv6:0:0:0:0:0:0:0:1", NULL};

    if (length > 4 && !strncmp(address, "127.", 4) && strspn(address, "0123456789.") == length)
        return 1;
    for (int i = 0; six[i]; i++)
        if (strlen(six[i]) == length && !strncasecmp(address, six[i], length))
            return 1;
    return 0;
}

/* Every address literal: the client's stands behind the name it gave, which
 * may be one as well. */
static int only_loopback(const char *from)
{
    const char *open = strchr(from, '[');

    if (!open)
        return 0;
    for (; open; open = strchr(open + 1, '[')) {
        const char *close = strchr(open, ']');

        if (!close || !is_loopback(open + 1, (size_t)(close - open - 1)))
            return 0;
    }
    return 1;
}

/* What stands before "by". */
static int began_here(const char *from)
{
    if (!*from || !strcmp(from, INTERNAL))
        return 1;
    if (!strncmp(from, "(from ", 6))
        return !strcmp(from + 6 + strcspn(from + 6, "@ []"), LOCAL_USER);
    return !strncmp(from, "from ", 5) && only_loopback(from);
}

int own_received(struct span received, const char *host)
{
    char *text = received.length < RECEIVED_MAX ? field_plain(received, RECEIVED_MAX) : NULL;
    const char *by = text ? find_by(text) : NULL;
    size_t length = strlen(host);
    int own = 0;

    if (by && !strncasecmp(by + 3, host, length) && strchr(" ;(", by[3 + length])) {
        text[by - text] = '\0';
        own = began_here(text);
    }
    free(text);
    return own;
}

int own_dsn(const struct report *report, const char *sender, const char *host)
{
    return report->kind == REPORT_DSN && sender && !*sender && *host && report->reporting_mta &&
           !strcasecmp(report->reporting_mta, host);
}

int own_way(const struct header *header, const char *host)
{
    size_t count = 0;

    for (size_t i = 0; i < header->count; i++) {
        if (!span_is(header->fields[i].name, "Received"))
            continue;
        if (!own_received(header->fields[i].value, host))
            return 0;
        count++;
    }
    return count && header->count < HEADER_FIELDS_MAX; /* beyond that nobody has looked */
}

void own_name(const char *set, char *name_r, size_t size)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_flags = AI_CANONNAME};
    struct addrinfo *found = NULL;

    snprintf(name_r, size, "%s", set);
    if (*set)
        return;
    if (gethostname(name_r, size))
        name_r[0] = '\0';
    name_r[size - 1] = '\0';
    if (!*name_r || strchr(name_r, '.') || getaddrinfo(name_r, NULL, &hints, &found))
        return;
    if (found->ai_canonname && strlen(found->ai_canonname) < size)
        strcpy(name_r, found->ai_canonname);
    freeaddrinfo(found);
}
