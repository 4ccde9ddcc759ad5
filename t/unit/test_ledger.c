/*
 * t/unit/test_ledger.c - lib/store/ledger: a user's totals and the quota, over all folders.
 */
#include "t/unit/store_test.h"

#include <sys/wait.h>

#include "lib/store/ledger.h"

static void
totals_are(uint64_t want_bytes, uint64_t want_messages)
{
    struct record_state s;

    ck_assert_int_eq(ledger_read(store_test, &s), 0);
    ck_assert_uint_eq(s.user_bytes, want_bytes);
    ck_assert_uint_eq(s.user_messages, want_messages);
}

/* An APPEND that has come to its commit. */
static struct mailbox_append *
prepared(struct store *store, const char *folder)
{
    struct mailbox_append *a = mailbox_append_begin(store, slice_of(folder));

    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(write_all(mailbox_append_fd(a), SLICE("12345678\r\n")), 0);
    ck_assert_int_eq(mailbox_append_message(a, 0, NULL, 0, 1), 0);
    return a;
}

/* Both asked while there was room for one. */
START_TEST(two_at_once_do_not_pass_the_quota)
{
    static const char *const folders[][2] = {
        {"INBOX", "INBOX"}, {"Sent", "Sent"}, {"Sent", "INBOX"}, {"INBOX", "Sent"}};
    struct store_options options = {.may_remove = true, .quota_bytes = 15};
    struct store *limited = store_open(store_test_fd, &options);
    struct mailbox_append *a = prepared(limited, folders[_i][0]);
    struct mailbox_append *b = prepared(limited, folders[_i][1]);
    struct mailbox_uids uids;
    struct mailbox_info info;

    ck_assert_int_eq(mailbox_append_commit(&a, &uids), 0);
    free(uids.uids);
    ck_assert_int_eq(mailbox_append_commit(&b, &uids), -1);
    ck_assert_int_eq(errno, EDQUOT);
    totals_are(10, 1);
    ck_assert_int_eq(mailbox_status(limited, slice_of(folders[_i][1]), &info), 0);
    ck_assert_uint_eq(info.count, strcmp(folders[_i][0], folders[_i][1]) == 0);
    store_close(&limited);
}
END_TEST

START_TEST(a_move_needs_no_room)
{
    struct store_options options = {.may_remove = true, .quota_bytes = 10};
    struct store *full = store_open(store_test_fd, &options);
    struct mailbox_uids uids;
    struct mailbox *mb;
    uint32_t seq = 1;

    (void)store_test_append(_i == 0 ? "INBOX" : "Sent", "12345678\r\n", 0);
    mb = mailbox_open(full, _i == 0 ? SLICE("INBOX") : SLICE("Sent"), false, false);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Trash"), false, &uids), -1);
    ck_assert_int_eq(errno, EDQUOT);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Trash"), true, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
    totals_are(10, 1);
    store_close(&full);
}
END_TEST

/* Totals that somebody who died left wrong are right after the first change of the next session. */
START_TEST(a_new_session_counts_what_is_wrong)
{
    uint64_t bytes, messages;

    (void)store_test_append("INBOX", "1\r\n", 0);
    (void)store_test_append("Sent", "22\r\n", 0);
    ck_assert_int_eq(ledger_add(store_test, 1000, 7), 0);
    totals_are(1007, 9);
    store_close(&store_test);
    store_test = store_open(store_test_fd, &store_test_options);
    if (_i == 0)
        (void)store_test_append("Sent", "333\r\n", 0);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, _i == 0 ? 12 : 7);
    ck_assert_uint_eq(messages, _i == 0 ? 3 : 2);
}
END_TEST

/* What somebody is at is neither counted twice nor left out. */
START_TEST(nobody_counts_during_a_change)
{
    struct store *other = store_open(store_test_fd, &store_test_options);

    (void)store_test_append("Sent", "1\r\n", 0);
    ledger_begin(other);
    ck_assert_int_eq(ledger_verify(store_test, 20), -1);
    ck_assert_int_eq(errno, EBUSY);
    ledger_begin(other);
    ledger_end(other);
    ck_assert_int_eq(ledger_verify(store_test, 20), -1);
    ledger_end(other);
    ck_assert_int_eq(ledger_verify(store_test, 20), 0);
    totals_are(3, 1);
    store_close(&other);
}
END_TEST

static _Noreturn void
change_all_the_time(unsigned n)
{
    static const char *const folders[] = {"Sent", "Trash", "INBOX"};
    struct store *store = store_open(store_test_fd, &store_test_options);

    for (unsigned i = 0; i < 60; i++) {
        struct mailbox_append *a = mailbox_append_begin(store, slice_of(folders[(i + n) % 3]));
        struct mailbox_uids uids;
        struct mailbox *mb;

        if (write_all(mailbox_append_fd(a), SLICE("x\r\n")) < 0 ||
            mailbox_append_message(a, MESSAGE_DELETED, NULL, 0, 1) < 0 ||
            mailbox_append_commit(&a, &uids) < 0)
            _exit(2);
        free(uids.uids);
        mb = i % 4 != 0 ? NULL : mailbox_open(store, slice_of(folders[i % 3]), false, false);
        if (mb != NULL && mailbox_expunge(mb, NULL, 0) < 0)
            _exit(3);
        mailbox_close(&mb);
        store->ledger_verified = false; /* as new sessions come */
    }
    store_close(&store);
    _exit(0);
}

START_TEST(counting_does_not_disturb_those_at_work)
{
    struct record_state s;
    uint64_t bytes, messages;
    int status;

    for (unsigned i = 0; i < 4; i++)
        if (fork() == 0)
            change_all_the_time(i);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(ledger_read(store_test, &s), 0);
    ck_assert_int_eq(store_recount(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(s.user_messages, messages);
    ck_assert_uint_eq(s.user_bytes, bytes);
}
END_TEST

/* Values that run ahead of the clock are on disk before they are used: here, they are marked. */
START_TEST(a_uidvalidity_is_given_once)
{
    uint32_t last = 0, value;

    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(ledger_new_uidvalidity(store_test, &value), 0);
        ck_assert_uint_gt(value, last);
        last = value;
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tc = tcase_create("totals");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_loop_test(tc, two_at_once_do_not_pass_the_quota, 0, 4);
    tcase_add_loop_test(tc, a_move_needs_no_room, 0, 2);
    tcase_add_loop_test(tc, a_new_session_counts_what_is_wrong, 0, 2);
    tcase_add_test(tc, nobody_counts_during_a_change);
    tcase_add_test(tc, counting_does_not_disturb_those_at_work);
    tcase_add_test(tc, a_uidvalidity_is_given_once);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
