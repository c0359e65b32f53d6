/* See postfix_log.h. */
#include "config.h"

#include "daemon/report/postfix_log.h"

#include <string.h>

#define CUT_LENGTH 1990 /* from here on Postfix may have cut the text */

static const char *const agents[] = {"smtp", "lmtp", "local", "virtual", "pipe", "error", "retry",
                                     "discard", "cleanup", "qmgr", "nqmgr", "bounce"};

static const struct {
    const char *word;
    enum action action;
    int probe;
} words[] = {
    {"sent", ACTION_DELIVERED, 0},
    {"deferred", ACTION_DELAYED, 0},
    {"bounced", ACTION_FAILED, 0},
    {"expired", ACTION_FAILED, 0},
    {"force-expired", ACTION_FAILED, 0},
    {"softbounce", ACTION_DELAYED, 0}, /* soft_bounce = yes: stays in the queue */
    {"deliverable", ACTION_DELIVERED, 1},
    {"deliverable-but-not-cached", ACTION_DELIVERED, 1},
    {"undeliverable", ACTION_FAILED, 1},
    {"undeliverable-but-not-cached", ACTION_FAILED, 1},
};

int postfix_log_is(struct span program)
{
    const char *slash = program.length ? memrchr(program.start, '/', program.length) : NULL;

    if (!slash)
        return 0;
    if (span_starts(program, "postfix"))
        return 1;
    program = span_from(program, (size_t)(slash + 1 - program.start));
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
        if (span_is(program, agents[i]))
            return 1;
    return 0;
}

static int stands_at(struct span text, const char *at, const char *what)
{
    size_t left = (size_t)(text.start + text.length - at), length = strlen(what);

    return left >= length && !memcmp(at, what, length);
}

/* Whether an address may end with the ">" at this place. */
static int ends_here(struct span text, const char *at, int original)
{
    return stands_at(text, at, ">, relay=") || (!original && stands_at(text, at, ">, orig_to="));
}

/* An address whose quotes are missing: the first end that can be one. */
static const char *odd_end(struct span text, int original)
{
    const char *at = text.start, *end = text.start + text.length;

    while ((at = memchr(at, '>', (size_t)(end - at)))) {
        if (ends_here(text, at, original))
            return at;
        at++;
    }
    return NULL;
}

/* The address at the head of *rest_io and the ", " behind it. original: of orig_to. */
static int take_address(struct span *rest_io, int original, struct span *address_r)
{
    const char *end;

    if (!rest_io->length || *rest_io->start != '<')
        return 0;
    end = maillog_address_end(*rest_io);
    if (!end || !ends_here(*rest_io, end, original))
        end = odd_end(*rest_io, original);
    if (!end)
        return 0;
    *address_r = span_from(span_to(*rest_io, end), 1);
    *rest_io = span_from(*rest_io, (size_t)(end + 3 - rest_io->start));
    return 1;
}

/* "key=value" and the ", " or " " behind it. */
static int take_field(struct span *rest_io, struct span *key_r, struct span *value_r)
{
    size_t length = 0, start;

    while (length < rest_io->length && ((rest_io->start[length] >= 'a' && rest_io->start[length] <= 'z') ||
                                        rest_io->start[length] == '_'))
        length++;
    if (!length || length == rest_io->length || rest_io->start[length] != '=')
        return 0;
    *key_r = (struct span){rest_io->start, length};
    start = ++length;
    while (length < rest_io->length && rest_io->start[length] != ' ')
        length++;
    *value_r = (struct span){rest_io->start + start, length - start};
    *rest_io = span_from(*rest_io, length + 1);
    if (value_r->length && value_r->start[value_r->length - 1] == ',')
        value_r->length--;
    return 1;
}

/* Up to and with status=; what is left is " (TEXT)". */
static int take_fields(struct span *rest_io, struct maillog_line *line, struct span *word_r)
{
    struct span key, value;

    while (take_field(rest_io, &key, &value)) {
        if (span_is(key, "relay")) {
            line->relay = value;
        } else if (span_is(key, "dsn")) {
            line->status = maillog_status(value);
        } else if (span_is(key, "status")) {
            *word_r = value;
            return value.length && line->relay.start && line->status.start;
        }
    }
    return 0;
}

/* The end of an address that has written the fields before it. */
static int has_second_reading(struct span text)
{
    const char *at = odd_end(text, 0);

    return at && span_find(span_from(text, (size_t)(at - text.start)), "status=");
}

static void take_text(struct span text, struct maillog_line *line)
{
    text = span_trim(text);
    line->doubtful |= text.length < 2 || *text.start != '(' || text.start[text.length - 1] != ')';
    if (text.length && *text.start == '(') {
        text = span_from(text, 1);
        text.length -= text.length && text.start[text.length - 1] == ')';
    }
    line->reply = text.length ? text : SPAN_NONE;
}

/* An agent's name for itself ("local", "virtual", "dovecot") is no host. */
static struct span host_of(struct span relay)
{
    const char *bracket = memchr(relay.start, '[', relay.length);

    if (bracket == relay.start)
        return SPAN_NONE;
    if (!bracket && !memchr(relay.start, '.', relay.length))
        return SPAN_NONE;
    return bracket ? span_to(relay, bracket) : relay;
}

/* Transports that bear the name of a content filter, in the program
 * ("postfix/smtp-amavis/smtp"), the socket, or the relay (of pipe(8): "filter" and
 * "spamassassin" are the names in Postfix's FILTER_README and SpamAssassin's). Whatever
 * they say of a message, it comes back to be delivered or is withheld. */
static int is_filter(const struct maillog_line *line)
{
    return span_find_case(line->program, "amavis") || span_is(line->relay, "filter") ||
           span_is(line->relay, "spamassassin") || span_is(line->relay, "amavis") ||
           (maillog_is_here(line->relay) && span_find_case(line->relay, "amavis"));
}

/* A failed probe with a status of 4 says no more than a deferred message. A
 * word that is not known never counts as a failure. */
static void set_action(struct span word, struct maillog_line *line)
{
    char class = *line->status.start;

    line->action = class == '2' ? ACTION_DELIVERED : ACTION_DELAYED;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_is(word, words[i].word)) {
            line->action = words[i].action;
            line->probe = words[i].probe;
        }
    if (line->probe && line->action == ACTION_FAILED && class == '4')
        line->action = ACTION_DELAYED;
    if (line->action == ACTION_DELIVERED && !line->probe &&
        (is_filter(line) || (maillog_is_here(line->relay) && maillog_is_queued(line->reply))))
        line->action = ACTION_RELAYED;
}

/* No other line ends so: what qmgr says of a message in the queue goes on behind its ADDRESS. */
static int is_expired(struct span text)
{
    return text.length < CUT_LENGTH && span_starts(text, "from=<") &&
           (span_ends(text, ">, status=expired, returned to sender") ||
            span_ends(text, ">, status=force-expired, returned to sender"));
}

enum maillog_kind postfix_log_read(struct maillog_line *line)
{
    struct span rest = line->text, word;

    if (!maillog_queue_id(&rest, &line->queue_id))
        return MAILLOG_OTHER;
    if (is_expired(rest) && span_ends(line->program, "qmgr"))
        return MAILLOG_EXPIRED;
    if (!span_starts(rest, "to="))
        return MAILLOG_OTHER;
    rest = span_from(rest, 3);
    if (!take_address(&rest, 0, &line->recipients))
        return MAILLOG_OTHER;
    if (span_starts(rest, "orig_to=")) {
        rest = span_from(rest, 8);
        if (!take_address(&rest, 1, &line->orig_to))
            return MAILLOG_OTHER;
    }
    if (!take_fields(&rest, line, &word))
        return MAILLOG_OTHER;
    if (has_second_reading(rest))
        return MAILLOG_AMBIGUOUS;
    line->doubtful |= line->orig_to.start || line->text.length >= CUT_LENGTH;
    take_text(rest, line);
    line->remote_mta = host_of(line->relay);
    set_action(word, line);
    return MAILLOG_DELIVERY;
}
