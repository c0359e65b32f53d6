/* The main of a unit test program: runs one suite, prints Check's closing line. */
#ifndef SUPPRESSD_TESTS_RUN_H
#define SUPPRESSD_TESTS_RUN_H

#include <check.h>
#include <stdlib.h>

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
