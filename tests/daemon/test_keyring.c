/* daemon/keyring: made once, rotated, kept from others, and never half there. */
#include "config.h"

#include "daemon/keyring.h"
#include "tests/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char folder[64], path[80], fresh[90];
static struct error error;

static void setup(void)
{
    strcpy(folder, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/tag.key", folder);
    snprintf(fresh, sizeof(fresh), "%s.new", path);
}

static void teardown(void)
{
    unlink(path);
    unlink(fresh);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(name, "w");

    fputs(text, file);
    fclose(file);
    chmod(name, mode);
}

START_TEST(made_on_first_use_only_where_it_is_wanted)
{
    struct keyring *keyring = keyring_new();
    struct stat status;
    struct keys keys;

    ck_assert_int_eq(keyring_load(keyring, path, 0, 5, 100, &error), 0);
    keyring_get(keyring, &keys);
    ck_assert(keys.count == 0 && keys.age == 5 && access(path, F_OK));
    ck_assert_int_eq(keyring_load(keyring, path, 1, 5, 100, &error), 0);
    keyring_get(keyring, &keys);
    ck_assert(keys.count == 1 && keys.key[0].made == 100);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    keyring_get(NULL, &keys);
    ck_assert(keys.count == 0 && keys.age == 0);
    keyring_free(&keyring);
}
END_TEST

START_TEST(rotation_keeps_the_last_two)
{
    struct keys first, second, third;

    put(fresh, "half a ke", 0600); /* of a rotation that was killed */
    ck_assert_int_eq(keys_rotate(path, 1, &error), 0);
    ck_assert_int_eq(keys_read(path, &first, &error), 0);
    ck_assert_int_eq(keys_rotate(path, 2, &error), 0);
    ck_assert_int_eq(keys_read(path, &second, &error), 0);
    ck_assert_int_eq(keys_rotate(path, 3, &error), 0);
    ck_assert_int_eq(keys_read(path, &third, &error), 0);
    ck_assert(first.count == 1 && second.count == 2 && third.count == 2);
    ck_assert_mem_eq(&second.key[1], &first.key[0], sizeof(struct key));
    ck_assert_mem_eq(&third.key[1], &second.key[0], sizeof(struct key));
    ck_assert_mem_ne(third.key[0].bytes, third.key[1].bytes, HMAC_KEY_SIZE);
}
END_TEST

static const struct {
    const char *what, *text;
    mode_t mode;
    const char *error; /* NULL: it is good */
} files[] = {
    {"one key", "key 5 " HEX "\n", 0600, NULL},
    {"two keys", "key 5 " HEX "\nkey 4 " HEX "\n", 0400, NULL},
    {"three keys", "key 5 " HEX "\nkey 4 " HEX "\nkey 3 " HEX "\n", 0600, "tag.key:3: "},
    {"empty", "", 0600, "holds no key"},
    {"too short", "key 5 0011\n", 0600, "tag.key:1: "},
    {"too long", "key 5 " HEX "00\n", 0600, "tag.key:1: "},
    {"no line end", "key 5 " HEX, 0600, "tag.key:1: "},
    {"something else", "key 5 " HEX "\nhello\n", 0600, "tag.key:2: "},
    {"readable by a group", "key 5 " HEX "\n", 0640, "nobody but its owner"},
    {"readable by all", "key 5 " HEX "\n", 0604, "nobody but its owner"},
};

START_TEST(a_file_is_good_or_changes_nothing)
{
    struct keyring *keyring = keyring_new();
    struct keys before, after;

    ck_assert_int_eq(keyring_load(keyring, path, 1, 5, 100, &error), 0);
    keyring_get(keyring, &before);
    put(path, files[_i].text, files[_i].mode);
    ck_assert_msg(keyring_load(keyring, path, 1, 6, 100, &error) == (files[_i].error ? -1 : 0), "%s", files[_i].what);
    keyring_get(keyring, &after);
    if (files[_i].error) {
        ck_assert_msg(strstr(error.text, files[_i].error) != NULL, "%s: %s", files[_i].what, error.text);
        ck_assert_mem_eq(&before, &after, sizeof(before));
        ck_assert_int_eq(keys_rotate(path, 200, &error), -1); /* what it cannot read it does not replace */
    } else {
        ck_assert(after.key[0].made == 5 && after.key[0].bytes[1] == 0x11 && after.key[0].bytes[31] == 0xff);
    }
    keyring_free(&keyring);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    struct keys keys;

    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert_int_eq(keys_read(path, &keys, &error), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/keyring");
    TCase *tc = tcase_create("keyring");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, made_on_first_use_only_where_it_is_wanted);
    tcase_add_test(tc, rotation_keeps_the_last_two);
    tcase_add_loop_test(tc, a_file_is_good_or_changes_nothing, 0, sizeof(files) / sizeof(files[0]));
    tcase_add_test(tc, a_link_is_not_followed);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
