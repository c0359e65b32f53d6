/* See own.h.
 *
 * The fields looked at (RFC 5321 4.4), as Postfix and Sendmail write them:
 *   by mx1.example.com (Postfix) id 4Xyz                     Postfix: its own
 *   by mx1.example.com (Postfix, from userid 1000) id 4Xyz   Postfix: sendmail(1)
 *   from localhost (localhost) by mx1.example.com (8.17.1) with internal id 5AO  Sendmail: its own
 *   (from joe@localhost) by mx1.example.com (8.17.1) id 5AO  Sendmail: sendmail(1)
 *   from HELO (NAME [192.0.2.1]) by mx1.example.com ...      both: by SMTP, the client's address
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
#define USER ", from userid "

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

int own_received(struct span received, const char *host)
{
    char *text = received.length < RECEIVED_MAX ? field_plain(received, RECEIVED_MAX) : NULL;
    const char *by = text ? find_by(text) : NULL;
    size_t length = strlen(host);
    int own = 0;

    if (by && !strncasecmp(by + 3, host, length) && strchr(" ;(", by[3 + length]))
        own = (by == text || (by - text == sizeof(INTERNAL) - 1 && !strncmp(text, INTERNAL, sizeof(INTERNAL) - 1))) &&
              !strstr(by, USER);
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
    struct span received = {0};
    size_t count = 0;

    for (size_t i = 0; i < header->count; i++)
        if (span_is(header->fields[i].name, "Received")) {
            received = header->fields[i].value;
            count++;
        }
    return count == 1 && header->count < HEADER_FIELDS_MAX && /* beyond that nobody has looked */
           own_received(received, host);
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
