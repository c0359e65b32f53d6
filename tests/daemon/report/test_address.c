/* Addresses: one mailbox, one key; two mailboxes, two keys; hostile texts refused. */
#include "config.h"

#include "daemon/report/address.h"

#include "tests/run.h"

#include <string.h>

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define LABEL SIXTY "abc"

static const struct {
    const char *text, *given, *key;
} good[] = {
    {"joe@example.com", "joe@example.com", "joe@example.com"},
    {"Joe.Doe@Example.COM", "Joe.Doe@example.com", "joe.doe@example.com"},
    {"<joe@example.com>", "joe@example.com", "joe@example.com"},
    {" \t<joe@example.com>\r\n", "joe@example.com", "joe@example.com"},
    {"< joe@example.com >", "joe@example.com", "joe@example.com"},
    {"joe@example.com.", "joe@example.com", "joe@example.com"},
    {"@a.example,@b.example:joe@example.com", "joe@example.com", "joe@example.com"},
    {"<@a.example:joe@example.com>", "joe@example.com", "joe@example.com"},
    {"joe+tag=x@example.com", "joe+tag=x@example.com", "joe+tag=x@example.com"},
    {"joe@host", "joe@host", "joe@host"},
    {"joe@_dmarc.example.com", "joe@_dmarc.example.com", "joe@_dmarc.example.com"},
    /* quotes: off where they say nothing, kept and added where they do */
    {"\"joe\"@example.com", "joe@example.com", "joe@example.com"},
    {"\"Joe.Doe\"@example.com", "Joe.Doe@example.com", "joe.doe@example.com"},
    {"\"j\\o\\e\"@example.com", "joe@example.com", "joe@example.com"},
    {"\"joe\".doe@example.com", "joe.doe@example.com", "joe.doe@example.com"},
    {"\"joe doe\"@example.com", "\"joe doe\"@example.com", "\"joe doe\"@example.com"},
    {"\"a@b@c\"@example.com", "\"a@b@c\"@example.com", "\"a@b@c\"@example.com"},
    {"a@b@example.com", "\"a@b\"@example.com", "\"a@b\"@example.com"},
    {"\"a\\\"b\\\\c\"@example.com", "\"a\\\"b\\\\c\"@example.com", "\"a\\\"b\\\\c\"@example.com"},
    {"\"a>, dsn=5.1.1\"@example.com", "\"a>, dsn=5.1.1\"@example.com",
     "\"a>, dsn=5.1.1\"@example.com"},
    {"joe..doe.@example.com", "\"joe..doe.\"@example.com", "\"joe..doe.\"@example.com"},
    {"\"joe..doe.\"@example.com", "\"joe..doe.\"@example.com", "\"joe..doe.\"@example.com"},
    {".joe@example.com", "\".joe\"@example.com", "\".joe\"@example.com"},
    {"\"joe(who)\"@example.com", "\"joe(who)\"@example.com", "\"joe(who)\"@example.com"},
    /* domains */
    {"joe@B\xc3\xbc" "cher.example", "joe@xn--bcher-kva.example", "joe@xn--bcher-kva.example"},
    {"joe@XN--Bcher-KVA.example", "joe@xn--bcher-kva.example", "joe@xn--bcher-kva.example"},
    {"joe@b\xc3\xbc" "cher.example.", "joe@xn--bcher-kva.example", "joe@xn--bcher-kva.example"},
    {"joe@stra\xc3\x9f" "e.example", "joe@xn--strae-oqa.example", "joe@xn--strae-oqa.example"},
    {"joe@[192.0.2.1]", "joe@[192.0.2.1]", "joe@[192.0.2.1]"},
    {"joe@[IPv6:2001:DB8::1]", "joe@[ipv6:2001:db8::1]", "joe@[ipv6:2001:db8::1]"},
    /* local parts beyond ASCII */
    {"J\xc3\x96rg@example.com", "J\xc3\x96rg@example.com", "j\xc3\xb6rg@example.com"},
    {"o\xcc\x88@example.com", "\xc3\xb6@example.com", "\xc3\xb6@example.com"},
    /* In lower case the mark would compose, and the key's own key be another. */
    {"AT\xcc\x88@example.com", "AT\xcc\x88@example.com", "aT\xcc\x88@example.com"},
    {"\xe7\x8c\xab@example.com", "\xe7\x8c\xab@example.com", "\xe7\x8c\xab@example.com"},
    /* the longest that go */
    {SIXTY "abcd@example.com", SIXTY "abcd@example.com", SIXTY "abcd@example.com"},
    {"joe@" LABEL "." LABEL "." LABEL "." SIXTY "abc", "joe@" LABEL "." LABEL "." LABEL "." SIXTY "abc",
     "joe@" LABEL "." LABEL "." LABEL "." SIXTY "abc"},
};

START_TEST(an_address_has_one_form)
{
    struct address address;
    struct error error;

    ck_assert_msg(!address_parse(good[_i].text, strlen(good[_i].text), 0, &address, &error),
                  "%s: %s", good[_i].text, error.text);
    ck_assert_str_eq(address.given, good[_i].given);
    ck_assert_str_eq(address.key, good[_i].key);
    ck_assert_int_eq(address.key[address.domain - 1], '@');
    ck_assert_ptr_null(strchr(address.key + address.domain, '@'));
}
END_TEST

/* The canonical form must be stable, or stored keys would not be found again. */
START_TEST(the_form_of_the_form_is_itself)
{
    struct address first, second;
    struct error error;

    ck_assert(!address_parse(good[_i].text, strlen(good[_i].text), 0, &first, &error));
    ck_assert(!address_parse(first.given, strlen(first.given), 0, &second, &error));
    ck_assert_str_eq(second.given, first.given);
    ck_assert_str_eq(second.key, first.key);
    ck_assert(!address_parse(first.key, strlen(first.key), 1, &second, &error));
    ck_assert_str_eq(second.key, first.key);
}
END_TEST

START_TEST(strict_keeps_the_local_part)
{
    struct address address;
    struct error error;

    ck_assert(!address_parse("Joe@Example.com", 15, 1, &address, &error));
    ck_assert_str_eq(address.key, "Joe@example.com");
}
END_TEST

#define BAD(text, why) {text, sizeof(text) - 1, why}

static const struct {
    const char *text;
    size_t length;
    const char *why;
} bad[] = {
    BAD("", "no @"),
    BAD("<>", "no @"),
    BAD("joe", "no @"),
    BAD("joe@", "domain is empty"),
    BAD("@example.com", "local part is empty"),
    BAD("\"\"@example.com", "local part is empty"),
    BAD("joe@.", "domain is empty"),
    BAD("joe@example..com", "empty label"),
    BAD("joe@.example.com", "empty label"),
    BAD("joe@example.com..", "domain is empty"),
    BAD("\"joe@example.com", "unclosed quote"),
    BAD("\"joe@example.com\"", "no @"),
    BAD("jo\0e@example.com", "NUL"),
    BAD("joe@example.com\0.net", "NUL"),
    BAD("joe\n@example.com", "control"),
    BAD("\"a\rb\"@example.com", "control"),
    BAD("jo\x7f@example.com", "control"),
    BAD("jo\xc2\x85@example.com", "control"),
    BAD("joe@exa\tmple.com", "control"),
    BAD("jo\xff@example.com", "UTF-8"),
    BAD("jo\xc0\xaf@example.com", "UTF-8"),
    BAD("jo\xed\xa0\x80@example.com", "UTF-8"),
    BAD("joe@ex\xc3.com", "UTF-8"),
    BAD("joe@example.com, jane@example.com", "quotes"),
    BAD("joe@example.com,jane@example.com", "quotes"),
    BAD("joe,jane@example.com", "quotes"),
    BAD("joe doe@example.com", "quotes"),
    BAD("Joe <joe@example.com", "quotes"),
    BAD("joe(who)@example.com", "quotes"),
    BAD("joe\\@example.com", "quotes"),
    BAD("joe@example.com (Joe)", "character"),
    BAD("joe@exa mple.com", "character"),
    BAD("joe@example.com>", "character"),
    BAD("joe@[192.0.2.1", "character"),
    BAD("joe@[]", "character"),
    BAD("joe@[192.0.2.1]x", "character"),
    BAD("joe@\xef\xbc\xa0" "example.com", "domain"),
    BAD(SIXTY "abcde@example.com", "local part is too long"),
    BAD("\"" SIXTY "a c\"@example.com", "local part is too long"),
    BAD("joe@" LABEL "d.example", "label that is too long"),
    BAD("joe@" LABEL "." LABEL "." LABEL "." LABEL ".ab", "domain is too long"),
    BAD(SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY
        SIXTY SIXTY SIXTY "@example.com", "too long"),
};

START_TEST(a_bad_address_is_refused)
{
    struct address address;
    struct error error;

    ck_assert_msg(address_parse(bad[_i].text, bad[_i].length, 0, &address, &error) == -1,
                  "%s was taken", bad[_i].text);
    ck_assert_int_eq(error.code, ERROR_INPUT);
    ck_assert_msg(strstr(error.text, bad[_i].why) != NULL, "%s: %s", bad[_i].text, error.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *tcase = tcase_create("address");
    int count = (int)(sizeof(good) / sizeof(good[0]));

    tcase_add_loop_test(tcase, an_address_has_one_form, 0, count);
    tcase_add_loop_test(tcase, the_form_of_the_form_is_itself, 0, count);
    tcase_add_test(tcase, strict_keeps_the_local_part);
    tcase_add_loop_test(tcase, a_bad_address_is_refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
