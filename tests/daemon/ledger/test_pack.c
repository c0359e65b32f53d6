/* daemon/ledger/pack: every message comes out as it went in; damage is found. */
#include "config.h"

#include "daemon/ledger/pack.h"

#include "tests/run.h"

#include <stdlib.h>
#include <string.h>

static struct error error;

static char *make(size_t size, int noise)
{
    char *bytes = malloc(size + 1);
    unsigned state = 1;

    for (size_t i = 0; i < size; i++)
        bytes[i] = noise ? (char)((state = state * 1103515245u + 12345u) >> 16) : (char)('a' + i % 7);
    return bytes;
}

static const struct {
    size_t size;
    int noise, shrinks;
} cases[] = {{0, 0, 0}, {1, 0, 0}, {10, 1, 0}, {500, 1, 0}, {500, 0, 1}, {3000000, 0, 1}, {300000, 1, 0}};

START_TEST(a_message_comes_out_as_it_went_in)
{
    char *bytes = make(cases[_i].size, cases[_i].noise), *packed, *again;
    size_t length = pack_message(bytes, cases[_i].size, &packed);

    ck_assert_int_eq(length < cases[_i].size, cases[_i].shrinks);
    again = pack_restore(packed, length, (int64_t)cases[_i].size, &error);
    ck_assert_msg(again != NULL, "%s", error.text);
    ck_assert_mem_eq(again, bytes, cases[_i].size);
    ck_assert_int_eq(again[cases[_i].size], '\0');
    free(bytes);
    free(packed);
    free(again);
}
END_TEST

static void refuses(const char *packed, size_t length, int64_t size, const char *why)
{
    ck_assert_ptr_null(pack_restore(packed, length, size, &error));
    ck_assert_msg(strstr(error.text, why) != NULL, "%s", error.text);
    ck_assert_int_eq(error.code, ERROR_INPUT);
}

START_TEST(damage_is_found)
{
    char *bytes = make(100000, 0), *packed;
    size_t length = pack_message(bytes, 100000, &packed);

    refuses(packed, length, 99999, "damaged");   /* holds more than it says */
    refuses(packed, length, 100001, "shorter");
    refuses(packed, length - 5, 100000, "damaged");
    refuses(packed, length, -1, "cannot be");
    refuses(packed, length, INT64_MAX, "cannot be");
    packed[length / 2] ^= 0x40;
    refuses(packed, length, 100000, "damaged");
    refuses(NULL, 0, 10, "damaged");
    free(bytes);
    free(packed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/ledger/pack");
    TCase *tc = tcase_create("pack");

    tcase_add_loop_test(tc, a_message_comes_out_as_it_went_in, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, damage_is_found);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
