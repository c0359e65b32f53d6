/* What is hidden of a text, and what stays. */
#include "config.h"

#include "base/mem.h"
#include "daemon/ledger/veil.h"
#include "daemon/report/address.h"
#include "tests/run.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char key[HMAC_KEY_SIZE] = "a key for tests, of 32 octets...", other_key[HMAC_KEY_SIZE] = "another";

static struct veil *closed(const unsigned char *with, int strict)
{
    struct veil *veil = veil_new();

    veil_close(veil, with, strict);
    return veil;
}

/* As a statement gets it; freed by the caller. */
static char *hidden(struct veil *veil, const char *text)
{
    struct error error;
    char *out = NULL;
    int result = veil_text(veil, text, &out, &error);

    ck_assert_int_ge(result, 0);
    return result ? out : xstrdup(text);
}

static char *told(struct veil *veil, const char *text, const char *recipient)
{
    struct error error;
    char *out = NULL;
    int result = veil_told(veil, text, recipient, &out, &error);

    ck_assert_int_ge(result, 0);
    return result ? out : xstrdup(text);
}

/* A text with each token as "T", to compare. */
static char *without_tokens(const char *text)
{
    char *out = xcalloc(1, strlen(text) + 1), *to = out;

    while (*text) {
        size_t run = strspn(text, "abcdefghijklmnopqrstuvwxyz234567");

        if (run == VEIL_TOKEN_LENGTH) {
            *to++ = 'T';
        } else {
            memcpy(to, text, run ? run : 1);
            to += run ? run : 1;
        }
        text += run ? run : 1;
    }
    return out;
}

static const struct {
    const char *text, *expected;
} texts[] = {
    {"user@example.com", "T@example.com"},
    {"User@Example.COM", "T@example.com"},
    {"<user@example.com>", "<T@example.com>"},
    {"@example.com", "@example.com"},
    {"a@", "T@"},
    {"@", "@"},
    {"550 5.1.1 <user@example.com>: no such user", "550 5.1.1 <T@example.com>: no such user"},
    {"550 user@example.com... User unknown", "550 T@example.com... User unknown"},
    {"no mailbox 'user@example.com'.", "no mailbox 'T@example.com'."},
    {"rfc822;user@example.com", "rfc822;T@example.com"},
    {"mailto:user@example.com, or other@example.net.", "mailto:T@example.com, or T@example.net."},
    {"see https://help.example/?r=user%40example.com&x", "see https:T@example.com&x"},
    {"bounce+user=example.com@list.example", "T@list.example"},
    {"\"john doe\"@example.com", "T@example.com"},
    {"to \"john doe\"@example.com:", "to T@example.com:"},
    {"\"a@b\"@example.com", "T@example.com"},
    {"user@[192.0.2.1] refused", "T@[192.0.2.1] refused"},
    {"grün@bücher.example", "T@xn--bcher-kva.example"},
    {"user@-..- is none", "T@-..- is none"},
    {"{\"key\":\"user@example.com\"}", "{\"key\":\"T@example.com\"}"},
    {"<20270101.abc@mx.example>", "<T@mx.example>"},
    {"postmaster @ example.com", "postmaster @ example.com"},
    {"550 5.7.1 listed at zen.example", "550 5.7.1 listed at zen.example"},
    {"", ""},
};

START_TEST(addresses_give_way_and_the_rest_stays)
{
    struct veil *veil = closed(key, 0);
    char *once = hidden(veil, texts[_i].text), *short_form = without_tokens(once), *twice = hidden(veil, once);

    ck_assert_str_eq(short_form, texts[_i].expected);
    ck_assert_str_eq(once, twice);
    free(once);
    free(short_form);
    free(twice);
    veil_free(&veil);
}
END_TEST

START_TEST(one_mailbox_is_one_token_in_whatever_text)
{
    static const char *const forms[] = {"user@example.com", "USER@EXAMPLE.com", "<User@example.com>", "to user@example.com:",
                                        "\"user\"@example.com"};
    struct veil *veil = closed(key, 0);
    char *first = hidden(veil, forms[0]);

    for (size_t i = 1; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char *form = hidden(veil, forms[i]);

        ck_assert_msg(strstr(form, first) != NULL, "%s: %s is not in %s", forms[i], first, form);
        free(form);
    }
    free(first);
    veil_free(&veil);
}
END_TEST

START_TEST(strict_databases_tell_case_apart)
{
    struct veil *strict = closed(key, 1);
    char *lower = hidden(strict, "user@example.com"), *upper = hidden(strict, "User@example.com");

    ck_assert_str_ne(lower, upper);
    free(lower);
    free(upper);
    veil_free(&strict);
}
END_TEST

START_TEST(other_addresses_and_other_keys_give_other_tokens)
{
    struct veil *veil = closed(key, 0), *other = closed(other_key, 0);
    char *first = hidden(veil, "user@example.com"), *domain = hidden(veil, "user@example.net");
    char *foreign = hidden(other, "user@example.com"), check[VEIL_CHECK_SIZE], other_check[VEIL_CHECK_SIZE], *again;

    ck_assert_int_ne(strncmp(first, domain, VEIL_TOKEN_LENGTH), 0);
    ck_assert_int_ne(strncmp(first, foreign, VEIL_TOKEN_LENGTH), 0);
    veil_check(veil, check);
    veil_check(other, other_check);
    ck_assert_str_ne(check, other_check);
    ck_assert_uint_ne(veil_number(veil, 1), veil_number(other, 1));
    ck_assert_uint_ne(veil_number(veil, 1), 1);
    /* A token of another key is an address like any other. */
    again = hidden(veil, foreign);
    ck_assert_str_ne(again, foreign);
    free(again);
    free(first);
    free(domain);
    free(foreign);
    veil_free(&veil);
    veil_free(&other);
}
END_TEST

/* HMAC-SHA256 as RFC 2104 has it, computed beside this program:
 * python3: k = key.ljust(32, b"\0"); t = hmac.new(k, b"address\0user@example.com", "sha256").digest()[:16];
 * c = hmac.new(k, b"token\0" + t, "sha256").digest()[:4]; base64.b32encode(t + c).lower() */
START_TEST(the_token_is_what_the_header_says)
{
    struct veil *veil = closed(key, 0);
    char *text = hidden(veil, "user@example.com");

    ck_assert_str_eq(text, "vwf7tutkybkubv4su2utl3nkjdvao34p@example.com");
    free(text);
    veil_free(&veil);
}
END_TEST

/* What has a token's length and letters is hidden unless the key made it. */
START_TEST(nobody_makes_tokens_without_the_key)
{
    struct veil *veil = closed(key, 0);
    char *token = hidden(veil, "user@example.com"), *forged = xstrdup(token), *out;

    for (int i = 0; i < VEIL_TOKEN_LENGTH; i++) {
        forged[i] = token[i] == 'a' ? 'b' : 'a';
        out = hidden(veil, forged);
        ck_assert_str_ne(out, forged);
        free(out);
        forged[i] = token[i];
    }
    /* But of what domain it is said does not matter: the same token stays. */
    strcpy(strchr(forged, '@') + 1, "elsewhere.x");
    out = hidden(veil, forged);
    ck_assert_str_eq(out, forged);
    free(out);
    free(forged);
    free(token);
    veil_free(&veil);
}
END_TEST

static const struct {
    const char *recipient, *text, *expected;
} replies[] = {
    {"joe@example.com", "550 5.1.1 joe: User unknown", "550 5.1.1 T: User unknown"},
    {"joe@example.com", "550 Joe is not known, JOE", "550 T is not known, T"},
    {"joe@example.com", "550 joey and mojoe stay", "550 joey and mojoe stay"},
    {"joe@example.com", "550 <joe@example.com>", "550 <T@example.com>"},
    {"joe@example.com", "550 joe%example.com", "550 T%example.com"},
    {"joe.doe+news@example.com", "550 joe.doe has left; joe.doe+news", "550 T has left; T"},
    {"\"joe doe\"@example.com", "550 joe doe is gone", "550 T is gone"},
    {"user@example.com", "550 5.1.1 User unknown", "550 5.1.1 User unknown"},
    {"550@example.com", "550 5.1.1 no", "550 5.1.1 no"},
    {"ab@example.com", "550 ab is too short to be sure of", "550 ab is too short to be sure of"},
    {"joe@example.com", "", ""},
};

START_TEST(a_reply_does_not_name_its_recipient)
{
    struct veil *veil = closed(key, 0);
    char *once = told(veil, replies[_i].text, replies[_i].recipient), *short_form = without_tokens(once);
    char *twice = told(veil, once, replies[_i].recipient), *bound = hidden(veil, once);

    ck_assert_str_eq(short_form, replies[_i].expected);
    ck_assert_str_eq(once, twice);
    ck_assert_str_eq(once, bound);
    free(once);
    free(twice);
    free(bound);
    free(short_form);
    veil_free(&veil);
}
END_TEST

START_TEST(an_open_veil_hides_nothing)
{
    struct veil *veil = veil_new();
    char *text = hidden(veil, "user@example.com"), *reply = told(veil, "550 joe", "joe@example.com");

    ck_assert_str_eq(text, "user@example.com");
    ck_assert_str_eq(reply, "550 joe");
    ck_assert_uint_eq(veil_number(veil, 7), 7);
    ck_assert(!veil_is_closed(veil));
    free(text);
    free(reply);
    veil_free(&veil);
}
END_TEST

START_TEST(a_locked_veil_refuses_addresses_and_nothing_else)
{
    struct veil *veil = veil_new();
    struct error error;
    char *out = NULL;

    veil_lock(veil, "the reason");
    ck_assert(veil_is_closed(veil));
    ck_assert_int_eq(veil_text(veil, "no-such-user", &out, &error), 0);
    ck_assert_int_eq(veil_text(veil, "@example.com", &out, &error), 0);
    ck_assert_int_eq(veil_text(veil, "user@example.com", &out, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "the reason"));
    ck_assert_int_eq(veil_told(veil, "550 joe", "joe@example.com", &out, &error), -1);
    ck_assert_ptr_null(out);
    veil_free(&veil);
}
END_TEST

/* In front of this "@" stands a token, the domain of one, or nothing that is a local part. */
static int names_nobody(const char *text, const char *at)
{
    const char *start = at;

    while (start > text && (isalnum((unsigned char)start[-1]) || strchr(".-_", start[-1]) || start[-1] & 0x80))
        start--;
    return start == at || (start > text && start[-1] == '@') || (at - text >= 3 && !memcmp(at - 3, "%40", 3)) || strspn(start, ".-_") >= (size_t)(at - start) ||
           (at - start >= VEIL_TOKEN_LENGTH && strspn(at - VEIL_TOKEN_LENGTH, "abcdefghijklmnopqrstuvwxyz234567") >=
            VEIL_TOKEN_LENGTH);
}

/* Whatever comes: hidden once is hidden, and no letter stays in front of an "@" but those of tokens. */
START_TEST(random_texts_are_hidden_for_good)
{
    static const char alphabet[] = "ab.@\"'<> %40+=\\[]\xc3\xa9:-_@@Z";
    struct veil *veil = closed(key, 0);
    unsigned seed = 7;

    for (int round = 0; round < 200000; round++) {
        char text[40], *once, *twice;
        int length = (int)(seed % 30);

        for (int i = 0; i < length; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        text[length] = '\0';
        seed = seed * 1103515245u + 12345u;
        once = hidden(veil, text);
        twice = hidden(veil, once);
        ck_assert_msg(!strcmp(once, twice), "'%s' became '%s' and then '%s'", text, once, twice);
        for (const char *at = strchr(once, '@'); at; at = strchr(at + 1, '@'))
            ck_assert_msg(names_nobody(once, at), "'%s' became '%s'", text, once);
        free(once);
        free(twice);
    }
    veil_free(&veil);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("veil");
    TCase *tcase = tcase_create("veil");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, addresses_give_way_and_the_rest_stays, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_test(tcase, one_mailbox_is_one_token_in_whatever_text);
    tcase_add_test(tcase, strict_databases_tell_case_apart);
    tcase_add_test(tcase, other_addresses_and_other_keys_give_other_tokens);
    tcase_add_test(tcase, the_token_is_what_the_header_says);
    tcase_add_test(tcase, nobody_makes_tokens_without_the_key);
    tcase_add_loop_test(tcase, a_reply_does_not_name_its_recipient, 0, sizeof(replies) / sizeof(replies[0]));
    tcase_add_test(tcase, an_open_veil_hides_nothing);
    tcase_add_test(tcase, a_locked_veil_refuses_addresses_and_nothing_else);
    tcase_add_test(tcase, random_texts_are_hidden_for_good);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
