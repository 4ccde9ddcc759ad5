/*
 * t/unit/table_run.h - main() of a suite that is one test over the rows of a table.
 */
#ifndef POSTHORN_T_UNIT_TABLE_RUN_H
#define POSTHORN_T_UNIT_TABLE_RUN_H

#include <check.h>
#include <stdlib.h>

/* Runs the test with _i from 0 to rows - 1; the exit status. */
static inline int
table_run(const char *name, const TTest *test, int rows)
{
    Suite *s = suite_create(name);
    TCase *tc = tcase_create(name);
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, test, 0, rows);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
