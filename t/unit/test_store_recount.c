/*
 * t/unit/test_store_recount.c - store_recount, alone and beside a process that changes the store.
 */
#include "t/unit/store_test.h"

#include <sys/wait.h>

#include "lib/store/ledger.h"

enum { CHANGES = 120 };

static void
assert_usage(uint64_t bytes, uint64_t messages)
{
    uint64_t got_bytes, got_messages;

    ck_assert_int_eq(store_usage(store_test, &got_bytes, &got_messages), 0);
    ck_assert_uint_eq(got_bytes, bytes);
    ck_assert_uint_eq(got_messages, messages);
}

START_TEST(drift_is_taken_out)
{
    static const int64_t drifts[][2] = {{1000, 3}, {-7, -1}, {5, 0}};
    uint64_t bytes, messages;

    (void)store_test_append("INBOX", "12345678\r\n", 0);
    (void)store_test_append("Sent", "12345\r\n", 0);
    ck_assert_int_eq(ledger_add(store_test, drifts[_i][0], drifts[_i][1]), 0);
    ck_assert_int_eq(store_recount(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, 17);
    ck_assert_uint_eq(messages, 2);
    assert_usage(17, 2);
}
END_TEST

/* Into a folder whose changes reach the ledger in a second step, and out of it again. */
static void
change_all_the_time(void)
{
    for (uint32_t i = 1; i <= CHANGES; i++) {
        uint32_t uid = store_test_append("Sent", "12345\r\n", 0);

        if (i % 3 == 0) {
            struct mailbox *mb = store_test_select("Sent");

            ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
            mailbox_close(&mb);
        }
        (void)usleep(20000);
    }
}

START_TEST(changes_meanwhile_are_not_lost)
{
    uint64_t bytes, messages;
    int status = 0;
    pid_t child;

    ck_assert_int_eq(ledger_add(store_test, 500, 5), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        change_all_the_time();
        _exit(0);
    }
    while (waitpid(child, &status, WNOHANG) == 0)
        ck_assert(store_recount(store_test, &bytes, &messages) == 0 || errno == EBUSY);
    ck_assert_int_eq(status, 0);
    assert_usage(7 * (CHANGES - CHANGES / 3), CHANGES - CHANGES / 3);
}
END_TEST

START_TEST(a_read_only_store_is_only_counted)
{
    const struct store_options options = {.read_only = true};
    uint64_t bytes, messages;

    ck_assert_int_eq(ledger_add(store_test, 500, 5), 0);
    store_close(&store_test);
    store_test = store_open(store_test_fd, &options);
    ck_assert_int_eq(store_recount(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, 0);
    assert_usage(500, 5);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_recount");
    TCase *tc = tcase_create("recount");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_loop_test(tc, drift_is_taken_out, 0, 3);
    tcase_add_test(tc, changes_meanwhile_are_not_lost);
    tcase_add_test(tc, a_read_only_store_is_only_counted);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
