/* daemon/console/change: what a person may ask for. */
#include "config.h"

#include "daemon/console/change.h"

#include "daemon/ledger/record.h"
#include "tests/run.h"

#include <string.h>

static const struct {
    const char *recipient, *key; /* NULL: refused */
} keys[] = {
    {"Joe@Example.COM", "joe@example.com"},
    {"<joe@example.com>", "joe@example.com"},
    {"@Example.COM", "@example.com"},
    {"@b\xc3\xbc" "cher.example", "@xn--bcher-kva.example"},
    {"@", NULL},
    {"joe", NULL},
    {"joe@", NULL},
    {"", NULL},
};

START_TEST(recipients_become_keys)
{
    char key[ADDRESS_SIZE];
    struct error error;
    int result = change_key(keys[_i].recipient, 0, key, &error);

    ck_assert_msg((result == 0) == (keys[_i].key != NULL), "%s", keys[_i].recipient);
    if (!result)
        ck_assert_str_eq(key, keys[_i].key);
}
END_TEST

static char long_text[3000];

static const struct {
    struct change change;
    const char *problem;
} refused[] = {
    {{.recipient = NULL}, "no recipient given"},
    {{.recipient = "a@x.example", .reason = "bad-mood"}, "there is no reason 'bad-mood' in the taxonomy"},
    {{.recipient = "a@x.example", .until = 999}, "it would end before it begins"},
    {{.recipient = "a@x.example", .note = long_text}, "note is longer than 1000 bytes"},
    {{.recipient = "a@x.example", .stream = long_text}, "stream is longer than 200 bytes"},
};

START_TEST(what_is_wrong_is_named)
{
    struct error error;

    memset(long_text, 'x', sizeof(long_text) - 1);
    ck_assert_ptr_null(change_suppress(&refused[_i].change, 0, 1000, &error));
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_str_eq(error.text, refused[_i].problem);
}
END_TEST

START_TEST(a_change_becomes_a_record)
{
    const struct change change = {.recipient = "A@x.example", .reason = "moved", .who = "me", .until = 2000};
    struct error error;
    struct record *record = change_suppress(&change, 0, 1000, &error);

    ck_assert_ptr_nonnull(record);
    ck_assert_int_eq(record->kind, RECORD_SUPPRESS);
    ck_assert_str_eq(record->key, "a@x.example");
    ck_assert_str_eq(record->reason, "moved");
    ck_assert_str_eq(record->stream, "");
    ck_assert_str_eq(record->who, "me");
    ck_assert_int_eq(record->until, 2000);
    record_free(&record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/console/change");
    TCase *tc = tcase_create("change");

    tcase_add_loop_test(tc, recipients_become_keys, 0, sizeof(keys) / sizeof(keys[0]));
    tcase_add_loop_test(tc, what_is_wrong_is_named, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tc, a_change_becomes_a_record);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
