/*
 * t/unit/test_heap_image.c - lib/sys/heap_image. Each test runs in a process of its own.
 */
#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/sys/heap_image.h"

enum { PAGE = 4096, PAGES = 20, BLOCK = PAGE * PAGES };

/* Private memory (KiB) in the mapping of the image. */
static long
private_kib(void)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool ours = false;
    long total = 0;

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strchr(line, '-') != NULL && strstr(line, " rw-p ") != NULL)
            ours = strstr(line, "memfd:heap") != NULL;
        else if (strchr(line, '-') != NULL && strstr(line, " r--s ") != NULL)
            ours = false;
        if (ours && strncmp(line, "Private_Dirty:", 14) == 0)
            total += strtol(line + 14, NULL, 10);
    }
    (void)fclose(f);
    return total;
}

START_TEST(pages_that_are_the_same_again_are_given_back)
{
    char *block = xmalloc(BLOCK), *top = NULL;
    long before, after;

    memset(block, 'x', BLOCK);
    if (heap_image_make(heap_image_open()) < 0) {
        free(block);
        return; /* with a sanitizer the heap is elsewhere */
    }
    for (size_t i = 0; i < BLOCK; i += PAGE)
        block[i]++;
    for (size_t i = PAGE; i < BLOCK; i += PAGE)
        block[i]--;
    top = xmalloc(BLOCK); /* allocation goes on above the image */
    memset(top, 'y', BLOCK);
    before = private_kib();
    heap_image_release();
    after = private_kib();
    ck_assert_int_ge(before - after, (PAGES - 3) * PAGE / 1024);
    ck_assert_int_eq(block[0], 'x' + 1);
    for (size_t i = 1; i < BLOCK; i++)
        ck_assert_int_eq(block[i], 'x');
    for (size_t i = 0; i < BLOCK; i++)
        ck_assert_int_eq(top[i], 'y');
    free(top);
    free(block);
    (void)malloc_trim(0);
    heap_image_release();
    block = xcalloc(BLOCK, 1);
    for (size_t i = 0; i < BLOCK; i++)
        ck_assert_int_eq(block[i], 0);
    free(block);
}
END_TEST

START_TEST(without_an_image_nothing_happens)
{
    char *block = xmalloc(BLOCK);

    memset(block, 'x', BLOCK);
    heap_image_release();
    ck_assert_int_eq(heap_image_make(-1), -1);
    heap_image_release();
    ck_assert_int_eq(block[BLOCK - 1], 'x');
    free(block);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("heap_image");
    TCase *tc = tcase_create("heap_image");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, pages_that_are_the_same_again_are_given_back);
    tcase_add_test(tc, without_an_image_nothing_happens);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_set_fork_status(sr, CK_FORK);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
