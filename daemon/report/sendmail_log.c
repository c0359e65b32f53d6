/* See sendmail_log.h. */
#include "config.h"

#include "daemon/report/sendmail_log.h"

#include <string.h>

/* Also "sendmail-in", "sm-mta-out"; "mta" alone is a usual name of the daemon. */
int sendmail_log_is(struct span program)
{
    return span_starts(program, "sendmail") || span_starts(program, "sm-mta") ||
           span_starts(program, "sm-msp") || span_starts(program, "sm-que") ||
           span_is(program, "mta") || span_starts(program, "mta-");
}

/* The end of what stands at the head: the next ", " outside of brackets and quotes. */
static const char *value_end(struct span text)
{
    size_t i = 0;

    while (i < text.length) {
        const char *at = text.start + i, *end;

        if (*at == '<') {
            if (!(end = maillog_address_end(span_from(text, i))))
                return NULL;
            i = (size_t)(end - text.start);
        } else if (*at == '"') {
            for (i++; i < text.length && text.start[i] != '"'; i++)
                i += text.start[i] == '\\';
        } else if (*at == ',' && i + 1 < text.length && at[1] == ' ') {
            return at;
        }
        i++;
    }
    return NULL;
}

/* "key=value, ": 1, or 0 when what follows is none. */
static int take_field(struct span *rest_io, struct span *key_r, struct span *value_r)
{
    const char *equals = rest_io->length ? memchr(rest_io->start, '=', rest_io->length) : NULL;
    const char *end;

    if (!equals)
        return 0;
    *key_r = span_to(*rest_io, equals);
    for (size_t i = 0; i < key_r->length; i++)
        if (!(key_r->start[i] >= 'a' && key_r->start[i] <= 'z') && key_r->start[i] != '_')
            return 0;
    *value_r = span_from(*rest_io, key_r->length + 1);
    if (span_is(*key_r, "stat")) {
        *rest_io = SPAN_NONE;
        return 1;
    }
    end = span_is(*key_r, "reply") ? span_find(*value_r, ", stat=") : value_end(*value_r);
    if (!end)
        return 0;
    *value_r = span_to(*value_r, end);
    *rest_io = span_from(*rest_io, (size_t)(end + 2 - rest_io->start));
    return 1;
}

static int take_fields(struct span *rest_io, struct maillog_line *line, struct span *stat_r)
{
    struct span key, value;

    while (take_field(rest_io, &key, &value)) {
        if (span_is(key, "relay"))
            line->relay = value;
        else if (span_is(key, "dsn"))
            line->status = maillog_status(value);
        else if (span_is(key, "reply"))
            line->reply = value;
        else if (span_is(key, "stat")) {
            *stat_r = value;
            return line->status.start != NULL;
        }
    }
    return 0;
}

/* "mx.example.net. [192.0.2.1]" to its name; an address alone is no name. */
static struct span host_of(struct span relay)
{
    const char *end = relay.length ? memchr(relay.start, ' ', relay.length) : NULL;
    struct span host = end ? span_to(relay, end) : relay;

    if (!host.length || *host.start == '[' || !memchr(host.start, '.', host.length))
        return SPAN_NONE;
    if (host.start[host.length - 1] == '.')
        host.length--;
    return host;
}

/* A failure takes both words for it: dsn=5 with "Deferred" or "Sent" is none. */
static enum action action_of(const struct maillog_line *line, struct span stat)
{
    char class = *line->status.start;

    if (span_starts(stat, "queued") || span_starts(stat, "Deferred") || class == '4')
        return ACTION_DELAYED;
    if (!span_starts(stat, "Sent"))
        return class == '5' ? ACTION_FAILED : ACTION_DELIVERED;
    if (class != '2')
        return ACTION_DELAYED;
    return maillog_is_here(line->relay) && maillog_is_queued(stat) ? ACTION_RELAYED : ACTION_DELIVERED;
}

enum maillog_kind sendmail_log_read(struct maillog_line *line)
{
    struct span rest = line->text, key, stat;

    if (!maillog_queue_id(&rest, &line->queue_id) || !take_field(&rest, &key, &line->recipients) ||
        !span_is(key, "to") || !line->recipients.length)
        return MAILLOG_OTHER;
    line->list = 1;
    if (span_starts(rest, "[more], "))
        rest = span_from(rest, 8);
    if (!take_fields(&rest, line, &stat))
        return MAILLOG_OTHER;
    line->action = action_of(line, stat);
    if (!line->reply.length || (line->action != ACTION_FAILED && line->action != ACTION_DELAYED))
        line->reply = stat;
    line->remote_mta = host_of(line->relay);
    return MAILLOG_DELIVERY;
}
