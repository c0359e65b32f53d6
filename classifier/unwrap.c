/* unwrap: the wrappings of Postfix, Exim, Sendmail and Diagnostic-Code. */
#include "config.h"

#include "classifier/unwrap.h"

#include <string.h>
#include <strings.h>

static size_t left(struct span span)
{
    return (size_t)(span.end - span.at);
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Looks for the byte first that is rarer in texts: a closing ":" or "=", or the first one. */
static const char *find(struct span span, const char *needle)
{
    size_t length = strlen(needle), key = strchr(":=", needle[length - 1]) ? length - 1 : 0;
    const char *at = span.at + key;

    if (left(span) < length)
        return NULL;
    while ((at = memchr(at, needle[key], (size_t)(span.end - at) - (length - 1 - key)))) {
        if (!memcmp(at - key, needle, length))
            return at - key;
        at++;
        if ((size_t)(span.end - at) < length - key)
            break;
    }
    return NULL;
}

static int starts(struct span span, const char *prefix)
{
    size_t length = strlen(prefix);

    return left(span) >= length && !strncasecmp(span.at, prefix, length);
}

static void skip_space(struct span *span)
{
    while (span->at < span->end && (*span->at == ' ' || (*span->at >= '\t' && *span->at <= '\r')))
        span->at++;
}

static int ends_code(char c)
{
    return c == ':' || c == '\t' || c == '\r' || c == '\n';
}

int span_code(struct span span)
{
    if (left(span) < 3 || (*span.at != '2' && *span.at != '4' && *span.at != '5') ||
        !is_digit(span.at[1]) || !is_digit(span.at[2]))
        return 0;
    if (left(span) > 3 && span.at[3] != ' ' && span.at[3] != '-' && !ends_code(span.at[3]))
        return 0;
    return (span.at[0] - '0') * 100 + (span.at[1] - '0') * 10 + span.at[2] - '0';
}

/* RFC 3463: class, subject and detail of one to three digits. A fourth number
 * makes it an IP address. */
size_t span_status(struct span span)
{
    size_t i = 1, part, digits;

    if (left(span) < 5 || (*span.at != '2' && *span.at != '4' && *span.at != '5'))
        return 0;
    for (part = 0; part < 2; part++) {
        if (i >= left(span) || span.at[i++] != '.')
            return 0;
        for (digits = 0; i < left(span) && is_digit(span.at[i]); digits++)
            i++;
        if (digits < 1 || digits > 3)
            return 0;
    }
    if (i + 1 < left(span) && span.at[i] == '.' && is_digit(span.at[i + 1]))
        return 0;
    return i;
}

/* "smtp; 550 ..." (RFC 3464 section 2.3.6): the type is of no use here. */
static void drop_diagnostic_type(struct span *span)
{
    static const char *const types[] = {"smtp;", "lmtp;", "x-unix;", "x-postfix;", "x400;",
                                        "x-mpop-fallback_mx;", "dns;", "unix;"};
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (starts(*span, types[i])) {
            span->at += strlen(types[i]);
            skip_space(span);
            return;
        }
    }
}

static const struct {
    const char *words;
    enum stage stage;
} stages[] = {
    {"RCPT", STAGE_RCPT},
    {"MAIL", STAGE_MAIL},
    {"end of", STAGE_EOM},
    {"DATA", STAGE_DATA},
    {"BDAT", STAGE_EOM},
    {"TEXT", STAGE_EOM},
    {"sending data block", STAGE_EOM},
    {"message", STAGE_EOM},
    {"initial connection", STAGE_CONNECT},
    {"EHLO", STAGE_HELO},
    {"HELO", STAGE_HELO},
    {"LHLO", STAGE_HELO},
    {"AUTH", STAGE_AUTH},
    {"STARTTLS", STAGE_TLS},
};

static enum stage stage_at(struct span span)
{
    size_t i;

    if (starts(span, "pipelined "))
        span.at += strlen("pipelined ");
    if (starts(span, "sending "))
        span.at += strlen("sending ");
    for (i = 0; i < sizeof(stages) / sizeof(*stages); i++)
        if (starts(span, stages[i].words))
            return stages[i].stage;
    return STAGE_UNKNOWN;
}

/* Postfix closes with "(in reply to RCPT TO command)". */
static enum stage drop_in_reply_to(struct span *span)
{
    static const char words[] = "(in reply to ";
    struct span rest = *span;

    while ((rest.at = memchr(rest.at, '(', left(rest)))) { /* most texts have none */
        if (left(rest) >= sizeof(words) - 1 && !memcmp(rest.at, words, sizeof(words) - 1)) {
            span->end = rest.at;
            rest.at += sizeof(words) - 1;
            return stage_at(rest);
        }
        rest.at++;
    }
    return STAGE_UNKNOWN;
}

/* What the map delivery-status of suppressd has appended: "(suppressd: ip-reputation, was 5.7.1)". */
static void drop_appended(struct span *span)
{
    static const char words[] = " (suppressd: ";
    const char *at;

    if (left(*span) < sizeof(words) || span->end[-1] != ')')
        return;
    at = memrchr(span->at, '(', left(*span));
    if (at && at > span->at && (size_t)(span->end - at) > sizeof(words) - 2 && !memcmp(at - 1, words, sizeof(words) - 1))
        span->end = at - 1;
}

/* The first ": 550 " behind a wrapping. */
static int to_code(struct span *span)
{
    const char *at = span->at;

    while ((at = memchr(at, ':', (size_t)(span->end - at)))) {
        struct span rest = {++at, span->end};

        skip_space(&rest);
        if (span_code(rest)) {
            span->at = rest.at;
            return 1;
        }
    }
    return 0;
}

static int to_words_after(struct span *span, const char *marker)
{
    const char *found = find(*span, marker);

    if (!found)
        return 0;
    span->at = found + strlen(marker);
    skip_space(span);
    return 1;
}

/* "SMTP error from remote mail server after RCPT TO:<..>: host x [ip]: 550 ...",
 * or the host first; "for TEXT command, host: x (ip) reason: 550 ...". */
static enum stage unwrap_exim(struct span *span, const char *found)
{
    struct span rest = {found, span->end};
    enum stage stage = STAGE_UNKNOWN;

    if (to_words_after(&rest, " after ") || to_words_after(&rest, " for "))
        stage = stage_at(rest);
    rest.at = found;
    if (to_code(&rest))
        *span = rest;
    return stage;
}

/* "to=<..>, dsn=5.1.1, stat=User unknown", with "reply=550 ..." in newer ones. */
static void unwrap_sendmail(struct span *span)
{
    const char *end = span->end;

    if (to_words_after(span, "reply=")) {
        const char *next = find(*span, ", stat=");

        span->end = next ? next : end;
        return;
    }
    if (starts(*span, "stat=") || find(*span, ", stat="))
        (void)to_words_after(span, "stat=");
}

static enum stage unwrap_postfix(struct span *span)
{
    static const char refused[] = "refused to talk to me:";

    if (to_words_after(span, refused))
        return STAGE_CONNECT;
    if (starts(*span, "host ") || find(*span, "]:25: host ") || find(*span, ": host "))
        (void)to_words_after(span, " said:");
    return STAGE_UNKNOWN;
}

/* IronPort: "5.1.0 - Unknown address error 550-'5.7.1 ...' (delivery attempts: 0)".
 * The words before the code are the class that it sorted the reply into. */
static void unwrap_ironport(struct span *span)
{
    struct span rest = *span;
    size_t status = span_status(rest);
    const char *quote;

    rest.at += status;
    if (!status || !starts(rest, " - ") || !(quote = memchr(rest.at, '\'', left(rest))))
        return;
    if (quote - rest.at < 7)
        return;
    rest.at = quote - 4;
    if (!span_code(rest))
        return;
    span->at = rest.at;
    if ((quote = find(rest, "' (delivery attempts")))
        span->end = quote;
}

/* Google's letters: what follows is the other server's word. */
static int unwrap_letter(struct span *span)
{
    return to_words_after(span, "other server returned was:") ||
           to_words_after(span, "response from the remote server was:");
}

enum stage unwrap(struct span *span, int has_paren, int has_semicolon)
{
    enum stage stage;
    const char *found;

    skip_space(span);
    if (has_semicolon)
        drop_diagnostic_type(span);
    if (has_paren)
        drop_appended(span);
    stage = has_paren ? drop_in_reply_to(span) : STAGE_UNKNOWN;
    if (span_code(*span))
        return stage;
    /* Each wrapping below ends with one of these; most prose has neither. */
    if (!memchr(span->at, ':', left(*span)) && !memchr(span->at, '=', left(*span)) &&
        !memchr(span->at, '\'', left(*span)))
        return stage;
    if ((found = find(*span, "SMTP error from remote"))) {
        enum stage exim = unwrap_exim(span, found);

        return stage ? stage : exim;
    }
    unwrap_ironport(span);
    if (unwrap_letter(span))
        return stage;
    if (find(*span, "stat=")) {
        unwrap_sendmail(span);
    } else {
        enum stage postfix = unwrap_postfix(span);

        stage = stage ? stage : postfix;
    }
    return stage;
}
