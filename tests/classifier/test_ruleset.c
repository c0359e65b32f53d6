/* Rule files: what is refused, and with which words; order; versions. */
#include "config.h"

#include "classifier/ruleset.h"

#include "classifier/classify.h"
#include "tests/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test_ruleset.XXXXXX";
static char path[64];

static void write_rules(const char *text)
{
    FILE *file;

    if (strstr(folder, "XXXXXX"))
        ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/10-test.rules", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void clean(void)
{
    unlink(path);
    rmdir(folder);
}

#define RULE(id, pattern, reason, example) \
    "rule " id " {\n pattern = {'" pattern "'}\n reason = '" reason "'\n examples = {'" example \
    "'}\n}\n"

static const struct {
    const char *text, *error; /* error: what must stand in it, behind the folder's name */
} faults[] = {
    {"", "there are no rules"},
    {"# nothing\n", "there are no rules"},
    {"rule x {\n", "10-test.rules:"},
    {"rule x { colour = 'red' }\n", "10-test.rules:1: "},
    {"\n\nrule x {\n reason = 'policy'\n examples = {'550 a'}\n}\n",
     "10-test.rules:3: rule \"x\": has no pattern"},
    {"rule x {\n pattern = {'aaa'}\n reason = 'policy'\n}\n",
     "10-test.rules:1: rule \"x\": has no example"},
    {RULE("x", "aaa", "bad-luck", "550 aaa"), ": rule \"x\": no such reason: bad-luck"},
    {RULE("x", "a(b", "policy", "550 a(b"), "10-test.rules:1: rule \"x\": bad pattern 'a(b': "},
    {RULE("x", "aaa", "policy", "550 bbb"),
     "10-test.rules:1: rule \"x\" misses its example \"550 bbb\""},
    {RULE("x", "aaa", "policy", "550 aaa") RULE("y", "aa", "policy", "550 aaa"),
     "10-test.rules:6: rule \"y\" never gets its example \"550 aaa\": rule \"x\" takes it ("},
    {RULE("x", "aaa", "policy", "550 aaa") RULE("x", "bbb", "policy", "550 bbb"),
     "10-test.rules:"},
    {"rule x {\n provider = {'nobody'}\n pattern = {'aaa'}\n reason = 'policy'\n"
     " examples = {'550 aaa'}\n}\n",
     "10-test.rules:1: rule \"x\": no such provider: nobody"},
    {"rule x {\n pattern = {'aaa'}\n reason = 'policy'\n examples = {'550 aaa'}\n"
     " not = {'550 aaab'}\n}\n",
     "10-test.rules:1: rule \"x\" takes its counter-example \"550 aaab\""},
    {"rule x {\n stage = {'lunch'}\n pattern = {'aaa'}\n reason = 'policy'\n"
     " examples = {'550 aaa'}\n}\n",
     "10-test.rules:1: rule \"x\": no such stage: lunch"},
};

START_TEST(faults_name_file_line_and_why)
{
    struct error error = {0};

    write_rules(faults[_i].text);
    ck_assert_ptr_null(ruleset_load(folder, NULL, &error));
    ck_assert_msg(strstr(error.text, faults[_i].error), "got: %s", error.text);
    clean();
}
END_TEST

START_TEST(a_local_rule_wins)
{
    struct error error = {0};
    struct ruleset *ruleset, *plain;
    struct classifier *classifier;
    struct classify_input input = {.text = "550 5.1.1 user unknown", .length = 22};
    struct verdict verdict;

    write_rules(RULE("our-own", "user unknown", "policy", "550 user unknown"));
    ruleset = ruleset_load(NULL, folder, &error);
    ck_assert_msg(ruleset != NULL, "%s", error.text);
    plain = ruleset_load(NULL, NULL, &error);
    ck_assert_ptr_nonnull(plain);
    ck_assert_uint_eq(ruleset_size(ruleset), ruleset_size(plain) + 1);
    ck_assert_str_ne(ruleset_version(ruleset), ruleset_version(plain));
    ck_assert_uint_eq(strlen(ruleset_version(plain)), 16);
    classifier = classifier_open(ruleset, &error);
    classify(classifier, &input, &verdict);
    ck_assert_str_eq(verdict.rule, "our-own");
    ck_assert_int_eq(verdict.reason, REASON_POLICY);
    classifier_close(&classifier);
    ruleset_unref(&ruleset);
    ruleset_unref(&plain);
    clean();
}
END_TEST

START_TEST(a_local_folder_may_be_absent)
{
    struct error error = {0};
    struct ruleset *ruleset = ruleset_load(NULL, "/nonexistent/rules.d", &error);

    ck_assert_msg(ruleset != NULL, "%s", error.text);
    ruleset_unref(&ruleset);
    ck_assert_ptr_null(ruleset_load("/nonexistent/rules", NULL, &error));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ruleset");
    TCase *tcase = tcase_create("load");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, faults_name_file_line_and_why, 0,
                        (int)(sizeof(faults) / sizeof(*faults)));
    tcase_add_test(tcase, a_local_rule_wins);
    tcase_add_test(tcase, a_local_folder_may_be_absent);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
