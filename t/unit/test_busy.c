/*
 * t/unit/test_busy.c - local-deliver/busy: locked mailboxes are remembered, and forgotten.
 */
// LINK: local-deliver/busy.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "local-deliver/busy.h"

START_TEST(remembered_for_a_while)
{
    struct busy b = {.next = 0};

    ck_assert(!busy_has(&b, SLICE("d/00/a"), 1000));
    busy_add(&b, SLICE("d/00/a"), 1000);
    ck_assert(busy_has(&b, SLICE("d/00/a"), 1000 + BUSY_MS - 1));
    ck_assert(!busy_has(&b, SLICE("d/00/b"), 1000));
    ck_assert(!busy_has(&b, SLICE("d/00/a"), 1000 + BUSY_MS));
    busy_clear(&b);
    ck_assert(!busy_has(&b, SLICE("d/00/a"), 1000));
}
END_TEST

START_TEST(oldest_makes_room)
{
    struct busy b = {.next = 0};
    char path[32];

    for (int i = 0; i <= BUSY_MAX; i++) {
        (void)snprintf(path, sizeof(path), "d/00/u%d", i);
        busy_add(&b, slice_of(path), 1000);
    }
    ck_assert(!busy_has(&b, SLICE("d/00/u0"), 1000));
    ck_assert(busy_has(&b, SLICE("d/00/u1"), 1000));
    ck_assert(busy_has(&b, slice_of(path), 1000));
    busy_clear(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("busy");
    TCase *tc = tcase_create("busy");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, remembered_for_a_while);
    tcase_add_test(tc, oldest_makes_room);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
