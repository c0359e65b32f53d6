/* classifier/inspect: it gives the same verdict as classify(), and tells why. */
#include "config.h"

#include "classifier/inspect.h"

#include "classifier/ruleset.h"
#include "tests/run.h"

#include <string.h>

static struct ruleset *ruleset;
static struct inspection inspection;
static struct error error;

static void setup(void)
{
    ruleset = ruleset_load(NULL, NULL, &error);
    ck_assert_msg(ruleset != NULL, "%s", error.text);
}

static void teardown(void)
{
    ruleset_unref(&ruleset);
}

static void look(const char *text, const char *mta)
{
    struct classify_input input = {.text = text, .length = strlen(text), .mta = mta};

    ck_assert_int_eq(inspect(ruleset, &input, &inspection, &error), 0);
}

/* The rule that classify() names is the first whose conditions hold. */
static void agrees(const char *text)
{
    const struct match *first = NULL;
    size_t i;

    look(text, NULL);
    for (i = 0; i < inspection.count && !first; i++)
        if (inspection.matches[i].fate <= MATCH_LATE)
            first = &inspection.matches[i];
    if (inspection.verdict.code < 200 || inspection.verdict.code >= 400) {
        ck_assert_msg(!first || first->fate == MATCH_WINS, "%s: %s", text, first->rule->id);
        ck_assert_int_eq(first != NULL, *inspection.verdict.rule && !strchr(inspection.verdict.rule, ':'));
    }
    inspection_clear(&inspection);
}

START_TEST(agrees_with_classify_on_every_example)
{
    size_t i, j;

    for (i = 0; i < ruleset_size(ruleset); i++)
        for (j = 0; j < ruleset_rule(ruleset, i)->examples.count; j += 2)
            agrees(ruleset_rule(ruleset, i)->examples.list[j]);
}
END_TEST

START_TEST(shows_the_span_and_what_comes_late)
{
    const struct match *match;
    size_t i, late = 0;

    look("550 5.1.1 The email account that you tried to reach does not exist", "mx.example.com");
    ck_assert_uint_gt(inspection.count, 1);
    match = &inspection.matches[0];
    ck_assert_int_eq(match->fate, MATCH_WINS);
    ck_assert_str_eq(match->rule->id, inspection.verdict.rule);
    ck_assert_int_eq(strncmp(inspection.reply.words + match->start, "email account", 13), 0);
    for (i = 1; i < inspection.count; i++)
        late += inspection.matches[i].fate == MATCH_LATE;
    ck_assert_uint_gt(late, 0);
    inspection_clear(&inspection);
}
END_TEST

START_TEST(a_bare_code_matches_nothing)
{
    look("550", NULL);
    ck_assert_uint_eq(inspection.count, 0);
    ck_assert_int_eq(inspection.verdict.reason, REASON_UNCLASSIFIED);
    inspection_clear(&inspection);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classifier/inspect");
    TCase *tc = tcase_create("inspect");

    tcase_set_timeout(tc, 300);
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_test(tc, agrees_with_classify_on_every_example);
    tcase_add_test(tc, shows_the_span_and_what_comes_late);
    tcase_add_test(tc, a_bare_code_matches_nothing);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
