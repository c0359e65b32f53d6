/* reply: code, status and words of a reply, made fit for matching. */
#include "config.h"

#include "classifier/reply.h"

#include "classifier/charset.h"
#include "classifier/eight.h"
#include "classifier/unwrap.h"

#include <string.h>

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Control characters part words as the space does. */
static int is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
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

/* The first '4' or '5' of the span, or its end. */
static const char *find_digit(struct span span)
{
    uint64_t found;

    for (; left(span) >= 8; span.at += 8)
        if ((found = eight_equal(eight_load(span.at) & ~EIGHT(1), '4')))
            return span.at + eight_first(found);
    while (span.at < span.end && (*span.at & ~1) != '4')
        span.at++;
    return span.at;
}

/* Codes in running text count where they are introduced ("said: 550 ", "<<< 550 ",
 * "'550 ") or have an enhanced status beside them; other numbers are only numbers. */
static void find_code(struct span span, struct reply *reply)
{
    const char *start = span.at;

    for (; (span.at = find_digit(span)) < span.end; span.at++) {
        char before = span.at > start ? span.at[-1] : ':';
        int code;

        if (is_digit(before) || before == '.' || !(code = span_code(span)))
            continue;
        if (before == ' ' && span.at - 1 > start)
            before = span.at[-2];
        if (strchr(":<'\"#(;", before) ||
            (left(span) > 4 && span_status((struct span){span.at + 4, span.end}))) {
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

    if (left(span) < 4 || !is_digit(*span.at) || span_code(span) != reply->code)
        return 0;
    length = span_status(next);
    if (span.at[3] == '-')
        *hyphen = 1;
    else if (span.at[3] != ' ' || (!length && !*hyphen && !newline))
        return 0;
    return 4 + length;
}

/* Are these eight bytes words with single spaces between them? */
static int is_folded(uint64_t eight)
{
    uint64_t spaces = eight_equal(eight, ' ');

    return !(eight_below(eight, ' ') | eight_equal(eight, 0x7f) | (spaces & spaces << 8));
}

/* Copies the line's words; white space and control characters become single spaces. */
static char *fold_line(struct span line, char *out)
{
    char before = ' ';

    while (line.at < line.end) {
        char c = is_space(*line.at) ? ' ' : *line.at;

        if (left(line) >= 8 && (c != ' ' || before != ' ') && is_folded(eight_load(line.at))) {
            memcpy(out, line.at, 8);
            line.at += 8;
            out += 8;
            before = out[-1];
            continue;
        }
        *out = c;
        out += c != ' ' || before != ' ';
        before = c;
        line.at++;
    }
    return out;
}

/* A text without control characters and without two spaces in a row. */
static void copy(struct span span, struct reply *reply)
{
    span.at += left(span) && *span.at == ' ';
    span.end -= left(span) && span.end[-1] == ' ';
    reply->length = left(span);
    memcpy(reply->words, span.at, reply->length);
}

/* Line by line: the code is taken off each. */
static void fold(struct span span, int *hyphen, struct reply *reply)
{
    char *out = reply->words;

    while (span.at < span.end) {
        const char *end = memchr(span.at, '\n', left(span));
        struct span line = {span.at, end ? end : span.end};

        span.at = end ? end + 1 : span.end;
        while (line.at < line.end && is_space(*line.at))
            line.at++;
        if (reply->code && out > reply->words)
            line.at += repeated_head(line, reply, hyphen, 1);
        if (out > reply->words && out[-1] != ' ')
            *out++ = ' ';
        out = fold_line(line, out);
    }
    if (out > reply->words && out[-1] == ' ')
        out--;
    reply->length = (size_t)(out - reply->words);
}

/* Do its digits stand anywhere in the words? */
static int holds_code(struct reply *reply)
{
    const unsigned char first = (unsigned char)('0' + reply->code / 100);
    const unsigned char second = (unsigned char)('0' + reply->code / 10 % 10);
    const unsigned char third = (unsigned char)('0' + reply->code % 10);
    sixteen found = {0};
    size_t i;

    memset(reply->words + reply->length, 0, 32); /* behind the words, where the loop may look */
    for (i = 0; i < reply->length; i += sizeof(found))
        found |= (sixteen)(sixteen_load(reply->words + i) == first) &
                 (sixteen)(sixteen_load(reply->words + i + 1) == second) &
                 (sixteen)(sixteen_load(reply->words + i + 2) == third);
    return sixteen_any(found);
}

/* Lines that lost their ends: takes off what is left of their heads. */
static void drop_heads(struct reply *reply, int hyphen)
{
    const char first = (char)('0' + reply->code / 100), *end = reply->words + reply->length;
    const char *from = reply->words, *at = from;
    char *out = reply->words;
    size_t head;

    while (at < end && (at = memchr(at, first, (size_t)(end - at)))) {
        struct span rest = {at++, end};

        if (rest.at > reply->words && rest.at[-1] != ' ')
            continue;
        if (!(head = repeated_head(rest, reply, &hyphen, 0)))
            continue;
        memmove(out, from, (size_t)(rest.at - from));
        out += rest.at - from;
        from = rest.at + head;
        from += from < end && *from == ' ';
        at = from;
    }
    if (out == reply->words && from == out)
        return;
    memmove(out, from, (size_t)(end - from));
    reply->length = (size_t)(out + (end - from) - reply->words);
    if (reply->length && reply->words[reply->length - 1] == ' ')
        reply->length--;
}

/* RFC 5321 section 4.1.2: atext and the dot. */
static int is_local_part(char c)
{
    static const unsigned char marks[128] = {
        ['.'] = 1, ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['*'] = 1,
        ['+'] = 1, ['/'] = 1, ['='] = 1, ['?'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1,
        ['{'] = 1, ['|'] = 1, ['}'] = 1, ['~'] = 1, ['-'] = 1,
    };

    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
           ((unsigned char)c < sizeof(marks) && marks[(unsigned char)c]);
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

    while (skip < reply->length && reply->words[skip] < '<' && strchr(" :-,;#", reply->words[skip]))
        skip++;
    if (skip) {
        reply->length -= skip;
        memmove(reply->words, reply->words + skip, reply->length);
    }
    reply->words[reply->length] = 0;
}

/* Which bytes there are in a text that few texts have: so most need not look for them. */
struct traits {
    int high, control, dollar, at, paren, semicolon, spaces; /* spaces: two in a row */
};

/* Looks at the byte behind them as well. */
static void survey_sixteen(const char *text, sixteen found[7])
{
    sixteen bytes = sixteen_load(text);

    found[0] |= bytes & 0x80;
    found[1] |= (sixteen)(bytes < 0x20) | (sixteen)(bytes == 0x7f);
    found[2] |= (sixteen)(bytes == '$');
    found[3] |= (sixteen)(bytes == '@');
    found[4] |= (sixteen)(bytes == '(');
    found[5] |= (sixteen)(bytes == ';');
    found[6] |= (sixteen)(bytes == ' ') & (sixteen)(sixteen_load(text + 1) == ' ');
}

static struct traits survey(const char *text, size_t length)
{
    sixteen found[7] = {{0}};
    char rest[17];
    size_t i;

    for (i = 0; length - i >= sizeof(rest); i += sizeof(rest) - 1)
        survey_sixteen(text + i, found);
    memset(rest, 'x', sizeof(rest));
    memcpy(rest, text + i, length - i);
    survey_sixteen(rest, found);
    return (struct traits){sixteen_any(found[0]), sixteen_any(found[1]), sixteen_any(found[2]),
                           sixteen_any(found[3]), sixteen_any(found[4]), sixteen_any(found[5]),
                           sixteen_any(found[6])};
}

void reply_parse(const char *text, size_t length, struct reply *reply_r)
{
    char repaired[REPLY_TEXT_MAX];
    struct traits traits;
    struct span span;
    int hyphen;

    if (length > REPLY_TEXT_MAX)
        length = REPLY_TEXT_MAX;
    traits = survey(text, length);
    if ((traits.high || traits.control || traits.dollar) && !charset_is_good(text, length)) {
        length = charset_repair(text, length, repaired, sizeof(repaired));
        text = repaired;
        traits = survey(text, length);
    }
    span.at = text;
    span.end = text + length;
    reply_r->code = 0;
    reply_r->status[0] = 0;
    reply_r->length = 0;
    reply_r->stage = unwrap(&span, traits.paren, traits.semicolon);
    hyphen = take_head(&span, reply_r);
    if (!reply_r->code)
        find_code(span, reply_r);
    if (!reply_r->status[0])
        find_status(span, reply_r);
    if (traits.control || traits.spaces)
        fold(span, &hyphen, reply_r);
    else
        copy(span, reply_r);
    if (reply_r->code && holds_code(reply_r))
        drop_heads(reply_r, hyphen);
    if (traits.at)
        mask_addresses(reply_r);
    trim(reply_r);
}
