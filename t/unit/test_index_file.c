/*
 * t/unit/test_index_file.c - lib/store/index_file: what opening a folder costs.
 */
#include <sys/mman.h>

#include "t/unit/store_test.h"

#include "lib/store/index_file.h"
#include "lib/store/mailbox_private.h"

static void
see(struct mailbox *mb, const uint32_t *seqs, uint32_t count)
{
    ck_assert_int_eq(
        mailbox_store_flags(mb, seqs, count, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
}

static uint32_t
first_unseen(const struct mailbox *mb)
{
    struct mailbox_info info;

    mailbox_get_info(mb, &info);
    return info.first_unseen_seq;
}

/* A cold SELECT waits for the disk once for each place of the index that it looks at. Of four
 * messages without \Seen the first `_i` get it before the index is written. */
START_TEST(opening_a_folder_looks_at_no_entry_of_the_index)
{
    static const uint32_t seqs[] = {1, 2, 3, 4};
    uint32_t seen = (uint32_t)_i, next = seen + 1;
    struct mailbox *mb;

    for (unsigned i = 0; i < ARRAY_LEN(seqs); i++)
        (void)store_test_append("INBOX", "x\r\n", 0);
    mb = store_test_select("INBOX");
    see(mb, seqs, seen);
    ck_assert_int_eq(index_file_write(&mb->view, &mb->folder.journal), 0);
    mailbox_close(&mb);

    mb = mailbox_open_plain(store_test, SLICE("INBOX"), false);
    ck_assert_uint_eq(mb->view.base_count, ARRAY_LEN(seqs));
    ck_assert_int_eq(mprotect(mb->view.map, mb->view.map_len, PROT_NONE), 0);
    mb->visible = 0; /* as mailbox_open does it */
    mb->claim_recent = true;
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), ARRAY_LEN(seqs));
    ck_assert_uint_eq(first_unseen(mb), seen == 4 ? 0 : next);
    ck_assert_int_eq(mprotect(mb->view.map, mb->view.map_len, PROT_READ | PROT_WRITE), 0);

    if (seen < 4) {
        see(mb, &next, 1);
        ck_assert_uint_eq(first_unseen(mb), seen == 3 ? 0 : next + 1);
    }
    ck_assert_int_eq(
        mailbox_store_flags(mb, seqs, 1, MAILBOX_FLAGS_REMOVE, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
    ck_assert_uint_eq(first_unseen(mb), 1);
    mailbox_close(&mb);
}
END_TEST

/* The first unseen message of the index is expunged, by this session or by another. */
START_TEST(the_first_unseen_message_may_leave)
{
    static const uint32_t seen[] = {1, 3};
    struct mailbox *mb, *other;

    for (unsigned i = 0; i < 4; i++)
        (void)store_test_append("INBOX", "x\r\n", 0);
    mb = store_test_select("INBOX");
    see(mb, seen, 2);
    ck_assert_int_eq(index_file_write(&mb->view, &mb->folder.journal), 0);
    mailbox_close(&mb);
    mb = store_test_select("INBOX");
    other = store_test_select("INBOX");
    ck_assert_uint_eq(first_unseen(mb), 2);
    ck_assert_int_eq(mailbox_expunge_uids(_i == 0 ? mb : other, (uint32_t[]){2}, NULL, 1), 0);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), 3);
    ck_assert_uint_eq(first_unseen(mb), 3);
    ck_assert_uint_eq(mailbox_message(mb, 3)->uid, 4);
    mailbox_close(&other);
    mailbox_close(&mb);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("index_file");
    TCase *tc = tcase_create("open");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, opening_a_folder_looks_at_no_entry_of_the_index, 0, 5);
    tcase_add_loop_test(tc, the_first_unseen_message_may_leave, 0, 2);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
