/* classifier/lint: all faults of a set at once, each with its place. */
#include "config.h"

#include "classifier/lint.h"

#include "base/mem.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RULE(id, pattern, reason, rest) \
    "rule " id " {\n    pattern = {'" pattern "'}\n    reason = '" reason "'\n" rest "}\n"
#define FULL RULE("full", "cupboard is full", "mailbox-full", "    examples = {'552 Cupboard is full'}\n")

static char folder[64];
static char found[8192]; /* the findings, one a line, folders taken off */

static void setup(void)
{
    strcpy(folder, "/tmp/suppressd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    found[0] = '\0';
}

static void teardown(void)
{
    char path[100];

    for (const char *name = "ab"; *name; name++) {
        snprintf(path, sizeof(path), "%s/%c.rules", folder, *name);
        unlink(path);
    }
    rmdir(folder);
}

static void write_file(char name, const char *text)
{
    char path[100];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%c.rules", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void keep(void *context, const char *finding)
{
    size_t length = strlen(folder) + 1;
    const char *at;

    (void)context;
    while ((at = strstr(finding, folder))) {
        strncat(found, finding, (size_t)(at - finding));
        finding = at + length;
    }
    strcat(found, finding);
    strcat(found, "\n");
}

static int lint(int alone)
{
    const char *path = folder;
    struct lint_request request = {.paths = &path, .path_count = 1, .alone = alone, .report = keep};
    struct error error = {0};
    int findings = lint_rules(&request, &error);

    ck_assert_msg(findings >= 0, "%s", error.text);
    return findings;
}

static const struct {
    const char *text, *found;
} cases[] = {
    {FULL, ""},
    {RULE("a", "(open", "policy", "    examples = {'550 open'}\n"), "a.rules:1: rule \"a\": bad pattern '(open'"},
    {RULE("a", "x", "hungry", "    examples = {'550 x'}\n"), "a.rules:1: rule \"a\": no such reason: hungry"},
    {RULE("a", "x", "policy", ""), "rule \"a\": has no example"},
    {RULE("a", "x y", "policy", "    examples = {'550 z'}\n"), "a.rules:1: rule \"a\" misses its example \"550 z\""},
    {FULL RULE("a", "is full", "system-full", "    examples = {'452 Cupboard is full'}\n"),
     "rule \"a\" never gets its example \"452 Cupboard is full\": rule \"full\" takes it (a.rules:"},
    {FULL RULE("a", "cupboard is full", "system-full", "    code = {'452'}\n    examples = {'452 cupboard is full'}\n"),
     "rule \"a\": pattern 'cupboard is full' is shadowed by rule \"full\" (a.rules:"},
    {RULE("a", "x y", "policy", "    examples = {'550 x y'}\n    not = {'550 no x y'}\n"),
     "rule \"a\" takes its counter-example \"550 no x y\""},
    {FULL FULL, "rule \"full\" exists already: a.rules:"},
    {RULE("a", "x y", "policy", "    provider = {'nobody'}\n    examples = {'550 x y'}\n"),
     "rule \"a\": no such provider: nobody"},
    {"provider p {\n    hint = {'[z'}\n}\n" FULL, "provider \"p\": bad hint '[z'"},
    {"provider p { mx = {'a.example'} }\nprovider p { mx = {'b.example'} }\n" FULL,
     "provider \"p\": stands there already"},
    {FULL "rule a {\n    colour = 'red'\n}\n", "a.rules:7: no such option 'colour'"},
    {FULL "rule a {\n    pattern = {'never closed\n", "a.rules:"},
    {"", "there are no rules"},
};

START_TEST(each_fault_is_named)
{
    int findings;

    write_file('a', cases[_i].text);
    findings = lint(1);
    ck_assert_msg(strstr(found, cases[_i].found) != NULL, "wanted: %s\ngot: %s", cases[_i].found, found);
    ck_assert_int_eq(findings > 0, *cases[_i].found != '\0');
    ck_assert_int_eq(findings > 0, *found != '\0');
}
END_TEST

/* One bad section hides no other, nor a bad file the next. */
START_TEST(all_faults_are_named)
{
    write_file('a', RULE("a", "x", "hungry", "    examples = {'550 x'}\n")
                    RULE("b", "y", "thirsty", "    examples = {'550 y'}\n") FULL
                    RULE("c", "(", "policy", "    examples = {'550 z'}\n"));
    write_file('b', FULL RULE("d", "u v", "policy", "    examples = {'550 w'}\n")
                    "rule e {\n    colour = 'red'\n}\n"
                    RULE("f", "cupboard is", "policy", "    examples = {'550 cupboard is full'}\n"));
    ck_assert_int_eq(lint(1), 7);
    ck_assert_ptr_nonnull(strstr(found, "hungry"));
    ck_assert_ptr_nonnull(strstr(found, "a.rules:6: rule \"b\": no such reason: thirsty"));
    ck_assert_ptr_nonnull(strstr(found, "rule \"c\": bad pattern '('"));
    ck_assert_ptr_nonnull(strstr(found, "b.rules:1: rule \"full\" exists already: a.rules:11"));
    ck_assert_ptr_nonnull(strstr(found, "rule \"d\" misses its example"));
    ck_assert_ptr_nonnull(strstr(found, "b.rules:12: no such option 'colour'"));
    ck_assert_ptr_nonnull(strstr(found, "rule \"f\" never gets its example"));
}
END_TEST

START_TEST(local_rules_stand_before_the_shipped_ones)
{
    write_file('a', RULE("mine", "over quota", "policy", "    examples = {'552 5.2.2 over quota'}\n"));
    ck_assert_int_eq(lint(0), 0);
}
END_TEST

START_TEST(the_shipped_rules_have_no_fault)
{
    struct lint_request request = {.report = keep};
    struct error error = {0};

    ck_assert_msg(lint_rules(&request, &error) == 0, "%s%s", found, error.text);
}
END_TEST

START_TEST(a_missing_file_is_an_error)
{
    const char *path = "/nonexistent/x.rules";
    struct lint_request request = {.paths = &path, .path_count = 1, .report = keep};
    struct error error = {0};

    ck_assert_int_eq(lint_rules(&request, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, path));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classifier/lint");
    TCase *tc = tcase_create("lint");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_fault_is_named, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, all_faults_are_named);
    tcase_add_test(tc, local_rules_stand_before_the_shipped_ones);
    tcase_add_test(tc, the_shipped_rules_have_no_fault);
    tcase_add_test(tc, a_missing_file_is_an_error);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
