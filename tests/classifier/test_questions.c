/* The replies that people ask about get the verdicts that are right. */
#include "config.h"

#include "ctl/questions.h"

#include "classifier/classify.h"
#include "classifier/ruleset.h"
#include "tests/run.h"

#include <string.h>

static struct classifier *classifier;

static void setup(void)
{
    struct error error = {0};
    struct ruleset *ruleset = ruleset_load(NULL, NULL, &error);

    ck_assert_msg(ruleset != NULL, "%s", error.text);
    classifier = classifier_open(ruleset, &error);
    ck_assert_ptr_nonnull(classifier);
    ruleset_unref(&ruleset);
}

static void teardown(void)
{
    classifier_close(&classifier);
}

START_TEST(each_question_has_its_answer)
{
    const struct question *question = &questions[_i];
    struct classify_input input = {.text = question->text, .mta = question->mta};
    struct verdict verdict;

    if (question->title)
        return;
    input.length = strlen(question->text);
    classify(classifier, &input, &verdict);
    ck_assert_msg(verdict.reason == question->reason, "%s: %s by %s, not %s", question->text,
                  reason_info(verdict.reason)->name, verdict.rule, reason_info(question->reason)->name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classifier/questions");
    TCase *tc = tcase_create("questions");
    int count = 0;

    while (questions[count].text)
        count++;
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_question_has_its_answer, 0, count);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
