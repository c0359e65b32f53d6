/* See veil.h. */
#include "config.h"

#include "daemon/ledger/veil.h"

#include "base/mem.h"
#include "daemon/report/address.h"

#include <assert.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGEST 16 /* octets of a token that stand for the address ... */
#define CHECK 4   /* ... and that tell that it is one */
#define WORD_MIN 3
#define LITERAL "0123456789ABCDEFabcdefIPv:.-"

enum state { OPEN, CLOSED, LOCKED };

struct veil {
    enum state state;
    struct hmac start; /* the key, taken in */
    int strict;
    char *reason;
    /* The last address: it is often asked for several times in a row. */
    char last[ADDRESS_SIZE], last_hidden[VEIL_TOKEN_LENGTH + ADDRESS_SIZE];
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

/* What else replies call a recipient: nobody is known by these. */
static const char *const common[] = {
    "account", "address", "domain", "email", "host", "mail", "mailbox", "message", "name", "recipient", "server",
    "unknown", "user",
};

/* ------------------------------------------------------------------ tokens */

static void digest(const struct veil *veil, const char *purpose, const void *bytes, size_t length,
                   unsigned char digest_r[HMAC_SIZE])
{
    struct hmac hmac = veil->start;

    hmac_add_text(&hmac, purpose);
    hmac_add(&hmac, bytes, length);
    hmac_end(&hmac, digest_r);
}

/* 20 octets as 32 letters: eight for each five. */
static void encode(const unsigned char bytes[DIGEST + CHECK], char token_r[VEIL_TOKEN_LENGTH])
{
    for (int i = 0; i < VEIL_TOKEN_LENGTH; i++) {
        int bit = 5 * i, at = bit / 8, shift = 11 - bit % 8;
        unsigned two = (unsigned)bytes[at] << 8 | (at + 1 < DIGEST + CHECK ? bytes[at + 1] : 0);

        token_r[i] = letters[two >> shift & 31];
    }
}

static int decode(const char *token, unsigned char bytes_r[DIGEST + CHECK])
{
    memset(bytes_r, 0, DIGEST + CHECK);
    for (int i = 0; i < VEIL_TOKEN_LENGTH; i++) {
        const char *letter = token[i] ? strchr(letters, token[i]) : NULL;
        int bit = 5 * i, at = bit / 8, shift = 11 - bit % 8;
        unsigned two;

        if (!letter)
            return 0;
        two = (unsigned)(letter - letters) << shift;
        bytes_r[at] |= (unsigned char)(two >> 8);
        if (at + 1 < DIGEST + CHECK)
            bytes_r[at + 1] |= (unsigned char)two;
    }
    return 1;
}

static int is_token(const struct veil *veil, const char *local, size_t length)
{
    unsigned char bytes[DIGEST + CHECK], check[HMAC_SIZE];

    if (length != VEIL_TOKEN_LENGTH || !decode(local, bytes))
        return 0;
    digest(veil, "token", bytes, DIGEST, check);
    return hmac_equal(check, bytes + DIGEST, CHECK);
}

static void make_token(const struct veil *veil, const char *address, char token_r[VEIL_TOKEN_LENGTH])
{
    unsigned char bytes[HMAC_SIZE], check[HMAC_SIZE];

    digest(veil, "address", address, strlen(address), bytes);
    digest(veil, "token", bytes, DIGEST, check);
    memcpy(bytes + DIGEST, check, CHECK);
    encode(bytes, token_r);
}

/* What looks like an address and is none is hidden all the same: by its bytes. */
static void hide_address(const struct veil *veil, const char *local, size_t length, const char *domain,
                         size_t domain_length, GString *out)
{
    char *text = xasprintf("%.*s@%.*s", (int)length, local, (int)domain_length, domain), token[VEIL_TOKEN_LENGTH];
    char *nobody = xasprintf("x%s", text + length);
    const char *behind = text + length;
    struct address address;
    struct error ignored;
    int is_address = !address_parse(text, strlen(text), veil->strict, &address, &ignored);

    if (is_token(veil, local, length))
        memcpy(token, local, VEIL_TOKEN_LENGTH);
    else
        make_token(veil, is_address ? address.key : text, token);
    if (is_address || !address_parse(nobody, strlen(nobody), veil->strict, &address, &ignored))
        behind = address.key + address.domain - 1;
    g_string_append_len(out, token, VEIL_TOKEN_LENGTH);
    g_string_append(out, behind);
    free(nobody);
    free(text);
}

/* ------------------------------------------------------------------- texts */

static int is_local(char c)
{
    return (c & 0x80) || g_ascii_isalnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static int is_domain(char c)
{
    return (c & 0x80) || g_ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
}

/* The next "@", also as a URL writes it; NULL: there is none. */
static const char *next_mark(const char *text, size_t *length_r)
{
    const char *at = strchr(text, '@'), *encoded = strstr(text, "%40");

    *length_r = encoded && (!at || encoded < at) ? 3 : 1;
    return *length_r == 3 ? encoded : at;
}

/* Where the local part begins that ends here; no further back than from. */
static const char *begin_of_local(const char *from, const char *end)
{
    const char *start = end;

    if (end - from >= 2 && end[-1] == '"') {
        for (start = end - 2; start > from && (*start != '"' || start[-1] == '\\'); start--)
            ;
        if (*start != '"')
            start = end;
    }
    while (start > from && is_local(start[-1]))
        start--;
    while (start < end && strchr("'`.", *start)) /* quotes of the sentence around it */
        start++;
    return start;
}

static const char *end_of_domain(const char *start)
{
    const char *end = start;

    if (*start == '[') { /* an address literal, RFC 5321 4.1.3 */
        end += 1 + strspn(start + 1, LITERAL);
        return *end == ']' ? end + 1 : start;
    }
    while (is_domain(*end))
        end++;
    while (end > start && end[-1] == '.') /* the sentence's */
        end--;
    return end;
}

static char *hide_all(const struct veil *veil, const char *text)
{
    GString *out = g_string_new(NULL);
    const char *at = text, *mark, *local, *domain, *end;
    int after_address = 0;
    size_t length;
    char *hidden;

    while ((mark = next_mark(at, &length))) {
        local = begin_of_local(at, mark);
        domain = mark + length;
        end = end_of_domain(domain);
        if (local == mark) {
            g_string_append_len(out, at, domain - at);
            at = domain;
            after_address = 0;
            continue;
        }
        g_string_append_len(out, at, local - at);
        if (after_address && strspn(at, ".") >= (size_t)(local - at)) /* "a@b=c@d": the token would lengthen b */
            g_string_append_c(out, ' ');
        hide_address(veil, local, (size_t)(mark - local), domain, (size_t)(end - domain), out);
        at = end;
        after_address = 1;
    }
    g_string_append(out, at);
    hidden = xstrdup(out->str);
    g_string_free(out, TRUE);
    return hidden;
}

/* Whether it may be a compared form: that holds another "@" in quotes only, and
 * nothing around it that address_parse would take off; and is not yet hidden. */
static int may_be_key(const struct veil *veil, const char *text)
{
    const char *at = strrchr(text, '@'), *local = at ? begin_of_local(text, at) : NULL;

    if (!at || is_token(veil, local, (size_t)(at - local)))
        return 0;
    if (*text == '"')
        return at[-1] == '"';
    return strchr("<@", *text) == NULL && !strpbrk(text, " \t\r\n") && text[strlen(text) - 1] != '.' &&
           at == strchr(text, '@');
}

/* A compared form is one address, with whatever it holds in quotes. */
static char *hide(const struct veil *veil, const char *text)
{
    char *valid = g_utf8_make_valid(text, -1), *hidden; /* lest it parses differently once the broken part is hidden */
    struct address address;
    struct error ignored;
    GString *out;

    if (!may_be_key(veil, valid) || address_parse(valid, strlen(valid), veil->strict, &address, &ignored)) {
        hidden = hide_all(veil, valid);
    } else {
        out = g_string_new(NULL);
        hide_address(veil, address.key, address.domain - 1, address.key + address.domain,
                     strlen(address.key + address.domain), out);
        hidden = xstrdup(out->str);
        g_string_free(out, TRUE);
    }
    g_free(valid);
    return hidden;
}

/* Whether there is anything to hide but domains, "@example.com". */
static int may_name(const char *text)
{
    size_t length;
    const char *mark = next_mark(text, &length);

    return mark && (mark > text || next_mark(mark + length, &length));
}

static int refuse(const struct veil *veil, struct error *error)
{
    return error_set(error, ERROR_ENVIRONMENT, "addresses are hashed, and the key is needed to tell one: %s",
                     veil->reason);
}

int veil_text(struct veil *veil, const char *text, char **hidden_r, struct error *error)
{
    if (veil->state == OPEN || !may_name(text))
        return 0;
    if (veil->state == LOCKED)
        return refuse(veil, error);
    if (!strcmp(text, veil->last)) {
        *hidden_r = xstrdup(veil->last_hidden);
        return 1;
    }
    *hidden_r = hide(veil, text);
    if (strlen(text) < sizeof(veil->last) && strlen(*hidden_r) < sizeof(veil->last_hidden)) {
        strcpy(veil->last, text);
        strcpy(veil->last_hidden, *hidden_r);
    }
    return 1;
}

/* ----------------------------------------------------- what is told of one */

/* Nor by three digits, which may be a reply's code. */
static int is_common(const char *word, size_t length)
{
    if (length == 3 && strspn(word, "0123456789") >= 3)
        return 1;
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        if (strlen(common[i]) == length && !strncasecmp(common[i], word, length))
            return 1;
    return 0;
}

static int goes_on(char c)
{
    return (c & 0x80) || g_ascii_isalnum(c);
}

/* Puts token in place of word wherever it stands by itself and not in front of an "@". */
static char *hide_word(const char *text, const char *word, size_t length, const char token[VEIL_TOKEN_LENGTH])
{
    GString *out = g_string_new(NULL);
    const char *at = text;
    char *hidden;

    while (*at) {
        int begins = at == text || !goes_on(at[-1]);

        if (begins && !strncasecmp(at, word, length) && !goes_on(at[length])) {
            g_string_append_len(out, token, VEIL_TOKEN_LENGTH);
            at += length;
        } else {
            g_string_append_c(out, *at++);
        }
    }
    hidden = xstrdup(out->str);
    g_string_free(out, TRUE);
    return hidden;
}

static void hide_part(const struct veil *veil, const char *word, size_t length, const char token[VEIL_TOKEN_LENGTH],
                      char **text_io)
{
    char *hidden;

    if (length < WORD_MIN || is_common(word, length) || is_token(veil, word, length))
        return;
    hidden = hide_word(*text_io, word, length, token);
    free(*text_io);
    *text_io = hidden;
}

/* The words as a server would write them: without the quotes of the compared form. */
static void hide_local(const struct veil *veil, const char *key, char **text_io)
{
    const char *local = key, *at = strrchr(key, '@'), *plus;
    size_t length = at ? (size_t)(at - key) : 0;
    char token[VEIL_TOKEN_LENGTH];

    if (length > 2 && key[0] == '"')
        local++, length -= 2;
    make_token(veil, key, token);
    hide_part(veil, local, length, token, text_io);
    if ((plus = memchr(local, '+', length)))
        hide_part(veil, local, (size_t)(plus - local), token, text_io);
}

int veil_told(struct veil *veil, const char *text, const char *key, char **hidden_r, struct error *error)
{
    int hidden;

    if (!text || veil->state == OPEN)
        return 0;
    if (veil->state == LOCKED)
        return refuse(veil, error);
    if ((hidden = veil_text(veil, text, hidden_r, error)) < 0)
        return -1;
    if (!hidden)
        *hidden_r = xstrdup(text);
    hide_local(veil, key, hidden_r);
    return 1;
}

/* ------------------------------------------------------------ the veil itself */

uint64_t veil_number(const struct veil *veil, uint64_t hash)
{
    unsigned char bytes[8], out[HMAC_SIZE];
    uint64_t number = 0;

    assert(veil->state != LOCKED); /* who writes has the key */
    if (veil->state == OPEN)
        return hash;
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(hash >> (56 - 8 * i));
    digest(veil, "number", bytes, sizeof(bytes), out);
    for (int i = 0; i < 8; i++)
        number = number << 8 | out[i];
    return number;
}

void veil_check(const struct veil *veil, char check_r[VEIL_CHECK_SIZE])
{
    unsigned char bytes[HMAC_SIZE];

    digest(veil, "database", "", 0, bytes);
    for (int i = 0; i < (VEIL_CHECK_SIZE - 1) / 2; i++)
        snprintf(check_r + 2 * i, 3, "%02x", bytes[i]);
}

int veil_is_closed(const struct veil *veil)
{
    return veil->state != OPEN;
}

void veil_close(struct veil *veil, const unsigned char key[HMAC_KEY_SIZE], int strict)
{
    hmac_begin(&veil->start, key);
    veil->strict = strict;
    veil->state = CLOSED;
    veil->last[0] = '\0';
}

void veil_lock(struct veil *veil, const char *reason)
{
    free(veil->reason);
    veil->reason = xstrdup(reason);
    veil->state = LOCKED;
}

struct veil *veil_new(void)
{
    return xcalloc(1, sizeof(struct veil));
}

void veil_free(struct veil **veil)
{
    struct veil *old = *veil;

    *veil = NULL;
    if (!old)
        return;
    free(old->reason);
    explicit_bzero(old, sizeof(*old));
    free(old);
}
