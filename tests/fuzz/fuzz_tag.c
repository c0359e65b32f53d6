/* Tags: any text is taken apart within bounds; what is written reads back, is
 * good, and proves its one recipient; and no text that differs from it is good. */
#include "config.h"

#include "daemon/tag.h"
#include "tests/fuzz/target.h"

#include <string.h>
#include <strings.h>

#define NOW 1800000000

static const struct keys keys = {.count = 1, .age = 86400 * 30, .key = {{.bytes = "a key for the fuzzer"}}};

/* Nobody but tag_write makes a good one; the fuzzer does not know the key's digests. */
static void try_text(const char *text)
{
    struct tag tag, again;

    if (!tag_parse(text, &tag))
        return;
    must_hold(strlen(tag.text) == TAG_LENGTH && strlen(tag.original) < strlen(text));
    must_hold(strlen(tag.sender) <= strlen(tag.original));
    must_hold(tag_number(&tag) >= 0 && tag_number(&tag) < INT64_C(1) << 40);
    must_hold(tag_check(&tag, &keys, NOW) == TAG_WRONG && !tag_proves(&tag, &keys, "joe@example.com", NOW));
    (void)tag_parse(tag.original, &again);
}

static void try_sender(const char *sender, char *recipient)
{
    char tagged[ADDRESS_SIZE];
    struct tag tag;

    if (!tag_write(&keys, sender, &recipient, 1, 0, NOW, '+', tagged))
        return;
    must_hold(strlen(tagged) == strlen(sender) + 1 + TAG_LENGTH);
    must_hold(strchr(tagged, '@') - tagged <= ADDRESS_LOCAL_MAX);
    must_hold(tag_parse(tagged, &tag) && !strcmp(tag.original, sender) && !strcasecmp(tag.sender, sender));
    must_hold(tag_check(&tag, &keys, NOW) == TAG_GOOD && tag_proves(&tag, &keys, recipient, NOW));
    must_hold(!tag_proves(&tag, &keys, "another recipient", NOW));
    must_hold(tag_check(&tag, &keys, NOW + 86400 * 40) == TAG_EXPIRED);
    must_hold(tag_check(&tag, &keys, NOW + INT64_C(86400) * 1024) == TAG_WRONG);
    tag.sender[0] ^= 1;
    must_hold(tag_check(&tag, &keys, NOW) == TAG_WRONG);
}

/* A sender or address, and, behind a line end, a recipient and a list of domains. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[2000];
    char *rest;

    if (size >= sizeof(text))
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    rest = strchr(text, '\n');
    if (rest)
        *rest++ = '\0';
    try_text(text);
    try_sender(text, rest ? rest : text);
    (void)tag_listed(rest ? rest : "", text);
    return 0;
}
