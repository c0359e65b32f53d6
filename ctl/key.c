/* suppressctl key rotate|show: the keys of the signed envelope sender. */
#include "config.h"

#include "ctl/command.h"

#include "base/hmac.h"
#include "ctl/ask.h"
#include "daemon/keyring.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PRINT_OCTETS 8

/* Tells keys apart, and tells nothing of them. */
static void fingerprint(const struct key *key, char text_r[2 * PRINT_OCTETS + 1])
{
    unsigned char digest[HMAC_SIZE];
    struct hmac hmac;

    hmac_begin(&hmac, key->bytes);
    hmac_add_text(&hmac, "fingerprint");
    hmac_end(&hmac, digest);
    for (size_t i = 0; i < PRINT_OCTETS; i++)
        snprintf(text_r + 2 * i, 3, "%02x", digest[i]);
}

static void show(struct ctl *ctl, const char *name, const struct key *key)
{
    char print[2 * PRINT_OCTETS + 1], made[32];

    fingerprint(key, print);
    if (ctl->json)
        ask_print_json(json_pack("{s:s, s:I, s:s}", "key", name, "made", (json_int_t)key->made, "fingerprint", print));
    else
        printf("%-9s made %s, fingerprint %s\n", name, ask_time(key->made, made), print);
}

int command_key(struct ctl *ctl, int argc, char **argv)
{
    static const char *const names[KEYS_MAX] = {"current", "previous"};
    int rotate = argc == 2 && !strcmp(argv[1], "rotate");
    struct settings *settings;
    struct error error;
    struct keys keys;

    if (!rotate && (argc != 2 || strcmp(argv[1], "show") != 0))
        return ctl_fail("key", EXIT_USAGE, "rotate or show?");
    if (!(settings = ask_settings(ctl, &error)) ||
        (rotate && keys_rotate(settings->tag_key_file, (int64_t)time(NULL), &error)) ||
        keys_read(settings->tag_key_file, &keys, &error))
        return ctl_fail("key", EXIT_FAILED, "%s", error.text);
    for (size_t i = 0; i < keys.count; i++)
        show(ctl, names[i], &keys.key[i]);
    if (rotate && !ctl->json)
        puts("The daemon takes it into use on reload.");
    return keys.count ? EXIT_YES : EXIT_NO;
}
