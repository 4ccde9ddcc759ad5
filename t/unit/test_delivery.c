/*
 * t/unit/test_delivery.c - lib/store/delivery: one message into many mailboxes, exactly once.
 */
#include "t/unit/store_test.h"

#include "lib/store/compact.h"
#include "lib/store/delivery.h"
#include "lib/store/journal_tail.h"

static int queue_fd;
#define CONTENT "Return-Path: <>\r\n\r\nhello\r\n"

static void
setup(void)
{
    int fd;

    store_test_setup_empty();
    ck_assert_int_eq(mkdirat(store_test_fd, "queue", 0700), 0);
    queue_fd = openat(store_test_fd, "queue", O_RDONLY | O_DIRECTORY);
    fd = openat(queue_fd, "m1", O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write_all(fd, SLICE(CONTENT "envelope behind")), 0);
    (void)close(fd);
}

static struct delivery_message
message(const char *id)
{
    return (struct delivery_message){.dirfd = queue_fd,
                                     .name = "m1",
                                     .fd = openat(queue_fd, "m1", O_RDONLY),
                                     .size = sizeof(CONTENT) - 1,
                                     .queue_id = slice_of(id),
                                     .received_ms = 1700000000000};
}

static struct delivery_result
deliver_within(const char *id, const char *user, const char *folder, bool in_doubt,
               uint64_t quota_bytes, uint64_t quota_messages)
{
    struct delivery_message m = message(id);
    struct delivery_batch *b = delivery_begin(store_test_dirs());
    struct delivery_result r;

    store_test_make_user(user);
    m.in_doubt = in_doubt;
    ck_assert_uint_eq(
        delivery_add(b, &m, slice_of(user), slice_of(folder), quota_bytes, quota_messages), 0);
    delivery_commit(b);
    r = *delivery_get(b, 0);
    delivery_free(&b);
    (void)close(m.fd);
    return r;
}

static struct delivery_result
deliver(const char *id, const char *user, const char *folder, bool in_doubt, uint64_t quota)
{
    return deliver_within(id, user, folder, in_doubt, quota, 0);
}

static void
open_user(const char *user)
{
    char path[100];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/mail", user);
    fd = openat(store_test_fd, path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(fd, 0);
    store_close(&store_test);
    store_test = store_open(fd, &store_test_options);
    ck_assert_ptr_nonnull(store_test);
    (void)close(fd);
}

static uint32_t
count(const char *folder)
{
    struct mailbox_info info;

    ck_assert_int_eq(mailbox_status(store_test, slice_of(folder), &info), 0);
    return info.count;
}

START_TEST(a_message_reaches_a_new_user)
{
    struct delivery_result r = deliver("id1", "d.test/00/alice", "INBOX", false, 0);
    struct mailbox *mb;
    char *text;

    ck_assert_int_eq(r.status, DELIVERY_OK);
    ck_assert_uint_eq(r.uid, 1);
    ck_assert_uint_eq(r.messages, 1);
    open_user("d.test/00/alice");
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    text = store_test_read(mb, 1);
    ck_assert_str_eq(text, CONTENT);
    free(text);
    mailbox_close(&mb);
}
END_TEST

START_TEST(doubt_finds_what_was_delivered)
{
    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", true, 0).status, DELIVERY_DUPLICATE);
    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 0).status, DELIVERY_DUPLICATE);
    ck_assert_int_eq(deliver("id2", "d/00/a", "INBOX", true, 0).status, DELIVERY_OK);
    open_user("d/00/a");
    ck_assert_uint_eq(count("INBOX"), 2);
}
END_TEST

START_TEST(doubt_remembers_what_was_expunged)
{
    struct mailbox *mb;
    uint32_t uid = 1;

    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    open_user("d/00/a");
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
    mailbox_close(&mb);
    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", true, 0).status, DELIVERY_DUPLICATE);
    ck_assert_uint_eq(count("INBOX"), 0);
}
END_TEST

START_TEST(a_quota_holds)
{
    uint64_t size = sizeof(CONTENT) - 1;

    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 2 * size).status, DELIVERY_OK);
    ck_assert_int_eq(deliver("id2", "d/00/a", "INBOX", false, 2 * size).status, DELIVERY_OK);
    ck_assert_int_eq(deliver("id3", "d/00/a", "INBOX", false, 2 * size).status,
                     DELIVERY_OVER_QUOTA);
    ck_assert_int_eq(deliver("id3", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    ck_assert_int_eq(deliver_within("id4", "d/00/a", "INBOX", false, 0, 4).status, DELIVERY_OK);
    ck_assert_int_eq(deliver_within("id5", "d/00/a", "INBOX", false, 0, 4).status,
                     DELIVERY_OVER_QUOTA);
}
END_TEST

START_TEST(junk_takes_it_and_a_missing_folder_means_inbox)
{
    struct delivery_result r;

    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    open_user("d/00/a");
    r = deliver("id2", "d/00/a", "Junk", false, 0);
    ck_assert_int_eq(r.status, DELIVERY_OK);
    ck_assert_uint_eq(r.messages, 2);
    ck_assert_int_eq(deliver("id3", "d/00/a", "Nowhere", false, 0).status, DELIVERY_OK);
    ck_assert_uint_eq(count("Junk"), 1);
    ck_assert_uint_eq(count("INBOX"), 2);
}
END_TEST

START_TEST(a_batch_holds_many_and_one_twice)
{
    struct delivery_message m = message("id1");
    struct delivery_batch *b = delivery_begin(store_test_dirs());
    size_t ok = 0;
    struct stat st;

    for (int i = 0; i < 21; i++) {
        char user[32];

        (void)snprintf(user, sizeof(user), "d/%02x/u", i % 20);
        store_test_make_user(user);
        (void)delivery_add(b, &m, slice_of(user), SLICE("INBOX"), 0, 0);
    }
    delivery_commit(b);
    for (size_t i = 0; i < 21; i++)
        ok += delivery_get(b, i)->status == DELIVERY_OK;
    ck_assert_uint_eq(ok, 20);
    ck_assert_int_eq(delivery_get(b, 20)->status, DELIVERY_DUPLICATE);
    delivery_free(&b);
    ck_assert_int_eq(fstat(m.fd, &st), 0);
    ck_assert_uint_eq(st.st_nlink, 21);
    (void)close(m.fd);
}
END_TEST

/* The user may have been renamed or removed: an old path must not come to life again. */
START_TEST(a_missing_directory_is_not_made)
{
    struct delivery_message m = message("id1");
    struct delivery_batch *b = delivery_begin(store_test_dirs());

    store_test_make_user("d/00/a");
    (void)delivery_add(b, &m, SLICE("d/00/gone"), SLICE("INBOX"), 0, 0);
    (void)delivery_add(b, &m, SLICE("d/00/a"), SLICE("INBOX"), 0, 0);
    delivery_commit(b);
    ck_assert_int_eq(delivery_get(b, 0)->status, DELIVERY_NO_MAILBOX);
    ck_assert_int_eq(delivery_get(b, 1)->status, DELIVERY_OK);
    delivery_free(&b);
    (void)close(m.fd);
    ck_assert_int_eq(faccessat(store_test_fd, "d/00/gone", F_OK, 0), -1);
}
END_TEST

/* Takes the mark off the last record of INBOX's journal: its writer died before it was settled. */
static void
unsettle(const char *user)
{
    char path[100];
    struct stat st;
    uint32_t none = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/mail/" JOURNAL_NAME, user);
    fd = openat(store_test_fd, path, O_RDWR);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(pwrite_all(fd, slice_make(&none, sizeof(none)), st.st_size - 4), 0);
    (void)close(fd);
}

/* A power cut took the file of a delivery that nobody was told of: it must come again, whatever
 * happened to the journal since. */
START_TEST(a_voided_delivery_comes_again_after_a_compaction)
{
    struct mailbox *mb;

    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    ck_assert_int_eq(unlinkat(store_test_fd, "d/00/a/mail/cur/1700000000.Qid1,S=26:2,", 0), 0);
    unsettle("d/00/a");
    open_user("d/00/a");
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 0);
    ck_assert_int_eq(compact_journal(mb), 0);
    mailbox_close(&mb);
    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", true, 0).status, DELIVERY_OK);
    ck_assert_uint_eq(count("INBOX"), 1);
}
END_TEST

/* Nobody ever opens the mailbox: the deliveries themselves settle what a dead one left. */
START_TEST(a_mailbox_that_nobody_opens_is_settled)
{
    struct journal j;
    struct journal_tail tail;
    char id[16];
    int fd;

    ck_assert_int_eq(deliver("dead", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    unsettle("d/00/a");
    for (unsigned i = 0; i < 450; i++) {
        (void)snprintf(id, sizeof(id), "id%u", i);
        ck_assert_int_eq(deliver(id, "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    }
    fd = openat(store_test_fd, "d/00/a/mail", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(journal_open(&j, fd, true), 0);
    ck_assert_int_eq(journal_tail_read(&j, &tail), 0);
    ck_assert_uint_gt(tail.end, JOURNAL_SPAN_MAX + 1000);
    ck_assert_uint_lt(tail.end - tail.settled, JOURNAL_SPAN_MAX + 1000);
    journal_close(&j);
    (void)close(fd);
}
END_TEST

/* Plants what a taken-over session could: the delivery must fail, and go nowhere. */
START_TEST(a_planted_link_leads_nowhere)
{
    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    ck_assert_int_eq(deliver("id1", "d/00/b", "INBOX", false, 0).status, DELIVERY_OK);
    ck_assert_int_eq(unlinkat(store_test_fd, "d/00/b/mail/" JOURNAL_NAME, 0), 0);
    ck_assert_int_eq(
        symlinkat("../../a/mail/" JOURNAL_NAME, store_test_fd, "d/00/b/mail/" JOURNAL_NAME), 0);
    ck_assert_int_eq(deliver("id2", "d/00/b", "INBOX", false, 0).status, DELIVERY_FAILED);
    open_user("d/00/a");
    ck_assert_uint_eq(count("INBOX"), 1);
}
END_TEST

START_TEST(a_damaged_journal_fails_alone)
{
    int fd;

    ck_assert_int_eq(deliver("id1", "d/00/a", "INBOX", false, 0).status, DELIVERY_OK);
    fd = openat(store_test_fd, "d/00/a/mail/" JOURNAL_NAME, O_WRONLY);
    ck_assert_int_eq(pwrite_all(fd, SLICE("garbage"), 0), 0);
    (void)close(fd);
    ck_assert_int_eq(deliver("id2", "d/00/a", "INBOX", false, 0).error, EBADMSG);
    ck_assert_int_eq(deliver("id2", "d/00/b", "INBOX", false, 0).status, DELIVERY_OK);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("delivery");
    TCase *tc = tcase_create("mailboxes");

    tcase_add_checked_fixture(tc, setup, store_test_teardown);
    tcase_add_test(tc, a_message_reaches_a_new_user);
    tcase_add_test(tc, doubt_finds_what_was_delivered);
    tcase_add_test(tc, doubt_remembers_what_was_expunged);
    tcase_add_test(tc, a_quota_holds);
    tcase_add_test(tc, junk_takes_it_and_a_missing_folder_means_inbox);
    tcase_add_test(tc, a_batch_holds_many_and_one_twice);
    tcase_add_test(tc, a_missing_directory_is_not_made);
    tcase_add_test(tc, a_voided_delivery_comes_again_after_a_compaction);
    tcase_add_test(tc, a_mailbox_that_nobody_opens_is_settled);
    tcase_add_test(tc, a_planted_link_leads_nowhere);
    tcase_add_test(tc, a_damaged_journal_fails_alone);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
