/* fingerprint: tokens of a reply, what varies among them folded. */
#include "config.h"

#include "classifier/fingerprint.h"

#include "base/hash.h"
#include "classifier/reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct piece {
    const char *at;
    size_t length;
};

/* What is written, and whether it ends with a number that the next may join. */
struct out {
    char *text;
    size_t length;
    size_t number; /* where the last number's placeholder begins */
    int joins;     /* nothing but separators has followed it */
    int full;
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* Part of a word, name or number; "." and "-" within one. */
static int is_inner(char c)
{
    return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '_';
}

static int is_hex(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* --- output -------------------------------------------------------------- */

static void put(struct out *out, const char *text, size_t length)
{
    if (out->full)
        return;
    if (length > FINGERPRINT_TEMPLATE_MAX - out->length) {
        out->full = 1;
        length = FINGERPRINT_TEMPLATE_MAX - out->length;
        if (*text == '<' || is_inner(*text))
            length = 0; /* no half placeholder, no half word */
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(out->text + out->length, text, length);
    out->length += length;
}

static void put_literal(struct out *out, struct piece piece)
{
    put(out, piece.at, piece.length);
    out->joins = 0;
}

static void put_placeholder(struct out *out, const char *name)
{
    put(out, name, strlen(name));
    out->joins = 0;
}

/* Numbers with only separators between them are one date. */
static void put_number(struct out *out)
{
    int joins = out->joins && !out->full;

    if (joins)
        out->length = out->number;
    else
        out->number = out->length;
    put_placeholder(out, joins ? "<date>" : "<n>");
    out->joins = !out->full;
}

static void put_separator(struct out *out, const char *c)
{
    int joins = out->joins && strchr(" ,:/.+-", *c);

    put(out, c, 1);
    out->joins = joins;
}

/* --- what a piece is ----------------------------------------------------- */

static int is_ip4(struct piece piece)
{
    size_t dots = 0, digits = 0, i;

    for (i = 0; i < piece.length; i++) {
        if (piece.at[i] == '.' && digits) {
            dots++;
            digits = 0;
        } else if (!is_digit(piece.at[i]) || ++digits > 3) {
            return 0;
        }
    }
    return dots == 3 && digits;
}

static int is_ip6(struct piece piece)
{
    size_t colons = 0, hex = 0, doubled = 0, i;

    if (piece.length < 3 || (piece.at[0] == ':' && piece.at[1] != ':'))
        return 0;
    for (i = 0; i < piece.length; i++) {
        if (piece.at[i] == ':') {
            colons++;
            doubled += i && piece.at[i - 1] == ':';
        } else if (is_hex(piece.at[i])) {
            hex++;
        } else if (piece.at[i] != '.') {
            return 0;
        }
    }
    return hex && (colons > 3 || (doubled && colons > 1));
}

/* Labels with letters in the last, which stands behind a dot. */
static int is_host(struct piece piece)
{
    const char *dot = memrchr(piece.at, '.', piece.length), *end = piece.at + piece.length, *c;

    if (!dot || dot == piece.at || end - dot < 3 || memmem(piece.at, piece.length, "..", 2))
        return 0;
    for (c = dot + 1; c < end; c++)
        if (!is_letter(*c) && !(*c == '-' || is_digit(*c)))
            return 0;
    return is_letter(dot[1]) && is_letter(dot[2]);
}

/* "5.7.1": says something, so it stays. */
static int is_status(struct piece piece)
{
    int class, subject, detail, end = 0;
    char text[12];

    if (piece.length >= sizeof(text))
        return 0;
    memcpy(text, piece.at, piece.length);
    text[piece.length] = '\0';
    return sscanf(text, "%1d.%3d.%3d%n", &class, &subject, &detail, &end) == 3 && !text[end] &&
           (class == 2 || class == 4 || class == 5) && !strpbrk(text, "+- ");
}

/* Also the two halves of "2026-11-23T10:15:07Z". */
static int is_number(struct piece piece)
{
    size_t i;

    for (i = 0; i < piece.length; i++)
        if (!is_digit(piece.at[i]) && (!i || !strchr(".-TZ", piece.at[i])))
            return 0;
    return piece.length > 0;
}

/* Letters and digits mixed as nobody writes them. Short ones ("S3140", "TSS04")
 * and those that begin with "RFC" are names of causes. */
static int is_id(struct piece piece)
{
    size_t digits = 0, changes = 0, i;

    for (i = 0; i < piece.length; i++) {
        digits += is_digit(piece.at[i]);
        changes += i && is_letter(piece.at[i]) && is_letter(piece.at[i - 1]) &&
                   (piece.at[i] & 32) != (piece.at[i - 1] & 32);
    }
    if (piece.length > 3 && !strncasecmp(piece.at, "RFC", 3))
        return 0;
    return (digits > 1 && piece.length > 5) || (piece.length > 11 && changes > 4);
}

/* A month or weekday beside a number. */
static int is_date_word(struct piece piece, const struct out *out, const char *end)
{
    static const char names[] = "jan feb mar apr may jun jul aug sep oct nov dec "
                                "mon tue wed thu fri sat sun ";
    const char *next = piece.at + piece.length, *name;

    if (piece.length != 3)
        return 0;
    while (next < end && strchr(" ,-", *next) && *next)
        next++;
    if (!out->joins && !(next < end && is_digit(*next)))
        return 0;
    for (name = names; *name; name += 4)
        if (!strncasecmp(name, piece.at, 3))
            return 1;
    return 0;
}

/* --- folding ------------------------------------------------------------- */

static int is_url(struct piece rest)
{
    return (rest.length > 8 && (!strncasecmp(rest.at, "https://", 8) || !strncasecmp(rest.at, "http://", 7))) ||
           (rest.length > 4 && !strncasecmp(rest.at, "www.", 4));
}

static size_t url_length(struct piece rest)
{
    size_t length = 0;

    while (length < rest.length && (unsigned char)rest.at[length] > ' ' &&
           !strchr("<>\"'()[]{}|,;", rest.at[length]))
        length++;
    while (length && strchr(".:!?", rest.at[length - 1]))
        length--;
    return length;
}

/* The run of c's that begins the rest, what closes a sentence taken off. */
static struct piece run_of(struct piece rest, int colons)
{
    struct piece run = {rest.at, 0};

    while (run.length < rest.length &&
           (is_inner(run.at[run.length]) || (colons && run.at[run.length] == ':')))
        run.length++;
    while (run.length && strchr(".-:", run.at[run.length - 1]))
        run.length--;
    return run;
}

static void put_piece(struct out *out, struct piece piece, const char *end)
{
    if (is_ip4(piece))
        put_placeholder(out, "<ip>");
    else if (is_status(piece))
        put_literal(out, piece);
    else if (is_number(piece) || is_date_word(piece, out, end))
        put_number(out);
    else if (is_host(piece))
        put_placeholder(out, "<host>");
    else if (is_id(piece))
        put_placeholder(out, "<id>");
    else
        put_literal(out, piece);
}

/* Takes one token off the rest; returns its length. */
static size_t fold_one(struct out *out, struct piece rest)
{
    struct piece wide, run;
    size_t length;

    if (*rest.at == '@' || (rest.length > 2 && !strncmp(rest.at, "<@>", 3))) {
        put_placeholder(out, "<address>");
        return *rest.at == '@' ? 1 : 3;
    }
    if (is_url(rest) && (length = url_length(rest))) {
        put_placeholder(out, "<url>");
        return length;
    }
    wide = run_of(rest, 1);
    if (wide.length && is_ip6(wide)) {
        put_placeholder(out, "<ip>");
        return wide.length;
    }
    run = run_of(rest, 0);
    if (!run.length) {
        put_separator(out, rest.at);
        return 1;
    }
    put_piece(out, run, rest.at + rest.length);
    return run.length;
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = HASH_OF_NOTHING;

    for (; *text; text++)
        hash = hash_byte(hash, (unsigned char)(*text >= 'A' && *text <= 'Z' ? *text | 32 : *text));
    return hash ? hash : 1;
}

static void put_head(struct out *out, const struct reply *reply)
{
    char head[32] = "";

    if (reply->code)
        snprintf(head, sizeof(head), "%d ", reply->code);
    if (*reply->status)
        snprintf(head + strlen(head), sizeof(head) - strlen(head), "%s ", reply->status);
    put(out, head, strlen(head));
}

void fingerprint(const char *text, size_t length, struct fingerprint *fingerprint_r)
{
    struct out out = {.text = fingerprint_r->template};
    struct reply reply;
    struct piece rest;
    size_t taken;

    reply_parse(text, length, &reply);
    put_head(&out, &reply);
    for (rest = (struct piece){reply.words, reply.length}; rest.length && !out.full;) {
        taken = fold_one(&out, rest);
        rest.at += taken;
        rest.length -= taken;
    }
    while (out.length && out.text[out.length - 1] == ' ')
        out.length--;
    out.text[out.length] = '\0';
    fingerprint_r->hash = hash_of(out.text);
}

/* --- for people who write rules ------------------------------------------ */

static const struct {
    const char *name, *pattern, *example;
} placeholders[] = {
    {"<address>", "<?@>?", "joe@example.com"},
    {"<host>", "[\\w.-]+", "mx.example.com"},
    {"<ip>", "[0-9a-f.:]+", "192.0.2.1"},
    {"<url>", "\\S+", "https://example.com/help"},
    {"<id>", "[\\w.-]+", "4XyZ12AbCd"},
    {"<n>", "[0-9.-]+", "7"},
    {"<date>", ".{1,60}", "23 Nov 2026 10:15:00"},
};

/* Index of the placeholder that begins the text, or -1. */
static int placeholder_at(const char *text)
{
    size_t i;

    for (i = 0; i < sizeof(placeholders) / sizeof(*placeholders); i++)
        if (!strncmp(text, placeholders[i].name, strlen(placeholders[i].name)))
            return (int)i;
    return -1;
}

static void append(char *out, size_t size, const char *text, size_t length)
{
    size_t used = strlen(out);

    if (length < size - used) {
        memcpy(out + used, text, length);
        out[used + length] = '\0';
    }
}

/* Where the words begin, behind code and status. */
static const char *words_of(const char *template)
{
    const char *at = template;
    size_t length;

    if (strlen(at) >= 3 && is_digit(at[0]) && is_digit(at[1]) && is_digit(at[2]) && (!at[3] || at[3] == ' '))
        at += at[3] ? 4 : 3;
    length = strcspn(at, " ");
    if (length && is_status((struct piece){at, length}))
        at += length + (at[length] == ' ');
    return at;
}

static void put_pattern_char(char *out, size_t size, char c)
{
    char escaped[2] = {'\\', c};

    if (c == '\'' || c == '"' || c == '\\' || c == '`')
        append(out, size, ".", 1); /* quoted in as many ways as there are servers */
    else if (strchr(".*+?()[]{}|^$", c))
        append(out, size, escaped, 2);
    else
        append(out, size, &c, 1);
}

void fingerprint_pattern(const struct fingerprint *fingerprint, char *pattern_r, size_t size)
{
    const char *at = words_of(fingerprint->template);

    *pattern_r = '\0';
    while (*at) {
        int found = placeholder_at(at);

        if (found >= 0) {
            append(pattern_r, size, placeholders[found].pattern, strlen(placeholders[found].pattern));
            at += strlen(placeholders[found].name);
        } else {
            put_pattern_char(pattern_r, size, *at++);
        }
    }
}

void fingerprint_example(const struct fingerprint *fingerprint, char *example_r, size_t size)
{
    const char *at = fingerprint->template;

    *example_r = '\0';
    while (*at) {
        int found = placeholder_at(at);

        if (found >= 0) {
            append(example_r, size, placeholders[found].example, strlen(placeholders[found].example));
            at += strlen(placeholders[found].name);
        } else {
            append(example_r, size, at++, 1);
        }
    }
}
