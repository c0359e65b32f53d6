/* See tag.h. */
#include "config.h"

#include "daemon/tag.h"

#include "base/hmac.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MARK "p0"
#define DAY_LETTERS 2
#define PART_LETTERS 8 /* 40 bits */
#define DAYS 1024
#define DAY 86400

enum { AT_DAY = 2, AT_SET = AT_DAY + DAY_LETTERS, AT_SEAL = AT_SET + PART_LETTERS };

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int letter_value(char c)
{
    const char *at = c ? strchr(letters, lower(c)) : NULL;

    return at ? (int)(at - letters) : -1;
}

static void put_number(uint64_t number, size_t count, char *text_r)
{
    while (count--) {
        text_r[count] = letters[number & 31];
        number >>= 5;
    }
}

static uint64_t get_number(const char *text, size_t count)
{
    uint64_t number = 0;

    while (count--)
        number = number << 5 | (uint64_t)letter_value(*text++);
    return number;
}

/* The first 40 bits of the digest as letters. */
static void end_part(struct hmac *hmac, char text_r[PART_LETTERS])
{
    unsigned char digest[HMAC_SIZE];
    uint64_t number = 0;

    hmac_end(hmac, digest);
    for (size_t i = 0; i < PART_LETTERS * 5 / 8; i++)
        number = number << 8 | digest[i];
    put_number(number, PART_LETTERS, text_r);
}

/* kind keeps the two uses of the key apart. */
static void begin_part(struct hmac *hmac, const struct key *key, const char *kind, int64_t day, const char *sender)
{
    char text[32];

    hmac_begin(hmac, key->bytes);
    hmac_add_text(hmac, kind);
    snprintf(text, sizeof(text), "%lld", (long long)day);
    hmac_add_text(hmac, text);
    hmac_add_text(hmac, sender);
}

static void make_set(const struct key *key, int64_t day, const char *sender, char *const *recipients, size_t count,
                     size_t others, char text_r[PART_LETTERS])
{
    struct hmac hmac;
    char total[32];

    begin_part(&hmac, key, "recipients", day, sender);
    snprintf(total, sizeof(total), "%zu", count + others);
    hmac_add_text(&hmac, total);
    for (size_t i = 0; i < count; i++)
        hmac_add_text(&hmac, recipients[i]);
    end_part(&hmac, text_r);
}

static void make_seal(const struct key *key, int64_t day, const char *sender, const char *set, char text_r[PART_LETTERS])
{
    struct hmac hmac;

    begin_part(&hmac, key, "seal", day, sender);
    hmac_add(&hmac, set, PART_LETTERS);
    end_part(&hmac, text_r);
}

int tag_by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A local part that can stand in front of a delimiter as it is. */
static int is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr("\"\\<>@", text[i]))
            return 0;
    return length > 0;
}

int tag_write(const struct keys *keys, const char *sender, char *const *recipients, size_t count, size_t others,
              int64_t now, char delimiter, char tagged_r[ADDRESS_SIZE])
{
    const char *at = strrchr(sender, '@');
    size_t local = at ? (size_t)(at - sender) : 0;
    int64_t day = now / DAY;
    struct tag known;
    char text[TAG_LENGTH + 1] = MARK, signed_as[ADDRESS_SIZE];

    if (!keys->count || !is_plain(sender, local) || local + 1 + TAG_LENGTH > ADDRESS_LOCAL_MAX ||
        strlen(at + 1) > ADDRESS_DOMAIN_MAX || tag_parse(sender, &known))
        return 0;
    for (size_t i = 0; i <= strlen(sender); i++)
        signed_as[i] = lower(sender[i]);
    put_number((uint64_t)day % DAYS, DAY_LETTERS, text + AT_DAY);
    make_set(&keys->key[0], day, signed_as, recipients, count, others, text + AT_SET);
    make_seal(&keys->key[0], day, signed_as, text + AT_SET, text + AT_SEAL);
    snprintf(tagged_r, ADDRESS_SIZE, "%.*s%c%s%s", (int)local, sender, delimiter, text, at);
    return 1;
}

static int is_delimiter(char c)
{
    return !(lower(c) >= 'a' && lower(c) <= 'z') && !(c >= '0' && c <= '9');
}

/* The tag in a local part: behind a delimiter that is no letter or digit, and
 * followed by nothing or by another. Offset, or 0. */
static size_t find_tag(const char *local, size_t length)
{
    for (size_t i = 1; i + TAG_LENGTH < length; i++) {
        size_t end = i + 1 + TAG_LENGTH, at = i + 1 + AT_DAY;

        if (!is_delimiter(local[i]) || strncasecmp(local + i + 1, MARK, AT_DAY) != 0)
            continue;
        while (at < end && letter_value(local[at]) >= 0)
            at++;
        if (at == end && (end == length || is_delimiter(local[end])))
            return i + 1;
    }
    return 0;
}

int tag_parse(const char *address, struct tag *tag_r)
{
    size_t length = strlen(address), start, local;
    const char *at;

    if (length >= 2 && address[0] == '<' && address[length - 1] == '>') {
        address++;
        length -= 2;
    }
    if (length >= ADDRESS_SIZE || !(at = memrchr(address, '@', length)) ||
        !is_plain(address, local = (size_t)(at - address)) || !(start = find_tag(address, local)))
        return 0;
    for (size_t i = 0; i < TAG_LENGTH; i++)
        tag_r->text[i] = lower(address[start + i]);
    tag_r->text[TAG_LENGTH] = '\0';
    snprintf(tag_r->sender, sizeof(tag_r->sender), "%.*s%.*s", (int)start - 1, address,
             (int)(length - local), at);
    for (char *c = tag_r->sender; *c; c++)
        *c = lower(*c);
    snprintf(tag_r->original, sizeof(tag_r->original), "%.*s%.*s", (int)start - 1, address,
             (int)(length - start - TAG_LENGTH), address + start + TAG_LENGTH);
    return 1;
}

/* The day nearest to now, not after tomorrow, that is this one modulo 1024. */
static int64_t full_day(const struct tag *tag, int64_t now)
{
    int64_t tomorrow = now / DAY + 1, day = (int64_t)get_number(tag->text + AT_DAY, DAY_LETTERS);

    return tomorrow - ((tomorrow - day) % DAYS + DAYS) % DAYS;
}

static const struct key *sealed_with(const struct tag *tag, const struct keys *keys, int64_t now)
{
    char seal[PART_LETTERS];

    for (size_t i = 0; i < keys->count; i++) {
        make_seal(&keys->key[i], full_day(tag, now), tag->sender, tag->text + AT_SET, seal);
        if (hmac_equal(seal, tag->text + AT_SEAL, PART_LETTERS))
            return &keys->key[i];
    }
    return NULL;
}

enum tag_state tag_check(const struct tag *tag, const struct keys *keys, int64_t now)
{
    if (!sealed_with(tag, keys, now))
        return TAG_WRONG;
    return (now / DAY - full_day(tag, now)) * DAY > keys->age ? TAG_EXPIRED : TAG_GOOD;
}

int tag_proves(const struct tag *tag, const struct keys *keys, const char *recipient, int64_t now)
{
    const struct key *key = sealed_with(tag, keys, now);
    char *one = (char *)(uintptr_t)recipient, set[PART_LETTERS];

    if (!key || tag_check(tag, keys, now) != TAG_GOOD)
        return 0;
    make_set(key, full_day(tag, now), tag->sender, &one, 1, 0, set);
    return hmac_equal(set, tag->text + AT_SET, PART_LETTERS);
}

int64_t tag_number(const struct tag *tag)
{
    return (int64_t)get_number(tag->text + AT_SET, PART_LETTERS);
}

int tag_listed(const char *domains, const char *address)
{
    const char *at = strrchr(address, '@');
    size_t length, wanted = at ? strcspn(at + 1, ">") : 0;

    for (domains += strspn(domains, ", "); wanted && *domains; domains += length + strspn(domains + length, ", ")) {
        length = strcspn(domains, ", ");
        if (length == wanted && !strncasecmp(domains, at + 1, length))
            return 1;
    }
    return 0;
}
