/* daemon/tag: what is written, what is known again, what is not, and for whom it proves. */
#include "config.h"

#include "daemon/tag.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400)
#define NOW (20000 * DAY + 5000)
#define JOE "joe@example.com"

static const struct keys keys = {.count = 2, .age = 30 * DAY, .key = {{.bytes = "new"}, {.bytes = "old"}}};
static const struct keys old_keys = {.count = 1, .age = 30 * DAY, .key = {{.bytes = "old"}}};
static const struct keys other_keys = {.count = 1, .age = 30 * DAY, .key = {{.bytes = "other"}}};

#define N43 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static const struct {
    const char *what, *sender;
    int signed_;
} senders[] = {
    {"plain", "news@example.org", 1},
    {"capitals", "News@Example.ORG", 1},
    {"a detail of its own", "news+spring@example.org", 1},
    {"VERP of the program's", "bounce-joe=example.com@example.org", 1},
    {"43 octets: with the tag 64", N43 "@example.org", 1},
    {"44 octets", N43 "n@example.org", 0},
    {"quoted", "\"a b\"@example.org", 0},
    {"not ASCII", "gr\xc3\xbc\xc3\x9f\x65@example.org", 0},
    {"no domain", "news", 0},
    {"no local part", "@example.org", 0},
    {"null", "", 0},
    {"signed already", "news+p0abcdefgh234567abcd@example.org", 0},
};

static int write_for(const struct keys *with, const char *sender, const char *recipient, int64_t now, char *tagged_r)
{
    char *one = (char *)(uintptr_t)recipient;

    return tag_write(with, sender, &one, 1, 0, now, '+', tagged_r);
}

START_TEST(senders_that_are_signed_and_read_back)
{
    char tagged[ADDRESS_SIZE];
    struct tag tag;

    ck_assert_msg(write_for(&keys, senders[_i].sender, JOE, NOW, tagged) == senders[_i].signed_, "%s", senders[_i].what);
    if (!senders[_i].signed_)
        return;
    ck_assert_int_le(strchr(tagged, '@') - tagged, 64);
    ck_assert_int_eq(tag_parse(tagged, &tag), 1);
    ck_assert_str_eq(tag.original, senders[_i].sender);
    ck_assert_int_eq(tag_check(&tag, &keys, NOW), TAG_GOOD);
    ck_assert_int_eq(tag_proves(&tag, &keys, JOE, NOW), 1);
}
END_TEST

/* {} stands for the tag that was made for news@example.org and joe@example.com. */
static const struct {
    const char *what, *address;
    int is_tag;
    enum tag_state state;
    const char *original;
} addresses[] = {
    {"as it was written", "news+{}@example.org", 1, TAG_GOOD, "news@example.org"},
    {"in brackets", "<news+{}@example.org>", 1, TAG_GOOD, "news@example.org"},
    {"other capitals", "NEWS+{}@EXAMPLE.org", 1, TAG_GOOD, "NEWS@EXAMPLE.org"},
    {"Postfix's VERP behind", "news+{}+joe=example.com@example.org", 1, TAG_GOOD, "news+joe=example.com@example.org"},
    {"another delimiter", "news-{}@example.org", 1, TAG_GOOD, "news@example.org"},
    {"another sender", "sales+{}@example.org", 1, TAG_WRONG, "sales@example.org"},
    {"another domain", "news+{}@example.net", 1, TAG_WRONG, "news@example.net"},
    {"a subdomain", "news+{}@a.example.org", 1, TAG_WRONG, "news@a.example.org"},
    {"something in front", "x+news+{}@example.org", 1, TAG_WRONG, "x+news@example.org"},
    {"no delimiter in front", "news0{}@example.org", 0, TAG_WRONG, NULL},
    {"no delimiter behind", "news+{}a@example.org", 0, TAG_WRONG, NULL},
    {"no local part", "+{}@example.org", 0, TAG_WRONG, NULL},
    {"the tag alone", "{}@example.org", 0, TAG_WRONG, NULL},
    {"no domain", "news+{}", 0, TAG_WRONG, NULL},
    {"quoted", "\"news+{}\"@example.org", 0, TAG_WRONG, NULL},
    {"not our mark", "news+q0abcdefgh234567abcd@example.org", 0, TAG_WRONG, NULL},
    {"not base32", "news+p0abcdefgh234567abc1@example.org", 0, TAG_WRONG, NULL},
    {"made up", "news+p0abcdefgh234567abcd@example.org", 1, TAG_WRONG, "news@example.org"},
    {"an ordinary detail", "news+spring@example.org", 0, TAG_WRONG, NULL},
};

START_TEST(what_comes_back)
{
    const char *hole = strstr(addresses[_i].address, "{}");
    char tagged[ADDRESS_SIZE], text[ADDRESS_SIZE];
    struct tag made, tag;

    ck_assert_int_eq(write_for(&keys, "news@example.org", JOE, NOW, tagged), 1);
    ck_assert_int_eq(tag_parse(tagged, &made), 1);
    if (hole)
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(hole - addresses[_i].address), addresses[_i].address, made.text,
                 hole + 2);
    else
        snprintf(text, sizeof(text), "%s", addresses[_i].address);
    ck_assert_msg(tag_parse(text, &tag) == addresses[_i].is_tag, "%s", addresses[_i].what);
    if (!addresses[_i].is_tag)
        return;
    ck_assert_str_eq(tag.original, addresses[_i].original);
    ck_assert_msg(tag_check(&tag, &keys, NOW) == addresses[_i].state, "%s", addresses[_i].what);
    ck_assert_int_eq(tag_proves(&tag, &keys, JOE, NOW), addresses[_i].state == TAG_GOOD);
}
END_TEST

static const struct {
    const char *what;
    int64_t days;
    enum tag_state state;
} ages[] = {
    {"the same day", 0, TAG_GOOD}, {"the last day", 30, TAG_GOOD}, {"a day too old", 31, TAG_EXPIRED},
    {"a year", 365, TAG_EXPIRED}, {"when its letters come round again", 1024, TAG_WRONG},
    {"from tomorrow: clocks differ", -1, TAG_GOOD}, {"from the day after tomorrow", -2, TAG_WRONG},
};

START_TEST(a_tag_grows_old)
{
    char tagged[ADDRESS_SIZE];
    struct tag tag;

    ck_assert_int_eq(write_for(&keys, "news@example.org", JOE, NOW, tagged), 1);
    ck_assert_int_eq(tag_parse(tagged, &tag), 1);
    ck_assert_msg(tag_check(&tag, &keys, NOW + ages[_i].days * DAY) == ages[_i].state, "%s", ages[_i].what);
    ck_assert_int_eq(tag_proves(&tag, &keys, JOE, NOW + ages[_i].days * DAY), ages[_i].state == TAG_GOOD);
}
END_TEST

START_TEST(every_letter_counts)
{
    char tagged[ADDRESS_SIZE];
    struct tag tag, bad;

    ck_assert_int_eq(write_for(&keys, "news@example.org", JOE, NOW, tagged), 1);
    ck_assert_int_eq(tag_parse(tagged, &tag), 1);
    for (size_t i = 2; i < TAG_LENGTH; i++)
        for (const char *c = "abcdefghijklmnopqrstuvwxyz234567"; *c; c++) {
            bad = tag;
            bad.text[i] = *c;
            ck_assert(*c == tag.text[i] || tag_check(&bad, &keys, NOW) == TAG_WRONG);
        }
}
END_TEST

START_TEST(the_previous_key_is_known_and_a_third_is_not)
{
    char tagged[ADDRESS_SIZE];
    struct tag tag;

    ck_assert_int_eq(write_for(&old_keys, "news@example.org", JOE, NOW, tagged), 1);
    ck_assert_int_eq(tag_parse(tagged, &tag), 1);
    ck_assert_int_eq(tag_check(&tag, &keys, NOW), TAG_GOOD);
    ck_assert_int_eq(tag_proves(&tag, &keys, JOE, NOW), 1);
    ck_assert_int_eq(tag_check(&tag, &other_keys, NOW), TAG_WRONG);
    ck_assert_int_eq(tag_check(&tag, &(struct keys){0}, NOW), TAG_WRONG);
    ck_assert_int_eq(write_for(&(struct keys){0}, "news@example.org", JOE, NOW, tagged), 0);
}
END_TEST

static const struct {
    const char *what;
    const char *recipients[2];
    size_t count, others;
    const char *asked;
    int proves;
} sets[] = {
    {"the one", {"joe@example.com"}, 1, 0, JOE, 1},
    {"somebody else", {"joe@example.com"}, 1, 0, "ann@example.com", 0},
    {"with a detail", {"joe@example.com"}, 1, 0, "joe+x@example.com", 0},
    {"without it", {"joe+x@example.com"}, 1, 0, JOE, 0},
    {"another domain", {"joe@example.com"}, 1, 0, "joe@example.net", 0},
    {"the first of two", {"ann@example.com", "joe@example.com"}, 2, 0, "ann@example.com", 0},
    {"the second of two", {"ann@example.com", "joe@example.com"}, 2, 0, JOE, 0},
    {"one that is remembered, of many", {"joe@example.com"}, 1, 3, JOE, 0},
    {"nobody", {"joe@example.com"}, 1, 0, "", 0},
};

START_TEST(for_whom_a_tag_proves)
{
    char tagged[ADDRESS_SIZE], *recipients[2];
    struct tag tag;

    memcpy(recipients, sets[_i].recipients, sizeof(recipients));
    ck_assert_int_eq(tag_write(&keys, "news@example.org", recipients, sets[_i].count, sets[_i].others, NOW, '+', tagged), 1);
    ck_assert_int_eq(tag_parse(tagged, &tag), 1);
    ck_assert_int_eq(tag_check(&tag, &keys, NOW), TAG_GOOD);
    ck_assert_msg(tag_proves(&tag, &keys, sets[_i].asked, NOW) == sets[_i].proves, "%s", sets[_i].what);
}
END_TEST

/* The seal of a tag is good for its own recipients only. */
START_TEST(parts_of_two_tags_make_none)
{
    char one[ADDRESS_SIZE], two[ADDRESS_SIZE];
    struct tag a, b;

    ck_assert_int_eq(write_for(&keys, "news@example.org", JOE, NOW, one), 1);
    ck_assert_int_eq(write_for(&keys, "news@example.org", "ann@example.com", NOW, two), 1);
    ck_assert_int_eq(tag_parse(one, &a), 1);
    ck_assert_int_eq(tag_parse(two, &b), 1);
    ck_assert_int_ne(tag_number(&a), tag_number(&b));
    memcpy(a.text + 4, b.text + 4, 8);
    ck_assert_int_eq(tag_check(&a, &keys, NOW), TAG_WRONG);
    ck_assert_int_eq(tag_proves(&a, &keys, "ann@example.com", NOW), 0);
}
END_TEST

static const struct {
    const char *domains, *address;
    int listed;
} lists[] = {
    {"example.org", "a@example.org", 1}, {"example.org", "<a@Example.ORG>", 1}, {"x, example.org,y", "a@example.org", 1},
    {" , ", "a@example.org", 0}, {"", "a@example.org", 0}, {"example.org", "", 0}, {"example.org", "a", 0},
    {"example.org", "a@b.example.org", 0}, {"b.example.org", "a@example.org", 0}, {"example.org", "a@example.orgs", 0},
    {"", "a@", 0},
};

START_TEST(domains_that_are_signed)
{
    ck_assert_msg(tag_listed(lists[_i].domains, lists[_i].address) == lists[_i].listed, "%s in %s", lists[_i].address,
                  lists[_i].domains);
}
END_TEST

#define add_rows(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("daemon/tag");
    TCase *tc = tcase_create("tag");

    add_rows(tc, senders_that_are_signed_and_read_back, senders);
    add_rows(tc, what_comes_back, addresses);
    add_rows(tc, a_tag_grows_old, ages);
    tcase_add_test(tc, every_letter_counts);
    tcase_add_test(tc, the_previous_key_is_known_and_a_third_is_not);
    add_rows(tc, for_whom_a_tag_proves, sets);
    tcase_add_test(tc, parts_of_two_tags_make_none);
    add_rows(tc, domains_that_are_signed, lists);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
