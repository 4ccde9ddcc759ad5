/*
 * t/unit/test_store.c - lib/store/store: folders made, listed, renamed, removed, subscribed.
 */
#include "t/unit/store_test.h"

static struct strbuf listing;

static void
setup(void)
{
    store_test_setup();
    listing = strbuf_new(65536);
}

static void
teardown(void)
{
    strbuf_free(&listing);
    store_test_teardown();
}

static void
add_folder(void *arg, const struct store_folder *f)
{
    (void)arg;
    (void)strbuf_printf(&listing, "%s%s%s%s%d\n", f->name, f->exists ? " e" : " -",
                        f->subscribed ? "s" : "-", f->has_children ? "c" : "-", (int)f->use);
}

static const char *
list(void)
{
    strbuf_clear(&listing);
    ck_assert_int_eq(store_list(store_test, add_folder, NULL), 0);
    return strbuf_cstr(&listing);
}

START_TEST(the_standard_folders_are_listed)
{
    ck_assert_str_eq(list(), "INBOX es-0\nDrafts es-2\nJunk es-4\nSent es-1\nTrash es-3\n");
}
END_TEST

START_TEST(a_folder_is_made_with_its_parents)
{
    ck_assert_int_eq(store_create(store_test, SLICE("Work/2026/Q1"), STORE_USE_NONE), 0);
    ck_assert_int_eq(store_create(store_test, SLICE("Work-x"), STORE_USE_NONE), 0);
    ck_assert_int_eq(store_create(store_test, SLICE("Work/2026"), STORE_USE_NONE), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_int_eq(store_create(store_test, SLICE("inbox"), STORE_USE_NONE), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_int_eq(store_create(store_test, SLICE("a/../b"), STORE_USE_NONE), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_str_eq(list(), "INBOX es-0\nDrafts es-2\nJunk es-4\nSent es-1\nTrash es-3\n"
                             "Work e-c0\nWork/2026 e-c0\nWork/2026/Q1 e--0\nWork-x e--0\n");
}
END_TEST

START_TEST(a_removed_folder_leaves_its_children)
{
    struct mailbox_info info;

    ck_assert_int_eq(store_create(store_test, SLICE("A/B"), STORE_USE_NONE), 0);
    ck_assert_uint_eq(store_test_append("A", "x\r\n", 0), 1);
    ck_assert_int_eq(store_remove(store_test, SLICE("A")), 0);
    ck_assert_ptr_nonnull(strstr(list(), "A --c0\nA/B e--0\n"));
    ck_assert_int_eq(mailbox_status(store_test, SLICE("A"), &info), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(store_remove(store_test, SLICE("INBOX")), -1);
    ck_assert_int_eq(store_remove(store_test, SLICE("Nothing")), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_folder_that_is_not_made_brings_no_parents)
{
    ck_assert_int_eq(store_create(store_test, SLICE("A/B"), STORE_USE_NONE), 0);
    ck_assert_int_eq(store_remove(store_test, SLICE("A")), 0);
    ck_assert_int_eq(store_create(store_test, SLICE("A/B"), STORE_USE_NONE), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_ptr_nonnull(strstr(list(), "A --c0\nA/B e--0\n"));
}
END_TEST

START_TEST(a_name_comes_back_with_another_uidvalidity)
{
    struct mailbox_info before, after;

    ck_assert_int_eq(store_create(store_test, SLICE("A"), STORE_USE_NONE), 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("A"), &before), 0);
    ck_assert_int_eq(store_remove(store_test, SLICE("A")), 0);
    ck_assert_int_eq(store_create(store_test, SLICE("A"), STORE_USE_NONE), 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("A"), &after), 0);
    ck_assert_uint_gt(after.uidvalidity, before.uidvalidity);
    ck_assert_str_ne(after.mailbox_id, before.mailbox_id);
}
END_TEST

START_TEST(a_renamed_folder_keeps_all)
{
    struct mailbox_info before, after;

    ck_assert_int_eq(store_create(store_test, SLICE("A/B"), STORE_USE_NONE), 0);
    ck_assert_uint_eq(store_test_append("A/B", "x\r\n", 0), 1);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("A/B"), &before), 0);
    ck_assert_int_eq(store_rename(store_test, SLICE("A"), SLICE("C/D")), 0);
    ck_assert_ptr_nonnull(strstr(list(), "C e-c0\nC/D e-c0\nC/D/B e--0\n"));
    ck_assert_int_eq(mailbox_status(store_test, SLICE("C/D/B"), &after), 0);
    ck_assert_uint_eq(after.uidvalidity, before.uidvalidity);
    ck_assert_str_eq(after.mailbox_id, before.mailbox_id);
    ck_assert_uint_eq(after.count, 1);
    ck_assert_int_eq(store_rename(store_test, SLICE("C"), SLICE("C/E")), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(store_rename(store_test, SLICE("C"), SLICE("Sent")), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_int_eq(store_rename(store_test, SLICE("X"), SLICE("Y")), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(store_rename(store_test, SLICE("Sent"), SLICE("Gesendet")), 0);
    ck_assert_ptr_nonnull(strstr(list(), "Gesendet e--1\n"));
    ck_assert_ptr_nonnull(strstr(list(), "Sent -s-0\n"));
}
END_TEST

START_TEST(a_session_goes_on_while_its_folder_is_renamed)
{
    struct mailbox *mb;
    uint32_t seq = 1;

    ck_assert_int_eq(store_create(store_test, SLICE("A"), STORE_USE_NONE), 0);
    (void)store_test_append("A", "x\r\n", 0);
    mb = store_test_select("A");
    ck_assert_int_eq(store_rename(store_test, SLICE("A"), SLICE("B")), 0);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
    mailbox_close(&mb);
    mb = store_test_select("B");
    ck_assert_uint_ne(mailbox_message(mb, 1)->flags & MESSAGE_SEEN, 0);
    ck_assert_int_eq(store_remove(store_test, SLICE("B")), 0);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), -1);
    ck_assert_int_eq(errno, ESTALE);
    mailbox_close(&mb);
}
END_TEST

START_TEST(renaming_inbox_moves_its_messages)
{
    struct mailbox_info info;

    (void)store_test_append("INBOX", "x\r\n", MESSAGE_SEEN);
    (void)store_test_append("INBOX", "y\r\n", 0);
    ck_assert_int_eq(store_rename(store_test, SLICE("INBOX"), SLICE("Old")), 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.count, 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Old"), &info), 0);
    ck_assert_uint_eq(info.count, 2);
    ck_assert_uint_eq(info.unseen, 1);
}
END_TEST

START_TEST(a_subscription_needs_no_folder)
{
    ck_assert_int_eq(store_subscribe(store_test, SLICE("Later/on"), true), 0);
    ck_assert_int_eq(store_subscribe(store_test, SLICE("Sent"), false), 0);
    ck_assert_ptr_nonnull(strstr(list(), "Later --c0\nLater/on -s-0\n"));
    ck_assert_ptr_nonnull(strstr(list(), "Sent e--1\n"));
    ck_assert_int_eq(store_subscribe(store_test, SLICE("Later/on"), false), 0);
    ck_assert_ptr_null(strstr(list(), "Later"));
}
END_TEST

START_TEST(a_read_only_store_changes_nothing)
{
    struct store_options options = {.read_only = true};
    struct mailbox *mb;
    uint32_t seq = 1;

    (void)store_test_append("INBOX", "x\r\n", 0);
    store_close(&store_test);
    store_test = store_open(store_test_fd, &options);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    ck_assert_uint_eq(mailbox_message(mb, 1)->flags, MESSAGE_RECENT);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL, NULL), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(mailbox_expunge(mb, NULL, 0), -1);
    ck_assert_ptr_null(mailbox_append_begin(store_test, SLICE("INBOX")));
    ck_assert_int_eq(store_create(store_test, SLICE("A"), STORE_USE_NONE), -1);
    ck_assert_int_eq(store_remove(store_test, SLICE("Sent")), -1);
    mailbox_close(&mb);
}
END_TEST

START_TEST(who_may_not_remove_removes_in_no_way)
{
    struct store_options options = {.may_remove = false};
    struct mailbox_uids uids;
    struct mailbox *mb;
    uint32_t seq = 1, second = 2, uid = 1;

    (void)store_test_append("INBOX", "x\r\n", MESSAGE_DELETED);
    (void)store_test_append("INBOX", "y\r\n", 0);
    store_close(&store_test);
    store_test = store_open(store_test_fd, &options);
    mb = store_test_select("INBOX");
    /* the flag is left out: imapd refuses a STORE that names nothing else */
    ck_assert_int_eq(mailbox_store_flags(mb, &second, 1, MAILBOX_FLAGS_ADD,
                                         MESSAGE_DELETED | MESSAGE_FLAGGED, 0, 0, NULL, NULL),
                     0);
    ck_assert_uint_eq(mailbox_message(mb, second)->flags & (MESSAGE_FLAGGED | MESSAGE_DELETED),
                      MESSAGE_FLAGGED);
    ck_assert_int_eq(mailbox_expunge(mb, NULL, 0), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), -1);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Sent"), true, &uids), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Sent"), false, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 2);
    mailbox_close(&mb);
}
END_TEST

START_TEST(there_is_an_end_to_folders)
{
    char name[32];

    for (unsigned i = 0; i < STORE_FOLDERS_MAX - 20; i++) {
        (void)snprintf(name, sizeof(name), ".f%u", i);
        ck_assert_int_eq(mkdirat(store_test_fd, name, 0700), 0);
    }
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "g%u", i);
        if (store_create(store_test, slice_of(name), STORE_USE_NONE) == 0)
            continue;
        ck_assert_int_eq(errno, ENOSPC);
        ck_assert_uint_gt(i, 5);
        return;
    }
    ck_abort_msg("no end");
}
END_TEST

/* A process of the same number died while it wrote posthorn.folders. */
START_TEST(what_a_dead_process_left_is_not_in_the_way)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "posthorn.folders.tmp.%ld", (long)getpid());
    (void)close(openat(store_test_fd, name, O_WRONLY | O_CREAT, 0600));
    ck_assert_int_eq(store_subscribe(store_test, SLICE("Sent"), false), 0);
    ck_assert_int_eq(faccessat(store_test_fd, name, F_OK, 0), -1);
}
END_TEST

START_TEST(a_quota_holds_for_appends)
{
    struct store_options options = {.may_remove = true, .quota_bytes = 10, .quota_messages = 2};
    struct mailbox_append *a;
    struct mailbox *mb;
    struct mailbox_uids uids;
    uint32_t seq = 1;

    store_close(&store_test);
    store_test = store_open(store_test_fd, &options);
    (void)store_test_append("INBOX", "12345\r\n", 0);
    a = mailbox_append_begin(store_test, SLICE("Sent"));
    ck_assert_int_eq(write_all(mailbox_append_fd(a), SLICE("1234")), 0);
    ck_assert_int_eq(mailbox_append_message(a, 0, NULL, 0, 0), -1);
    ck_assert_int_eq(errno, EDQUOT);
    mailbox_append_abort(&a);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Sent"), false, &uids), -1);
    ck_assert_int_eq(errno, EDQUOT);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Sent"), true, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
}
END_TEST

/* A first session that fails (here: something stands in a folder's place) is followed by one that
 * makes all of them. */
START_TEST(a_first_session_that_failed_is_made_up_for)
{
    struct mailbox_info info;
    int fd;

    store_test_setup_empty();
    fd = openat(store_test_fd, ".Junk", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    store_test = store_open(store_test_fd, &store_test_options);
    store_close(&store_test);
    ck_assert_int_eq(unlinkat(store_test_fd, ".Junk", 0), 0);
    store_test = store_open(store_test_fd, &store_test_options);
    ck_assert_ptr_nonnull(store_test);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Trash"), &info), 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Junk"), &info), 0);
    store_test_teardown();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("folders");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_standard_folders_are_listed);
    tcase_add_test(tc, a_folder_is_made_with_its_parents);
    tcase_add_test(tc, a_removed_folder_leaves_its_children);
    tcase_add_test(tc, a_folder_that_is_not_made_brings_no_parents);
    tcase_add_test(tc, a_name_comes_back_with_another_uidvalidity);
    tcase_add_test(tc, a_renamed_folder_keeps_all);
    tcase_add_test(tc, a_session_goes_on_while_its_folder_is_renamed);
    tcase_add_test(tc, renaming_inbox_moves_its_messages);
    tcase_add_test(tc, a_subscription_needs_no_folder);
    tcase_add_test(tc, a_read_only_store_changes_nothing);
    tcase_add_test(tc, who_may_not_remove_removes_in_no_way);
    tcase_add_test(tc, there_is_an_end_to_folders);
    tcase_add_test(tc, what_a_dead_process_left_is_not_in_the_way);
    tcase_add_test(tc, a_quota_holds_for_appends);
    suite_add_tcase(suite, tc);
    tc = tcase_create("first session");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_first_session_that_failed_is_made_up_for);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
