/* HMAC-SHA256 against the vectors of RFC 4231, whose keys are filled up with
 * zeroes to the key's size (which HMAC itself does, RFC 2104 2). */
#include "config.h"

#include "base/hmac.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>

static void hex_of(const unsigned char digest[HMAC_SIZE], char hex_r[2 * HMAC_SIZE + 1])
{
    for (size_t i = 0; i < HMAC_SIZE; i++)
        snprintf(hex_r + 2 * i, 3, "%02x", digest[i]);
}

START_TEST(vectors)
{
    static const struct {
        const char *key, *data, *digest;
    } rows[] = {
        {"Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char key[HMAC_KEY_SIZE] = {0}, digest[HMAC_SIZE];
        char hex[2 * HMAC_SIZE + 1];
        struct hmac hmac;

        memcpy(key, rows[i].key, strlen(rows[i].key));
        hmac_begin(&hmac, key);
        hmac_add(&hmac, rows[i].data, 2);
        hmac_add(&hmac, rows[i].data + 2, strlen(rows[i].data) - 2);
        hmac_end(&hmac, digest);
        hex_of(digest, hex);
        ck_assert_str_eq(hex, rows[i].digest);
    }
}
END_TEST

START_TEST(texts_keep_their_borders)
{
    const unsigned char key[HMAC_KEY_SIZE] = "k";
    unsigned char one[HMAC_SIZE], other[HMAC_SIZE];
    struct hmac hmac;

    hmac_begin(&hmac, key);
    hmac_add_text(&hmac, "ab");
    hmac_add_text(&hmac, "c");
    hmac_end(&hmac, one);
    hmac_begin(&hmac, key);
    hmac_add_text(&hmac, "a");
    hmac_add_text(&hmac, "bc");
    hmac_end(&hmac, other);
    ck_assert(!hmac_equal(one, other, HMAC_SIZE));
    ck_assert(hmac_equal(one, one, HMAC_SIZE));
    other[0] = one[0] ^ 1;
    ck_assert(!hmac_equal(one, other, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/hmac");
    TCase *tc = tcase_create("hmac");

    tcase_add_test(tc, vectors);
    tcase_add_test(tc, texts_keep_their_borders);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
