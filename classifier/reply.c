/* reply: code, status and words of a reply, made fit for matching. */
#include "config.h"

#include "classifier/reply.h"

#include "classifier/charset.h"
#include "classifier/unwrap.h"

#include <string.h>

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Control characters part words as the space does. */
static const unsigned char blank[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    [' '] = 1, [0x7f] = 1,
};

static int is_space(char c)
{
    return blank[(unsigned char)c];
}

static size_t left(struct span span)
{
    return (size_t)(span.end - span.at);
}

static void take_status(struct span span, size_t length, struct reply *reply)
{
    if (length >= sizeof(reply->status))
        return;
    memcpy(reply->status, span.at, length);
    reply->status[length] = 0;
}

/* Codes in running text count where they are introduced ("said: 550 ", "<<< 550 ",
 * "'550 ") or have an enhanced status beside them; other numbers are only numbers. */
static void find_code(struct span span, struct reply *reply)
{
    const char *start = span.at;

    for (; left(span) >= 3; span.at++) {
        struct span next = {span.at + 4, span.end};
        char before;
        int code;

        if ((*span.at & ~1) != '4') /* '4' or '5' */
            continue;
        before = span.at > start ? span.at[-1] : ':';
        if (is_digit(before) || before == '.')
            continue;
        code = span_code(span);
        if (!code)
            continue;
        if (before == ' ' && span.at - 1 > start)
            before = span.at[-2];
        if (strchr(":<'\"#(;", before) || (left(span) > 4 && span_status(next))) {
            reply->code = code;
            return;
        }
    }
}

/* The first enhanced status that does not contradict the code. */
static void find_status(struct span span, struct reply *reply)
{
    const char *start = span.at, *dot = span.at;

    while (dot < span.end && (dot = memchr(dot, '.', (size_t)(span.end - dot)))) {
        struct span at = {dot - 1, span.end};
        size_t length;

        dot++;
        if (at.at < start)
            continue;
        if (at.at > start && (is_digit(at.at[-1]) || at.at[-1] == '.' || at.at[-1] == '-'))
            continue;
        if (reply->code && *at.at - '0' != reply->code / 100)
            continue;
        length = span_status(at);
        if (length) {
            take_status(at, length, reply);
            return;
        }
    }
}

/* "550", "550-", "550 5.1.1" at the start. Returns 1 when more lines follow. */
static int take_head(struct span *span, struct reply *reply)
{
    size_t length;
    int hyphen;

    reply->code = span_code(*span);
    if (!reply->code)
        return 0;
    hyphen = left(*span) > 3 && span->at[3] == '-';
    span->at += left(*span) > 3 ? 4 : 3;
    while (span->at < span->end && (is_space(*span->at) || *span->at == '#' || *span->at == '\''))
        span->at++;
    length = span_status(*span);
    if (length)
        take_status(*span, length, reply);
    span->at += length;
    return hyphen;
}

/* Length of a repeated "550-5.1.1 " at a word's start, or 0: lines of one reply
 * that lost their line ends. A bare "550 " counts only behind a line end or
 * after a "550-", lest a number that happens to be the code is lost. */
static size_t repeated_head(struct span span, const struct reply *reply, int *hyphen, int newline)
{
    struct span next = {span.at + 4, span.end};
    size_t length;

    if (!is_digit(*span.at) || left(span) < 4 || span_code(span) != reply->code)
        return 0;
    length = span_status(next);
    if (span.at[3] == '-')
        *hyphen = 1;
    else if (span.at[3] != ' ' || (!length && !*hyphen && !newline))
        return 0;
    return 4 + length;
}

static void fold(struct span span, int hyphen, struct reply *reply)
{
    char *out = reply->words;
    int newline;

    while (span.at < span.end) {
        const char *word;
        size_t head;

        for (newline = 0; span.at < span.end && is_space(*span.at); span.at++)
            newline |= *span.at == '\n';
        if (span.at == span.end)
            break;
        head = reply->code ? repeated_head(span, reply, &hyphen, newline) : 0;
        if (head) {
            span.at += head;
            continue;
        }
        if (out > reply->words)
            *out++ = ' ';
        for (word = span.at; span.at < span.end && !blank[(unsigned char)*span.at]; span.at++)
            ;
        memcpy(out, word, (size_t)(span.at - word));
        out += span.at - word;
    }
    reply->length = (size_t)(out - reply->words);
}

static int is_local_part(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
           (c && strchr(".!#$%&*+/=?^_`{|}~-", c));
}

static int is_domain(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '.' || c == '-' || c == '_';
}

/* Where the local part that ends before `at` begins; not before `floor`. */
static const char *local_part(const char *floor, const char *at)
{
    const char *quote;

    if (at > floor && at[-1] == '"') {
        for (quote = at - 1; quote > floor && at - quote < 80; quote--)
            if (quote[-1] == '"')
                return quote - 1;
        return at;
    }
    while (at > floor && is_local_part(at[-1]))
        at--;
    return at;
}

static void mask_addresses(struct reply *reply)
{
    const char *at = reply->words, *end = at + reply->length, *sign;
    char *out = reply->words;

    while ((sign = memchr(at, '@', (size_t)(end - at)))) {
        const char *local = local_part(at, sign);

        memmove(out, at, (size_t)(local - at));
        out += local - at;
        *out++ = '@';
        for (at = sign + 1; at < end && is_domain(*at); at++)
            ;
        if (at > sign + 1 && at[-1] == '.')
            at--;
    }
    if (out != at) {
        memmove(out, at, (size_t)(end - at));
        out += end - at;
        reply->length = (size_t)(out - reply->words);
    }
}

/* "550 5.1.1 : words": what is left of a head is no word. */
static void trim(struct reply *reply)
{
    size_t skip = 0;

    while (skip < reply->length && strchr(" :-,;#", reply->words[skip]))
        skip++;
    if (skip) {
        reply->length -= skip;
        memmove(reply->words, reply->words + skip, reply->length);
    }
    reply->words[reply->length] = 0;
}

void reply_parse(const char *text, size_t length, struct reply *reply_r)
{
    char repaired[REPLY_TEXT_MAX];
    struct span span;
    int hyphen;

    if (length > REPLY_TEXT_MAX)
        length = REPLY_TEXT_MAX;
    if (length && !charset_is_plain(text, length)) {
        length = charset_repair(text, length, repaired, sizeof(repaired));
        text = repaired;
    }
    span.at = text;
    span.end = text + length;
    reply_r->code = 0;
    reply_r->status[0] = 0;
    reply_r->length = 0;
    reply_r->stage = unwrap(&span);
    hyphen = take_head(&span, reply_r);
    if (!reply_r->code)
        find_code(span, reply_r);
    if (!reply_r->status[0])
        find_status(span, reply_r);
    fold(span, hyphen, reply_r);
    mask_addresses(reply_r);
    trim(reply_r);
}
