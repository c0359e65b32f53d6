/* See maillog.h. */
#include "config.h"

#include "daemon/report/maillog.h"

#include "base/mem.h"
#include "daemon/report/postfix_log.h"
#include "daemon/report/sendmail_log.h"

#include <string.h>

#define QUEUE_ID_MIN 6
#define QUEUE_ID_MAX 20

static int is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5322 3.2.3 and RFC 6532, and the dot. */
static int is_atext(char c)
{
    return is_alnum(c) || (unsigned char)c >= 0x80 || span_char(c, ".!#$%&'*+-/=?^_`{|}~");
}

const char *maillog_address_end(struct span text)
{
    size_t i = 1;

    if (text.length > 1 && text.start[1] == '"') {
        for (i++; i < text.length && text.start[i] != '"'; i++)
            i += text.start[i] == '\\';
        if (++i >= text.length || (text.start[i] != '@' && text.start[i] != '>'))
            return NULL;
    }
    return i < text.length ? memchr(text.start + i, '>', text.length - i) : NULL;
}

int maillog_queue_id(struct span *rest_io, struct span *id_r)
{
    size_t length = 0;

    while (length < rest_io->length && is_alnum(rest_io->start[length]))
        length++;
    if (length < QUEUE_ID_MIN || length > QUEUE_ID_MAX || length + 2 > rest_io->length ||
        memcmp(rest_io->start + length, ": ", 2) != 0)
        return 0;
    *id_r = (struct span){rest_io->start, length};
    *rest_io = span_from(*rest_io, length + 2);
    return 1;
}

struct span maillog_status(struct span text)
{
    int dots = 0, digits = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '.') {
            if (!digits || ++dots > 2)
                return SPAN_NONE;
            digits = 0;
        } else if (text.start[i] < '0' || text.start[i] > '9' || ++digits > 3) {
            return SPAN_NONE;
        }
    }
    if (dots != 2 || !digits || !span_char(text.start[0], "245") || text.start[1] != '.')
        return SPAN_NONE;
    return text;
}

int maillog_is_here(struct span relay)
{
    const char *bracket = relay.length ? memrchr(relay.start, '[', relay.length) : NULL;
    struct span address;

    if (!bracket)
        return 0;
    address = span_from(relay, (size_t)(bracket + 1 - relay.start));
    if (span_starts(address, "IPv6:"))
        address = span_from(address, 5);
    return span_starts(address, "127.") || span_starts(address, "::1]") || span_starts(address, "0:0:0:0:0:0:0:1]") ||
           span_starts(address, "/") || span_starts(address, "private/") || span_starts(address, "public/");
}

/* Postfix and amavis; Sendmail; Exim; amavis. */
int maillog_is_queued(struct span reply)
{
    return span_find(reply, "queued as ") || span_find(reply, "accepted for delivery") || span_find(reply, "OK id=") ||
           span_find(reply, "Ok, discarded");
}

static int is_plain(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_atext(text.start[i]))
            return 0;
    return text.length > 0;
}

/* A quoted string of RFC 5321 4.1.2, from its first to its last byte. */
static int is_quoted(struct span text)
{
    size_t i = 1;

    if (text.length < 2 || *text.start != '"')
        return 0;
    while (i < text.length && text.start[i] != '"')
        i += 1 + (text.start[i] == '\\');
    return i == text.length - 1;
}

static void put(char *out, size_t *length_io, char c)
{
    if (*length_io < MAILLOG_RECIPIENT_SIZE) /* full: seen by the caller */
        out[(*length_io)++] = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
}

static int copy_recipient(struct span address, char recipient_r[MAILLOG_RECIPIENT_SIZE])
{
    const char *at = address.length ? memrchr(address.start, '@', address.length) : NULL;
    struct span local = at ? span_to(address, at) : address;
    int quote = local.length && !is_quoted(local) && !is_plain(local);
    size_t length = 0;

    if (quote)
        put(recipient_r, &length, '"');
    for (size_t i = 0; i < local.length; i++) {
        if (quote && (local.start[i] == '"' || local.start[i] == '\\'))
            put(recipient_r, &length, '\\');
        put(recipient_r, &length, local.start[i]);
    }
    if (quote)
        put(recipient_r, &length, '"');
    for (size_t i = local.length; i < address.length; i++)
        put(recipient_r, &length, address.start[i]);
    if (length == MAILLOG_RECIPIENT_SIZE)
        return 0;
    recipient_r[length] = '\0';
    return 1;
}

/* The end of a recipient in a list: the next comma outside of quotes. */
static const char *bare_end(struct span text)
{
    int quoted = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '\\' && quoted)
            i++;
        else if (text.start[i] == '"')
            quoted = !quoted;
        else if (text.start[i] == ',' && !quoted)
            return text.start + i;
    }
    return text.start + text.length;
}

/* Takes one of a list, and the comma behind it. */
static struct span take_listed(struct span *rest_io)
{
    struct span one = *rest_io;
    const char *end = *one.start == '<' ? maillog_address_end(one) : NULL;

    if (end) {
        *rest_io = span_from(one, (size_t)(end + 1 - one.start));
        one = span_from(span_to(one, end), 1);
    } else {
        end = bare_end(one);
        *rest_io = span_from(one, (size_t)(end - one.start));
        one = span_to(one, end);
    }
    *rest_io = span_from(*rest_io, rest_io->length && *rest_io->start == ',');
    return one;
}

int maillog_recipient(const struct maillog_line *line, struct span *rest_io,
                      char recipient_r[MAILLOG_RECIPIENT_SIZE])
{
    struct span one;

    while (rest_io->start) {
        one = *rest_io;
        if (line->list && one.length)
            one = take_listed(rest_io);
        if (!line->list || !rest_io->length)
            *rest_io = SPAN_NONE;
        if (copy_recipient(one, recipient_r))
            return 1;
    }
    return 0;
}

char *maillog_text(struct span text)
{
    char *copy = NULL;

    if (!text.start)
        return NULL;
    copy = xmalloc(text.length + 1);
    for (size_t i = 0; i < text.length; i++)
        copy[i] = ((unsigned char)text.start[i] < ' ' && text.start[i] != '\t') || text.start[i] == 0x7f
                      ? '?' : text.start[i];
    copy[text.length] = '\0';
    return copy;
}

void maillog_delivery(const struct maillog_line *line, const char *recipient, struct delivery *delivery_r)
{
    *delivery_r = (struct delivery){
        .recipient = xstrdup(recipient),
        .original_recipient = maillog_text(line->orig_to),
        .reply = maillog_text(line->reply),
        .status = maillog_text(line->status),
        .remote_mta = maillog_text(line->remote_mta),
        .time = line->time,
        .action = line->action,
    };
}

/* The next word of *rest_io and the space behind it. */
static int take_word(struct span *rest_io, struct span *word_r)
{
    const char *space = rest_io->length ? memchr(rest_io->start, ' ', rest_io->length) : NULL;

    if (!space || space == rest_io->start)
        return 0;
    *word_r = span_to(*rest_io, space);
    *rest_io = span_from(*rest_io, word_r->length + 1);
    return 1;
}

/* "<22>", which some daemons leave in the file. */
static void skip_priority(struct span *rest_io)
{
    size_t i = 1;

    if (!rest_io->length || *rest_io->start != '<')
        return;
    while (i < rest_io->length && i < 4 && rest_io->start[i] >= '0' && rest_io->start[i] <= '9')
        i++;
    if (i > 1 && i < rest_io->length && rest_io->start[i] == '>')
        *rest_io = span_from(*rest_io, i + 1);
}

/* "program[123]: " or "program: ", and the "[ID 197553 mail.info] " of Solaris. */
static int take_program(struct span *rest_io, struct span *program_r)
{
    struct span word;
    const char *bracket;

    if (!take_word(rest_io, &word) || !span_ends(word, ":"))
        return 0;
    word.length--;
    if ((bracket = memchr(word.start, '[', word.length)) && span_ends(word, "]"))
        word = span_to(word, bracket);
    *program_r = word;
    if (span_starts(*rest_io, "[ID ") && (bracket = span_find(*rest_io, "] ")))
        *rest_io = span_from(*rest_io, (size_t)(bracket + 2 - rest_io->start));
    return word.length > 0;
}

static int has_unprintable(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.start[i] < ' ' || text.start[i] == 0x7f || text.start[i] == '?')
            return 1;
    return 0;
}

static enum maillog_kind read_text(struct maillog_line *line)
{
    if (postfix_log_is(line->program))
        return postfix_log_read(line);
    if (sendmail_log_is(line->program))
        return sendmail_log_read(line);
    return MAILLOG_OTHER;
}

enum maillog_kind maillog_read(const char *line, size_t length, struct maillog_clock *clock,
                               struct maillog_line *line_r)
{
    struct span rest = {line, length < MAILLOG_LINE_MAX ? length : MAILLOG_LINE_MAX};
    enum maillog_kind kind;

    memset(line_r, 0, sizeof(*line_r));
    while (rest.length && span_char(rest.start[rest.length - 1], "\r\n"))
        rest.length--;
    skip_priority(&rest);
    if (!maillog_time(clock, &rest, &line_r->time) || !take_word(&rest, &line_r->host) ||
        !take_program(&rest, &line_r->program))
        return MAILLOG_OTHER;
    line_r->text = rest;
    line_r->doubtful = length > MAILLOG_LINE_MAX;
    kind = read_text(line_r);
    line_r->doubtful |= kind == MAILLOG_DELIVERY && has_unprintable(line_r->recipients);
    return kind;
}
