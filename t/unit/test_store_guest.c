/*
 * t/unit/test_store_guest.c - one folder of another user's, opened at its own directory: what is
 * changed there counts for the owner, and nothing else of the owner's can be reached.
 */
#include "t/unit/store_test.h"

#include "lib/store/arrivals.h"
#include "lib/store/beneath.h"
#include "lib/store/expunged.h"
#include "lib/store/ledger.h"
#include "lib/store/message_file.h"
#include "lib/store/undelete.h"

static int folder_fd = -1;
static struct store *guest;
static unsigned charges; /* how often the owner's keeper was asked */

/* As imapd, authd and local-deliver do between them. */
static int
charge_owner(void *arg, const struct store_charge *charge, uint32_t *uidvalidity)
{
    const struct store_options *quota = arg;
    struct store_options options = {.may_remove = true,
                                    .quota_bytes = quota->quota_bytes,
                                    .quota_messages = quota->quota_messages};
    struct store *owner = store_open(store_test_fd, &options);
    int rc;

    ck_assert_ptr_nonnull(owner);
    rc = store_charge(owner, charge, uidvalidity);
    charges++;
    store_close(&owner);
    return rc;
}

static struct store_options quota; /* the owner's */
static const struct store_guest asked = {charge_owner, &quota};

static void
open_guest(uint32_t frozen)
{
    const struct store_options options = {.bare = true,
                                          .may_remove = true,
                                          .flags_frozen = frozen,
                                          .undelete_days = 14,
                                          .guest = &asked};

    store_close(&guest);
    guest = store_open(folder_fd, &options);
    ck_assert_ptr_nonnull(guest);
}

static void
setup(void)
{
    store_test_options.undelete_days = 14;
    store_test_setup();
    quota = (struct store_options){0};
    charges = 0;
    ck_assert_int_eq(store_create(store_test, SLICE("Work"), STORE_USE_NONE), 0);
    folder_fd = openat(store_test_fd, ".Work", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(folder_fd, 0);
    open_guest(0);
}

static void
teardown(void)
{
    store_close(&guest);
    (void)close(folder_fd);
    store_test_teardown();
}

static int
append(const char *text, uint32_t flags, const struct slice *keywords, uint32_t keyword_count)
{
    struct mailbox_append *a = mailbox_append_begin(guest, SLICE("INBOX"));
    struct mailbox_uids uids = {0};
    int rc;

    if (a == NULL)
        return -1;
    ck_assert_int_eq(write_all(mailbox_append_fd(a), slice_of(text)), 0);
    ck_assert_int_eq(mailbox_append_message(a, flags, keywords, keyword_count, 1), 0);
    rc = mailbox_append_commit(&a, &uids);
    free(uids.uids);
    return rc;
}

static struct mailbox *
select_guest(void)
{
    struct mailbox *mb = mailbox_open(guest, SLICE("INBOX"), false, true);

    ck_assert_msg(mb != NULL, "guest: %s", strerror(errno));
    return mb;
}

static void
totals_are(uint64_t bytes, uint64_t messages)
{
    struct record_state recorded, counted;

    ck_assert_int_eq(ledger_compare(store_test, 1000, &recorded, &counted), 0);
    ck_assert_uint_eq(recorded.user_bytes, bytes);
    ck_assert_uint_eq(recorded.user_messages, messages);
    ck_assert_uint_eq(counted.user_bytes, bytes);
    ck_assert_uint_eq(counted.user_messages, messages);
}

START_TEST(what_is_put_there_counts_for_the_owner)
{
    struct mailbox *mb;
    uint32_t uid = 1;

    (void)store_test_append("INBOX", "1\r\n", 0);
    ck_assert_int_eq(append("2222\r\n", 0, NULL, 0), 0);
    ck_assert_int_eq(append("333\r\n", 0, NULL, 0), 0);
    totals_are(14, 3);
    ck_assert_uint_gt(charges, 0);
    mb = select_guest();
    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
    mailbox_close(&mb);
    totals_are(8, 2);
    mb = store_test_select("Work");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    mailbox_close(&mb);
}
END_TEST

START_TEST(the_owner_s_quota_holds)
{
    struct mailbox_info info;

    quota.quota_messages = 1;
    ck_assert_int_eq(append("1\r\n", 0, NULL, 0), 0);
    ck_assert_int_eq(append("2\r\n", 0, NULL, 0), -1);
    ck_assert_int_eq(errno, EDQUOT);
    ck_assert_int_eq(mailbox_status(guest, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.count, 1);
    totals_are(3, 1);
}
END_TEST

/* The owner's first change of a session counts all folders, and a guest's removal after it is known
 * to that count. */
START_TEST(nothing_is_counted_twice)
{
    struct mailbox *mb;
    uint32_t uids[] = {1, 2};

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(append("12345678\r\n", 0, NULL, 0), 0);
    mb = select_guest();
    ck_assert_int_eq(mailbox_remove(mb, uids, 2), 0);
    mailbox_close(&mb);
    totals_are(10, 1);
}
END_TEST

START_TEST(frozen_flags_stay)
{
    static const struct slice keyword[] = {{"$Own", 4}};
    struct mailbox *mb;
    struct mailbox_uids uids;
    uint32_t seq = 1;

    ck_assert_int_eq(append("1\r\n", MESSAGE_DELETED | MESSAGE_FLAGGED, keyword, 1), 0);
    open_guest(MESSAGE_DELETED | MESSAGE_KEYWORDS);
    mb = select_guest();
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_SET, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
    ck_assert_uint_eq(mailbox_message(mb, 1)->flags & ~(uint32_t)MESSAGE_RECENT,
                      MESSAGE_SEEN | MESSAGE_DELETED);
    ck_assert_uint_eq(mailbox_message(mb, 1)->keywords, 1);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_REMOVE, MESSAGE_DELETED, 1, 0, NULL, NULL),
        0);
    ck_assert_uint_eq(mailbox_message(mb, 1)->keywords, 1);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("INBOX"), false, &uids), 0);
    free(uids.uids);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_message(mb, 2)->flags & ~(uint32_t)MESSAGE_RECENT, MESSAGE_SEEN);
    ck_assert_uint_eq(mailbox_message(mb, 2)->keywords, 0);
    mailbox_close(&mb);
}
END_TEST

START_TEST(there_is_no_other_folder)
{
    ck_assert_int_eq(store_create(guest, SLICE("New"), STORE_USE_NONE), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(store_remove(guest, SLICE("INBOX")), -1);
    ck_assert_int_eq(store_rename(guest, SLICE("INBOX"), SLICE("New")), -1);
    ck_assert_int_eq(store_subscribe(guest, SLICE("INBOX"), true), -1);
    ck_assert_ptr_null(mailbox_open(guest, SLICE("Sent"), false, false));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(faccessat(store_test_fd, ".Work/posthorn.folders", F_OK, 0), -1);
}
END_TEST

/* A directory that nobody has opened yet: its journal gets a number that no other folder had. */
START_TEST(a_new_journal_has_the_owner_s_next_number)
{
    struct mailbox_info inbox, info;

    ck_assert_int_eq(faccessat(store_test_fd, ".Work/posthorn.journal", F_OK, 0), -1);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Trash"), &inbox), 0);
    ck_assert_int_eq(mailbox_status(guest, SLICE("INBOX"), &info), 0);
    ck_assert_uint_gt(info.uidvalidity, inbox.uidvalidity);
}
END_TEST

static int
put_back(void *arg, const struct expunged_message *e)
{
    ck_assert_str_eq(e->folder, arg);
    return 1;
}

/* What waits below the folder is the folder's, whatever it was called then. */
START_TEST(undelete_finds_it_below_the_folder)
{
    static char done[] = "Done";
    struct mailbox *mb;
    uint32_t uid = 1;

    ck_assert_int_eq(append("kept\r\n", MESSAGE_FLAGGED, NULL, 0), 0);
    mb = select_guest();
    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
    mailbox_close(&mb);
    ck_assert_int_eq(faccessat(store_test_fd, ".Work/" EXPUNGED_DIR, F_OK, 0), 0);
    ck_assert_int_eq(store_rename(store_test, SLICE("Work"), SLICE("Done")), 0);
    ck_assert_int_eq((int)store_undelete(store_test, put_back, done), 1);
    mb = store_test_select("Done");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    ck_assert_uint_eq(mailbox_message(mb, 1)->flags & MESSAGE_FLAGGED, MESSAGE_FLAGGED);
    mailbox_close(&mb);
    totals_are(6, 1);
    /* the next who closes the folder sweeps what is too old */
    ck_assert_int_eq(mkdirat(store_test_fd, ".Done/" EXPUNGED_DIR "/2020-01-01", 0700), 0);
    mb = store_test_select("Done");
    mailbox_close(&mb);
    ck_assert_int_eq(faccessat(store_test_fd, ".Done/" EXPUNGED_DIR "/2020-01-01", F_OK, 0), -1);
}
END_TEST

/* A message's file and its arrival, as a MOVE out of INBOX that ends there leaves them. */
static void
begin_move(uint32_t uid)
{
    struct folder inbox, work;
    struct arrivals to = {.folder = &work};
    struct uid_range range = {uid, uid};
    struct mailbox_uids uids;
    struct incoming *in;
    uint64_t end;
    char path[FILE_PATH_SIZE];
    int fd;

    ck_assert_int_eq(folder_open(&inbox, store_test, SLICE("INBOX")), 0);
    ck_assert_int_eq(folder_open(&work, store_test, SLICE("Work")), 0);
    in = arrivals_add(&to);
    folder_file_name(in->name, 3);
    folder_email_id_new(in->email_id);
    folder_cur_path(path, slice_of(in->name));
    fd = openat(work.dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write_all(fd, SLICE("1\r\n")), 0);
    in->arrival.m.size = 3;
    ck_assert_int_eq(message_file_crc(fd, 3, &in->arrival.crc), 0);
    (void)close(fd);
    to.origin_ranges = &range;
    to.origin_count = 1;
    to.origin_id = inbox.journal.header.mailbox_id;
    to.origin_folder = SLICE("INBOX");
    ck_assert_int_eq(arrivals_commit(&to, &end, &uids), 0);
    free(uids.uids);
    arrivals_free(&to);
    folder_close(&work);
    folder_close(&inbox);
}

START_TEST(a_move_of_the_owner_s_is_left_to_the_owner)
{
    uint32_t uid = store_test_append("INBOX", "1\r\n", 0);
    struct mailbox *mb;

    begin_move(uid);
    mb = select_guest(); /* and may work in the folder meanwhile */
    ck_assert_uint_eq(mailbox_count(mb), 0);
    ck_assert_int_eq(append("2\r\n", 0, NULL, 0), 0);
    mailbox_close(&mb);
    mb = store_test_select("Work");
    ck_assert_uint_eq(mailbox_count(mb), 2);
    mailbox_close(&mb);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 0);
    mailbox_close(&mb);
    totals_are(6, 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_guest");
    TCase *tc = tcase_create("guest");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_put_there_counts_for_the_owner);
    tcase_add_test(tc, the_owner_s_quota_holds);
    tcase_add_test(tc, nothing_is_counted_twice);
    tcase_add_test(tc, frozen_flags_stay);
    tcase_add_test(tc, there_is_no_other_folder);
    tcase_add_test(tc, a_new_journal_has_the_owner_s_next_number);
    tcase_add_test(tc, undelete_finds_it_below_the_folder);
    tcase_add_test(tc, a_move_of_the_owner_s_is_left_to_the_owner);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
