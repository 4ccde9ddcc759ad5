/*
 * t/unit/test_undelete.c - expunged messages wait, come back as they were, and are swept by age.
 */
#include "t/unit/store_test.h"

#include <dirent.h>

#include "lib/store/check.h"
#include "lib/store/expunged.h"
#include "lib/store/undelete.h"

static const struct store_options keeping = {.may_remove = true, .undelete_days = 14};
static char seen[4096]; /* "folder:uid:size:known " of each that was offered */
static int answer;

static void
setup(void)
{
    store_test_setup_empty();
    store_test = store_open(store_test_fd, &keeping);
    ck_assert_ptr_nonnull(store_test);
    seen[0] = '\0';
}

static int
note(void *arg, const struct expunged_message *e)
{
    size_t len = strlen(seen);
    char first;

    (void)arg;
    ck_assert_int_eq(pread_exact(e->fd, &first, 1, 0), 0);
    (void)snprintf(seen + len, sizeof(seen) - len, "%s:%u:%c:%d ", e->folder, e->m.uid, first,
                   (int)e->known);
    return answer;
}

static int64_t
undelete(int put_back)
{
    seen[0] = '\0';
    answer = put_back;
    return store_undelete(store_test, note, NULL);
}

static void
expunge(const char *folder, uint32_t uid)
{
    struct mailbox *mb = store_test_select(folder);

    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
    mailbox_close(&mb);
}

static void
nothing_is_wrong(void)
{
    const struct check_options options = {0};
    struct check_totals totals;

    ck_assert_int_eq(store_check(store_test_fd, &options, &totals), 0);
    for (size_t i = 0; i < ARRAY_LEN(totals.found); i++)
        ck_assert_uint_eq(totals.found[i], 0);
}

static uint64_t
used(void)
{
    uint64_t bytes, messages;

    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    return bytes;
}

START_TEST(a_message_comes_back_as_it_was)
{
    struct message before, after;
    struct message_facts facts, facts_after;
    struct mailbox *mb;
    const uint32_t one = 1;
    uint64_t bit;
    char *text;

    store_test_append("Sent", "0\r\n", MESSAGE_FLAGGED | MESSAGE_DELETED);
    store_test_append("Sent", "1\r\n", 0);
    mb = store_test_select("Sent");
    (void)mailbox_keyword_bit(mb, SLICE("other"), true);
    bit = (uint64_t)1 << mailbox_keyword_bit(mb, SLICE("$Work"), true);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &one, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, bit, 0, NULL, NULL), 0);
    before = *mailbox_message(mb, 1);
    ck_assert_int_eq(mailbox_message_facts(mb, 1, &facts), 0);
    ck_assert_int_eq(mailbox_expunge(mb, NULL, 0), 0);
    mailbox_close(&mb);
    ck_assert_uint_eq(used(), 3); /* not what waits */
    ck_assert_int_eq(undelete(0), 0);
    ck_assert_str_eq(seen, "Sent:1:0:1 ");
    ck_assert_int_eq(undelete(1), 1);
    ck_assert_uint_eq(used(), 6);
    mb = store_test_select("Sent");
    ck_assert_uint_eq(mailbox_count(mb), 2);
    after = *mailbox_message(mb, 2);
    ck_assert_int_eq(mailbox_message_facts(mb, 2, &facts_after), 0);
    ck_assert_uint_eq(after.uid, 3);
    ck_assert_uint_eq(after.flags & (MESSAGE_RECENT - 1), MESSAGE_FLAGGED | MESSAGE_SEEN);
    ck_assert_uint_eq(after.keywords, bit);
    ck_assert_int_eq(after.internal_ms, before.internal_ms);
    ck_assert_str_eq(facts_after.email_id, facts.email_id);
    text = store_test_read(mb, 2);
    ck_assert_str_eq(text, "0\r\n");
    free(text);
    mailbox_close(&mb);
    ck_assert_int_eq(undelete(1), 0); /* once */
    ck_assert_str_eq(seen, "");
    nothing_is_wrong();
}
END_TEST

START_TEST(a_removed_folder_comes_back_with_its_messages)
{
    struct mailbox_info before, after;

    ck_assert_int_eq(store_create(store_test, SLICE("Work/Old"), STORE_USE_NONE), 0);
    store_test_append("Work/Old", "0\r\n", MESSAGE_FLAGGED);
    store_test_append("Work/Old", "1\r\n", 0);
    expunge("Work/Old", 2);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Work/Old"), &before), 0);
    ck_assert_int_eq(store_remove(store_test, SLICE("Work/Old")), 0);
    ck_assert_uint_eq(used(), 0);
    ck_assert_int_eq(undelete(1), 2);
    ck_assert_str_eq(seen, "Work/Old:2:1:1 Work/Old:1:0:1 ");
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Work/Old"), &after), 0);
    ck_assert_uint_eq(after.count, 2);
    ck_assert_uint_ne(after.uidvalidity, before.uidvalidity);
    ck_assert_uint_eq(used(), 6);
    nothing_is_wrong();
}
END_TEST

START_TEST(what_was_moved_does_not_wait)
{
    struct mailbox_uids uids;
    struct mailbox *mb;
    const uint32_t one = 1;

    store_test_append("INBOX", "0\r\n", 0);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_copy(mb, &one, 1, SLICE("Trash"), true, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
    ck_assert_int_eq(undelete(1), 0);
    ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(without_days_nothing_waits)
{
    const struct store_options options = {.may_remove = true};
    struct stat st;

    store_close(&store_test);
    store_test = store_open(store_test_fd, &options);
    store_test_append("INBOX", "0\r\n", 0);
    expunge("INBOX", 1);
    ck_assert_int_eq(store_create(store_test, SLICE("A"), STORE_USE_NONE), 0);
    ck_assert_int_eq(store_remove(store_test, SLICE("A")), 0);
    ck_assert_int_eq(fstatat(store_test_fd, EXPUNGED_DIR, &st, 0), -1);
}
END_TEST

START_TEST(a_lost_log_costs_flags_alone)
{
    int day = -1, fd;

    store_test_append("INBOX", "0\r\n", MESSAGE_FLAGGED);
    store_test_append("Sent", "1\r\n", MESSAGE_FLAGGED);
    expunge("INBOX", 1);
    day = openat(store_test_fd, EXPUNGED_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(day, 0);
    {
        DIR *dir = fdopendir(day);
        char path[300] = "";

        for (struct dirent *e; (e = readdir(dir)) != NULL;)
            if (e->d_name[0] != '.')
                (void)snprintf(path, sizeof(path), EXPUNGED_DIR "/%s/" EXPUNGED_LOG, e->d_name);
        (void)closedir(dir);
        fd = openat(store_test_fd, path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, 77), 0); /* torn */
        expunge("Sent", 1);
        (void)close(fd);
    }
    ck_assert_int_eq(undelete(1), 2);
    ck_assert_str_eq(seen, "Sent:1:1:1 INBOX:0:0:0 ");
}
END_TEST

START_TEST(the_quota_holds)
{
    const struct store_options options = {
        .may_remove = true, .undelete_days = 1, .quota_messages = 1};

    store_test_append("INBOX", "0\r\n", 0);
    expunge("INBOX", 1);
    store_test_append("INBOX", "1\r\n", 0);
    store_close(&store_test);
    store_test = store_open(store_test_fd, &options);
    ck_assert_int_eq(undelete(1), -1);
    ck_assert_int_eq(errno, EDQUOT);
    ck_assert_int_eq(undelete(0), 0);
    ck_assert_str_eq(seen, "INBOX:1:0:1 ");
    nothing_is_wrong();
}
END_TEST

START_TEST(old_days_are_swept)
{
    struct stat st;

    store_test_append("INBOX", "0\r\n", 0);
    expunge("INBOX", 1);
    ck_assert_int_eq(mkdirat(store_test_fd, EXPUNGED_DIR "/2020-01-01", 0700), 0);
    ck_assert_int_eq(mkdirat(store_test_fd, EXPUNGED_DIR "/2020-01-01/7.Work", 0700), 0);
    ck_assert_int_eq(mkdirat(store_test_fd, EXPUNGED_DIR "/2020-01-01/7.Work/cur", 0700), 0);
    ck_assert_int_eq(close(openat(store_test_fd, EXPUNGED_DIR "/2020-01-01/7.Work/cur/a",
                                  O_CREAT | O_WRONLY, 0600)),
                     0);
    store_close(&store_test);
    store_test = store_open(store_test_fd, &keeping);
    expunge("INBOX", 1); /* any session */
    ck_assert_int_eq(fstatat(store_test_fd, EXPUNGED_DIR "/2020-01-01", &st, 0), -1);
    ck_assert_int_eq(undelete(0), 0);
    ck_assert_str_eq(seen, "INBOX:1:0:1 ");
}
END_TEST

START_TEST(who_does_not_know_the_days_leaves_it_alone)
{
    const struct store_options options = {.may_remove = true};

    store_test_append("INBOX", "0\r\n", 0);
    store_test_append("INBOX", "1\r\n", 0);
    expunge("INBOX", 1);
    ck_assert_int_eq(mkdirat(store_test_fd, EXPUNGED_DIR "/2020-01-01", 0700), 0);
    store_close(&store_test);
    store_test = store_open(store_test_fd, &options);
    expunge("INBOX", 2);
    ck_assert_int_eq(faccessat(store_test_fd, EXPUNGED_DIR "/2020-01-01", F_OK, 0), 0);
    ck_assert_int_eq(undelete(0), 0);
    ck_assert_str_eq(seen, "INBOX:1:0:1 ");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("undelete");
    TCase *tc = tcase_create("undelete");

    tcase_add_checked_fixture(tc, setup, store_test_teardown);
    tcase_add_test(tc, a_message_comes_back_as_it_was);
    tcase_add_test(tc, a_removed_folder_comes_back_with_its_messages);
    tcase_add_test(tc, what_was_moved_does_not_wait);
    tcase_add_test(tc, without_days_nothing_waits);
    tcase_add_test(tc, a_lost_log_costs_flags_alone);
    tcase_add_test(tc, the_quota_holds);
    tcase_add_test(tc, old_days_are_swept);
    tcase_add_test(tc, who_does_not_know_the_days_leaves_it_alone);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
