/* ctl/postfix_list: edits that can be undone to the byte. */
#include "config.h"

#include "ctl/postfix_list.h"

#include "tests/run.h"

#include <string.h>

static const struct {
    const char *list, *name;
    int has;
} having[] = {
    {"", "unix:a", 0},
    {"unix:a", "unix:a", 1},
    {"unix:ab", "unix:a", 0},
    {"inet:h:1,unix:a", "unix:a", 1},
    {"inet:h:1 unix:a", "unix:a", 1},
    {"{ unix:a, default_action=accept }", "unix:a", 1},
    {"{unix:a}", "unix:a", 1},
    {"{ inet:h:1, x=unix:a }", "unix:a", 0},
    {"{ inet:h:1, unix:a }", "unix:a", 0}, /* an argument, not an end point */
    {"{ {unix:a} }", "unix:a", 0},
    {"{ unix:a, never closed", "unix:a", 1},
    {"{", "unix:a", 0},
    {"}", "}", 1},
    {", ,\t,", "unix:a", 0},
};

START_TEST(has)
{
    ck_assert_int_eq(list_has(having[_i].list, having[_i].name), having[_i].has);
}
END_TEST

static const struct {
    const char *list, *item, *result;
} appending[] = {
    {"", "b", "b"},
    {"  ", "b", "b"},
    {"a", "b", "a, b"},
    {"a b", "{ c, d=e }", "a b, { c, d=e }"},
    {"$x", "b", "$x, b"},
};

START_TEST(append)
{
    char *result = list_append(appending[_i].list, appending[_i].item);

    ck_assert_str_eq(result, appending[_i].result);
    free(result);
}
END_TEST

static const struct {
    const char *list, *name, *result;
} removing[] = {
    {"b", "b", ""},
    {"a, b", "b", "a"},
    {"b, a", "b", "a"},
    {"a, b, c", "b", "a, c"},
    {"a b c", "b", "a c"},
    {"a,  b\tc", "x", "a,  b\tc"},
    {"a, b, c, b", "b", "a, b, c"}, /* the last one: ours was appended */
    {"{ b, y=1 }, a", "b", "a"},
    {"a, { b, y=1 }", "b", "a"},
};

START_TEST(without)
{
    char *result = list_without(removing[_i].list, removing[_i].name);

    ck_assert_str_eq(result, removing[_i].result);
    free(result);
}
END_TEST

static const char *const lists[] = {
    "a", "a,b", "a , b", "$smtpd_milters", "{ inet:h:1, x=y }, ${more}", "unix:x unix:y,",
};

START_TEST(append_and_without_give_back_the_text)
{
    char *longer = list_append(lists[_i], "{ unix:s, default_action=accept }");
    char *back = list_without(longer, "unix:s");
    size_t length = strlen(lists[_i]);

    /* A comma that ended the list has become the separator. */
    length -= lists[_i][length - 1] == ',';
    ck_assert_uint_eq(strlen(back), length);
    ck_assert_int_eq(strncmp(back, lists[_i], length), 0);
    free(longer);
    free(back);
}
END_TEST

static const struct {
    const char *list, *name;
    int refers;
} referring[] = {
    {"$smtpd_milters", "smtpd_milters", 1},
    {"unix:a, ${smtpd_milters}", "smtpd_milters", 1},
    {"$(smtpd_milters) unix:a", "smtpd_milters", 1},
    {"$non_smtpd_milters", "smtpd_milters", 0},
    {"$smtpd_milters_too", "smtpd_milters", 0},
    {"${smtpd_milters?x}", "smtpd_milters", 1},
    {"smtpd_milters", "smtpd_milters", 0},
    {"$", "smtpd_milters", 0},
    {"$$smtpd_milters", "smtpd_milters", 1},
};

START_TEST(refers)
{
    ck_assert_int_eq(list_refers(referring[_i].list, referring[_i].name), referring[_i].refers);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

int main(void)
{
    Suite *suite = suite_create("ctl/postfix_list");
    TCase *tc = tcase_create("postfix_list");

    tcase_add_loop_test(tc, has, 0, ROWS(having));
    tcase_add_loop_test(tc, append, 0, ROWS(appending));
    tcase_add_loop_test(tc, without, 0, ROWS(removing));
    tcase_add_loop_test(tc, append_and_without_give_back_the_text, 0, ROWS(lists));
    tcase_add_loop_test(tc, refers, 0, ROWS(referring));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
