/*
 * t/unit/test_message_facts.c - the checksum, the email id and the date of coming of every message,
 * and journals of another version.
 */
#include "t/unit/store_test.h"

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/store/compact.h"
#include "lib/store/delivery.h"
#include "lib/store/journal.h"
#include "lib/store/mailbox_private.h"

static struct message_facts
facts(struct store *store, const char *folder, uint32_t seq)
{
    struct mailbox *mb = mailbox_open(store, slice_of(folder), false, false);
    struct message_facts f;

    ck_assert_ptr_nonnull(mb);
    ck_assert_uint_ge(mailbox_count(mb), seq);
    ck_assert_int_eq(mailbox_message_facts(mb, seq, &f), 0);
    mailbox_close(&mb);
    return f;
}

static void
put_file(int dirfd, const char *name, const char *text)
{
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_eq(write_all(fd, slice_of(text)), 0);
    (void)close(fd);
}

START_TEST(what_was_appended_keeps_its_facts_in_a_copy_and_a_move)
{
    int64_t before = clock_real_ms();
    struct message_facts first, copy, moved;
    struct mailbox_uids uids;
    struct mailbox *mb;
    const uint32_t one = 1;

    store_test_append("INBOX", "Subject: a\r\n\r\na\r\n", 0);
    store_test_append("INBOX", "Subject: a\r\n\r\na\r\n", 0);
    first = facts(store_test, "INBOX", 1);
    ck_assert_uint_eq(first.crc, crc32c(0, SLICE("Subject: a\r\n\r\na\r\n")));
    ck_assert_int_ge(first.saved_ms, before);
    ck_assert_int_eq(first.email_id[0], 'M');
    ck_assert_str_ne(first.email_id, facts(store_test, "INBOX", 2).email_id);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_copy(mb, &one, 1, SLICE("Sent"), false, &uids), 0);
    free(uids.uids);
    ck_assert_int_eq(mailbox_copy(mb, &one, 1, SLICE("Trash"), true, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
    copy = facts(store_test, "Sent", 1);
    moved = facts(store_test, "Trash", 1);
    ck_assert_str_eq(copy.email_id, first.email_id);
    ck_assert_str_eq(moved.email_id, first.email_id);
    ck_assert(copy.crc == first.crc && moved.crc == first.crc);
    ck_assert_int_ge(copy.saved_ms, first.saved_ms);
}
END_TEST

START_TEST(a_compaction_keeps_them)
{
    struct message_facts before, after;
    struct mailbox *mb;

    store_test_append("INBOX", "a\r\n", 0);
    before = facts(store_test, "INBOX", 1);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(compact_journal(mb), 0);
    mailbox_close(&mb);
    after = facts(store_test, "INBOX", 1);
    ck_assert_str_eq(after.email_id, before.email_id);
    ck_assert(after.crc == before.crc && after.saved_ms == before.saved_ms);
}
END_TEST

START_TEST(an_expunged_message_has_none)
{
    struct mailbox *mb;
    struct message_facts f;
    const uint32_t uid = store_test_append("INBOX", "a\r\n", 0);

    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
    ck_assert_int_eq(mailbox_message_facts(mb, 1, &f), -1);
    ck_assert_int_eq(errno, ENOENT);
    mailbox_close(&mb);
}
END_TEST

START_TEST(a_delivery_has_the_same_id_in_every_mailbox)
{
    struct delivery_message m = {.dirfd = store_test_fd,
                                 .name = "m1",
                                 .size = 3,
                                 .crc = crc32c(0, SLICE("m\r\n")),
                                 .queue_id = SLICE("0abc"),
                                 .received_ms = 1000};
    struct delivery_batch *b = delivery_begin(store_test_dirs());
    static const char *const users[] = {"d/00/a", "d/00/b"};

    put_file(store_test_fd, "m1", "m\r\n(the envelope)");
    m.fd = openat(store_test_fd, "m1", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        store_test_make_user(users[i]);
        (void)delivery_add(b, &m, slice_of(users[i]), SLICE("INBOX"), 0, 0);
    }
    delivery_commit(b);
    delivery_free(&b);
    (void)close(m.fd);
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        char path[64];
        struct store *store;
        struct message_facts f;
        int fd;

        (void)snprintf(path, sizeof(path), "%s/mail", users[i]);
        fd = openat(store_test_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        store = store_open(fd, &store_test_options);
        ck_assert_ptr_nonnull(store);
        f = facts(store, "INBOX", 1);
        ck_assert_str_eq(f.email_id, "Q0abc");
        ck_assert_uint_eq(f.crc, m.crc);
        store_close(&store);
        (void)close(fd);
    }
}
END_TEST

START_TEST(what_is_adopted_has_the_sum_of_its_crlf_form)
{
    put_file(store_test_fd, "new/1.a", "Subject: a\n\nb\n");
    put_file(store_test_fd, "new/2.b", "Subject: b\r\n\r\nb\r\n");
    ck_assert_uint_eq(facts(store_test, "INBOX", 1).crc,
                      crc32c(0, SLICE("Subject: a\r\n\r\nb\r\n")));
    ck_assert_uint_eq(facts(store_test, "INBOX", 2).crc,
                      crc32c(0, SLICE("Subject: b\r\n\r\nb\r\n")));
    ck_assert_int_eq(facts(store_test, "INBOX", 2).email_id[0], 'M');
}
END_TEST

/* A whole journal of version 1, sealed as it was then. */
START_TEST(another_version_is_refused_and_left_alone)
{
    struct journal_header h, now;
    struct mailbox_info info;
    int fd;

    store_test_append("INBOX", "a\r\n", 0);
    fd = openat(store_test_fd, JOURNAL_NAME, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pread_exact(fd, &h, sizeof(h), 0), 0);
    h.version = 1;
    h.crc = crc32c(0, slice_make(&h, offsetof(struct journal_header, crc)));
    ck_assert_int_eq((int)pwrite(fd, &h, sizeof(h), 0), (int)sizeof(h));
    errno = 0;
    ck_assert_ptr_null(mailbox_open(store_test, SLICE("INBOX"), false, true));
    ck_assert_int_eq(errno, EPROTONOSUPPORT);
    ck_assert_ptr_null(mailbox_append_begin(store_test, SLICE("INBOX")));
    ck_assert_int_eq(errno, EPROTONOSUPPORT);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), -1);
    ck_assert_int_eq(errno, EPROTONOSUPPORT);
    ck_assert_int_eq(pread_exact(fd, &now, sizeof(now), 0), 0);
    ck_assert_int_eq(memcmp(&now, &h, sizeof(h)), 0);
    (void)close(fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("message_facts");
    TCase *tc = tcase_create("message_facts");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_test(tc, what_was_appended_keeps_its_facts_in_a_copy_and_a_move);
    tcase_add_test(tc, a_compaction_keeps_them);
    tcase_add_test(tc, an_expunged_message_has_none);
    tcase_add_test(tc, a_delivery_has_the_same_id_in_every_mailbox);
    tcase_add_test(tc, what_is_adopted_has_the_sum_of_its_crlf_form);
    tcase_add_test(tc, another_version_is_refused_and_left_alone);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
