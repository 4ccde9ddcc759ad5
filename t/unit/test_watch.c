/*
 * t/unit/test_watch.c - lib/store/watch: which folders may have changed.
 */
#include "t/unit/store_test.h"

#include <poll.h>
#include <signal.h>

#include "lib/store/watch.h"

static struct watch *w;

static void
setup(void)
{
    store_test_setup();
    ck_assert_int_eq(store_create(store_test, SLICE("one"), STORE_USE_NONE), 0);
    ck_assert_int_eq(store_create(store_test, SLICE("two"), STORE_USE_NONE), 0);
    w = watch_new();
    ck_assert_ptr_nonnull(w);
}

static void
teardown(void)
{
    watch_free(&w);
    ck_assert_ptr_null(w);
    watch_free(&w); /* nothing happens */
    store_test_teardown();
}

static bool
is_readable(void)
{
    struct pollfd p = {.fd = watch_fd(w), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

START_TEST(it_names_what_changed)
{
    int one = watch_folder(w, store_test, SLICE("one")),
        two = watch_folder(w, store_test, SLICE("two"));

    ck_assert_int_ge(one, 0);
    ck_assert_int_ge(two, 0);
    ck_assert_int_ne(one, two);
    ck_assert(!is_readable());
    (void)store_test_append("two", "a: b\r\n", 0);
    ck_assert(is_readable());
    ck_assert_int_eq(watch_next(w), two);
    ck_assert_int_eq(watch_next(w), -1);
    ck_assert(!is_readable());
    (void)store_test_append("one", "a: b\r\n", 0);
    (void)store_test_append("two", "a: b\r\n", 0);
    ck_assert_int_eq(watch_next(w), one);
    ck_assert_int_eq(watch_next(w), two);
    ck_assert_int_eq(watch_next(w), -1);
}
END_TEST

START_TEST(what_is_removed_is_silent_and_its_number_is_used_again)
{
    int one = watch_folder(w, store_test, SLICE("one")),
        two = watch_folder(w, store_test, SLICE("two"));

    watch_remove(w, one);
    watch_remove(w, -1);
    (void)store_test_append("one", "a: b\r\n", 0);
    ck_assert_int_eq(watch_next(w), -1);
    watch_doubt(w);
    ck_assert_int_eq(watch_next(w), two);
    ck_assert_int_eq(watch_next(w), -1);
    ck_assert_int_eq(watch_folder(w, store_test, SLICE("INBOX")), one);
    ck_assert_int_eq(watch_folder(w, store_test, SLICE("nowhere")), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* The kernel's queue of signals was full: it sends SIGIO instead. */
START_TEST(lost_signals_are_made_up_for)
{
    int one = watch_folder(w, store_test, SLICE("one")),
        two = watch_folder(w, store_test, SLICE("two"));

    ck_assert_int_eq(raise(SIGIO), 0);
    ck_assert_int_eq(watch_next(w), one);
    ck_assert_int_eq(watch_next(w), two);
    ck_assert_int_eq(watch_next(w), -1);
}
END_TEST

START_TEST(folders_that_come_and_go_are_named_by_the_list)
{
    int list = watch_list(w, store_test);

    ck_assert_int_ge(list, 0);
    (void)store_test_append("one", "a: b\r\n", 0);
    while (watch_next(w) >= 0) /* the first message of a user makes a file there */
        continue;
    (void)store_test_append("one", "a: b\r\n", 0);
    ck_assert_int_eq(watch_next(w), -1);
    ck_assert_int_eq(store_create(store_test, SLICE("three"), STORE_USE_NONE), 0);
    ck_assert_int_eq(watch_next(w), list);
    ck_assert_int_eq(store_rename(store_test, SLICE("three"), SLICE("four")), 0);
    ck_assert_int_eq(watch_next(w), list);
    ck_assert_int_eq(store_subscribe(store_test, SLICE("four"), true), 0);
    ck_assert_int_eq(watch_next(w), list);
    ck_assert_int_eq(store_remove(store_test, SLICE("four")), 0);
    ck_assert_int_eq(watch_next(w), list);
}
END_TEST

START_TEST(a_name_may_become_another_folders)
{
    int one = watch_folder(w, store_test, SLICE("one"));

    ck_assert(watch_is_current(w, one, store_test, SLICE("one")));
    ck_assert_int_eq(store_rename(store_test, SLICE("one"), SLICE("old")), 0);
    ck_assert(!watch_is_current(w, one, store_test, SLICE("one")));
    ck_assert(watch_is_current(w, one, store_test, SLICE("old")));
    ck_assert_int_eq(store_create(store_test, SLICE("one"), STORE_USE_NONE), 0);
    ck_assert(!watch_is_current(w, one, store_test, SLICE("one")));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("watch");
    TCase *tc = tcase_create("watch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_names_what_changed);
    tcase_add_test(tc, what_is_removed_is_silent_and_its_number_is_used_again);
    tcase_add_test(tc, lost_signals_are_made_up_for);
    tcase_add_test(tc, folders_that_come_and_go_are_named_by_the_list);
    tcase_add_test(tc, a_name_may_become_another_folders);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
