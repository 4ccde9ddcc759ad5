/*
 * t/unit/test_store_damage.c - what another program does to the store's files costs at most the
 * sessions that were at them.
 */
#include "t/unit/store_test.h"

#include <signal.h>
#include <sys/wait.h>

#include "lib/store/compact.h"
#include "lib/store/index_file.h"

static void
fill(unsigned count)
{
    struct mailbox_append *a = mailbox_append_begin(store_test, SLICE("INBOX"));
    struct mailbox_uids uids;

    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(write_all(mailbox_append_fd(a), SLICE("x\r\n")), 0);
        ck_assert_int_eq(mailbox_append_message(a, 0, NULL, 0, 77), 0);
    }
    ck_assert_int_eq(mailbox_append_commit(&a, &uids), 0);
    free(uids.uids);
}

static void
truncate_file(const char *name, off_t size)
{
    int fd = openat(store_test_fd, name, O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, size), 0);
    (void)close(fd);
}

/* Everything that a session does; nothing has to work. */
static void
use(struct mailbox *mb)
{
    struct slice out;

    for (uint32_t seq = 1; seq <= mailbox_count(mb); seq++) {
        const struct message *m = mailbox_message(mb, seq);
        int fd = mailbox_open_message(mb, seq);

        if (fd >= 0)
            (void)close(fd);
        (void)mailbox_cache_get(mb, m->uid, MAILBOX_CACHE_ENVELOPE, &out);
        mailbox_cache_put(mb, m->uid, MAILBOX_CACHE_ENVELOPE, SLICE("value"));
        (void)mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_FLAGGED, 0, 0, NULL,
                                  NULL);
    }
    (void)mailbox_sync(mb, true, NULL);
    mailbox_release_memory(mb);
}

/* A session lives on, with errors, and the next one has what is left. */
START_TEST(a_truncated_journal_is_an_error)
{
    static const off_t sizes[] = {0, 50, 128, 200, 20000};
    struct mailbox *mb;
    uint32_t seq = 1;

    fill(300);
    mb = store_test_select("INBOX");
    truncate_file(JOURNAL_NAME, sizes[_i]);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_DRAFT, 0, 0, NULL, NULL), -1);
    use(mb);
    mailbox_close(&mb);
    mb = mailbox_open(store_test, SLICE("INBOX"), false, true);
    if (mb == NULL)
        ck_assert_int_eq(errno, EBADMSG);
    else
        use(mb);
    mailbox_close(&mb);
}
END_TEST

/* Index and cache are mapped: who has them mapped may die of it, and nobody else. */
START_TEST(a_truncated_map_ends_one_session)
{
    const char *name = _i == 0 ? INDEX_NAME : "posthorn.cache";
    struct mailbox *mb;
    int ready[2], status;
    pid_t pid;
    char c = 0;

    fill(1500);
    mb = store_test_select("INBOX");
    use(mb);
    ck_assert_int_eq(index_file_write(&mb->view, &mb->folder.journal), 0);
    mailbox_close(&mb);
    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        struct slice out;

        (void)signal(SIGBUS, SIG_DFL);
        (void)alarm(20);
        mb = store_test_select("INBOX");
        (void)mailbox_cache_get(mb, 1, MAILBOX_CACHE_ENVELOPE, &out);
        if (read(ready[0], &c, 1) == 1)
            use(mb);
        _exit(0);
    }
    truncate_file(name, 100);
    ck_assert_int_eq(write(ready[1], &c, 1), 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) || WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGABRT);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 1500);
    use(mb);
    mailbox_close(&mb);
    (void)close(ready[0]);
    (void)close(ready[1]);
}
END_TEST

static const struct {
    const char *name;
    mode_t type; /* 0: a symbolic link */
    bool usable; /* the mailbox goes on without it */
} planted[] = {
    {JOURNAL_NAME, S_IFIFO, false},    {JOURNAL_NAME, S_IFDIR, false},
    {JOURNAL_NAME, 0, false},          {INDEX_NAME, S_IFIFO, true},
    {INDEX_NAME, S_IFDIR, true},       {INDEX_NAME, 0, true},
    {"posthorn.cache", S_IFIFO, true}, {"posthorn.cache", S_IFDIR, true},
    {"posthorn.cache", 0, true},
};

START_TEST(what_is_no_file_is_not_waited_for)
{
    const char *name = planted[_i].name;
    struct mailbox *mb;

    fill(3);
    (void)unlinkat(store_test_fd, name, 0);
    if (planted[_i].type == S_IFIFO)
        ck_assert_int_eq(mkfifoat(store_test_fd, name, 0600), 0);
    else if (planted[_i].type == S_IFDIR)
        ck_assert_int_eq(mkdirat(store_test_fd, name, 0700), 0);
    else
        ck_assert_int_eq(symlinkat("/etc/passwd", store_test_fd, name), 0);
    mb = mailbox_open(store_test, SLICE("INBOX"), false, true);
    ck_assert_int_eq(mb != NULL, planted[_i].usable);
    if (mb != NULL) {
        ck_assert_uint_eq(mailbox_count(mb), 3);
        use(mb);
    }
    mailbox_close(&mb);
}
END_TEST

/* Half of a folder must not pass for all of it: a client that synchronises would remove the rest.
 */
START_TEST(damage_amid_the_journal_is_told)
{
    bool read_only = _i == 1;
    struct mailbox *mb;
    char byte;
    int fd;

    fill(300);
    fill(1); /* what is settled behind the damage */
    fill(1);
    fd = openat(store_test_fd, JOURNAL_NAME, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, 10000), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, 10000), 1);
    mb = mailbox_open(store_test, SLICE("INBOX"), read_only, false);
    ck_assert_ptr_null(mb);
    ck_assert_int_eq(errno, EBADMSG);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, 10000), 1);
    mb = mailbox_open(store_test, SLICE("INBOX"), read_only, false);
    ck_assert_ptr_nonnull(mb);
    ck_assert_uint_eq(mailbox_count(mb), 302);
    mailbox_close(&mb);
    (void)close(fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_damage");
    TCase *tc = tcase_create("others");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_loop_test(tc, a_truncated_journal_is_an_error, 0, 5);
    tcase_add_loop_test(tc, a_truncated_map_ends_one_session, 0, 2);
    tcase_add_loop_test(tc, what_is_no_file_is_not_waited_for, 0, (int)ARRAY_LEN(planted));
    tcase_add_loop_test(tc, damage_amid_the_journal_is_told, 0, 2);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
