/* See gate_reply.h. */
#include "config.h"

#include "daemon/gate/gate_reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const fields[] = {"%{address}", "%{reason}", "%{date}"};

/* Which field begins here, or -1. */
static int field_at(const char *text)
{
    for (int i = 0; i < 3; i++)
        if (!strncmp(text, fields[i], strlen(fields[i])))
            return i;
    return -1;
}

/* Takes "550 5.1.1 " apart; gives the length of that head, 0 when there is none. */
static size_t parse_head(const char *template, struct gate_reply *reply_r)
{
    int length = 0;

    if (sscanf(template, "%3[0-9] %11[0-9.]%n", reply_r->code, reply_r->status, &length) != 2)
        return 0;
    return template[length] == ' ' ? (size_t)length + 1 : 0;
}

int gate_reply_check(const char *template, struct error *error)
{
    struct gate_reply reply;
    size_t head = parse_head(template, &reply);
    unsigned subject, detail;
    int end = 0;

    if (!head || strlen(reply.code) != 3 || !template[head])
        return error_set(error, ERROR_INPUT, "expected \"550 5.1.1 text\" (code, enhanced status, text)");
    if (reply.code[0] != '4' && reply.code[0] != '5')
        return error_set(error, ERROR_INPUT, "the code must be 4yz or 5yz, not %s", reply.code);
    if (reply.code[0] != reply.status[0] ||
        sscanf(reply.status + 1, ".%3u.%3u%n", &subject, &detail, &end) != 2 || reply.status[1 + end])
        return error_set(error, ERROR_INPUT, "enhanced status %s does not go with code %s", reply.status, reply.code);
    for (const char *p = template + head; *p; p++) {
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            return error_set(error, ERROR_INPUT, "the text must be printable ASCII");
        if (p[0] == '%' && p[1] == '{' && field_at(p) < 0)
            return error_set(error, ERROR_INPUT, "unknown field at '%.20s' (known: %s, %s, %s)", p,
                             fields[0], fields[1], fields[2]);
    }
    return 0;
}

/* Appends what fits, never anything that could end the line or the reply. */
static void append(struct gate_reply *reply, const char *text, size_t length)
{
    size_t have = strlen(reply->text);

    for (size_t i = 0; i < length && have + 1 < sizeof(reply->text); i++) {
        unsigned char c = (unsigned char)text[i];

        reply->text[have++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
    }
    reply->text[have] = '\0';
}

void gate_reply_format(const char *template, const char *address, const char *reason, int64_t since,
                       struct gate_reply *reply_r)
{
    char date[16];
    const char *values[] = {address, reason, date};
    time_t t = (time_t)since;
    struct tm utc;
    int field;

    gmtime_r(&t, &utc);
    strftime(date, sizeof(date), "%Y-%m-%d", &utc);
    reply_r->text[0] = '\0';
    for (const char *p = template + parse_head(template, reply_r); *p; p++) {
        if ((field = field_at(p)) < 0) {
            append(reply_r, p, 1);
            continue;
        }
        append(reply_r, values[field], strlen(values[field]));
        p += strlen(fields[field]) - 1;
    }
}
