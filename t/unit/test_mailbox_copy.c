/*
 * t/unit/test_mailbox_copy.c - lib/store/mailbox_copy: a MOVE while another session changes flags.
 */
#include "t/unit/store_test.h"

#include <dirent.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "lib/store/mailbox_private.h"

#define DEADLINE_MS 8000 /* less than a lock is waited for */

static unsigned
count_files(const struct folder *f)
{
    DIR *dir = fdopendir(openat(f->dirfd, "cur", O_RDONLY | O_DIRECTORY));
    struct dirent *e;
    unsigned n = 0;

    ck_assert_ptr_nonnull(dir);
    while ((e = readdir(dir)) != NULL)
        n += e->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

/* Another session moves all of INBOX to Trash. */
static pid_t
start_move(void)
{
    pid_t pid = fork();
    static const uint32_t seqs[] = {3, 1, 2};
    struct mailbox_uids uids;
    struct mailbox *mb;

    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    mb = mailbox_open(store_test, SLICE("INBOX"), false, false);
    _exit(mb != NULL && mailbox_copy(mb, seqs, 3, SLICE("Trash"), true, &uids) == 0 ? 0 : 1);
}

static void
change(struct mailbox *mb, uint32_t seq, enum mailbox_flag_op op, uint32_t flags, int keyword)
{
    ck_assert_int_eq(mailbox_store_flags(mb, &seq, 1, op, flags,
                                         keyword < 0 ? 0 : UINT64_C(1) << keyword, 0, NULL, NULL),
                     0);
}

static void
check(const struct mailbox *mb, const char *text, uint32_t flags, bool keyword)
{
    for (uint32_t seq = 1; seq <= mailbox_count(mb); seq++) {
        const struct message *m = mailbox_message(mb, seq);
        int bit = view_keyword_bit(&mb->view, SLICE("work"));

        if (m->size != strlen(text))
            continue;
        ck_assert_uint_eq(m->flags & (MESSAGE_RECENT - 1), flags);
        ck_assert_int_eq(bit >= 0 && (m->keywords >> bit & 1) != 0, keyword);
        return;
    }
    ck_abort_msg("%s is not there", text);
}

/* What a session was told to be done is not undone by a MOVE that began before. The test holds the
 * target's lock until the move has made its links, and so has looked at the flags. */
START_TEST(a_move_takes_along_what_changes_meanwhile)
{
    struct mailbox *source = NULL, *target;
    struct mailbox_info info;
    int64_t deadline;
    int status, work;
    pid_t pid;

    (void)store_test_append("INBOX", "a\r\n", MESSAGE_SEEN);
    (void)store_test_append("INBOX", "bb\r\n", 0);
    (void)store_test_append("INBOX", "ccc\r\n", MESSAGE_SEEN);
    source = store_test_select("INBOX");
    target = store_test_select("Trash");
    work = mailbox_keyword_bit(source, SLICE("work"), true);
    change(source, 3, MAILBOX_FLAGS_ADD, 0, work);
    ck_assert_int_eq(mailbox_lock(target), 0);
    pid = start_move();
    deadline = clock_mono_ms() + DEADLINE_MS;
    while (count_files(&target->folder) < 3 && clock_mono_ms() < deadline)
        (void)usleep(1000);
    ck_assert_int_eq(count_files(&target->folder), 3); /* else nothing is shown below */
    change(source, 1, MAILBOX_FLAGS_REMOVE, MESSAGE_SEEN, -1);
    change(source, 2, MAILBOX_FLAGS_ADD, MESSAGE_SEEN | MESSAGE_FLAGGED, work);
    mailbox_unlock(target);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);

    /* as the journal counts: a session mends it */
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Trash"), &info), 0);
    ck_assert_uint_eq(info.unseen, 1);
    ck_assert_int_eq(mailbox_sync(source, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(source), 0);
    ck_assert_int_eq(mailbox_sync(target, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(target), 3);
    check(target, "a\r\n", 0, false);
    check(target, "bb\r\n", MESSAGE_SEEN | MESSAGE_FLAGGED, true);
    check(target, "ccc\r\n", MESSAGE_SEEN, true);
    mailbox_close(&target);
    mailbox_close(&source);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("mailbox_copy");
    TCase *tc = tcase_create("move");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_move_takes_along_what_changes_meanwhile);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
