/*
 * t/unit/test_user_batch.c - many users' directories at once: each is there whole or not at all,
 * whatever stops the process, and nobody is promised anything in one that a power cut could take.
 */
// LINK: local-deliver/user_batch.c
// LINK: local-deliver/user_dir.c
#include <check.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/store/aside.h"
#include "lib/store/check.h"
#include "lib/store/mailbox.h"
#include "lib/store/store.h"
#include "local-deliver/user_batch.h"
#include "t/unit/crash_point.h"
#include "t/unit/scratch.h"

enum { STEPS_MAX = 2000, STANDARD_FOLDERS = 5, MAIL_PATH_SIZE = 200 };

static struct store_dirs dirs;

static void
setup(void)
{
    (void)snprintf(scratch_dir, sizeof(scratch_dir), "%s/batch-test-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                 : "/tmp"); /* each flush costs there */
    ck_assert_ptr_nonnull(mkdtemp(scratch_dir));
    ck_assert_int_eq(chdir(scratch_dir), 0);
    crash_waits_for_mark = false;
    ck_assert_int_eq(mkdir("store", 0700) | mkdir("stores", 0700) | mkdir("stores/two", 0700), 0);
    dirs = (struct store_dirs){.main_fd = open("store", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                               .others_fd = open("stores", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    ck_assert_int_eq(store_dirs_mark(dirs.main_fd, STORE_DIR_MAIN), 0);
    ck_assert_int_eq(symlink("two", "stores/two/" STORE_DIR_MARK), 0);
}

static void
teardown(void)
{
    (void)close(dirs.main_fd);
    (void)close(dirs.others_fd);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

static bool knows_no_flags; /* the file system, as NFS */

/* In the place of the C library's; the kernel looks at both names first, as here. */
int
renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    struct stat st;

    if (knows_no_flags && flags != 0 && fstatat(from_fd, from, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0 ? EEXIST : EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

/* ---- what is there ---- */

static int
entries_in(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

static void
count_folder(void *arg, const struct store_folder *folder)
{
    *(unsigned *)arg += folder->exists && folder->subscribed;
}

/* The folders of a mailbox, before anybody mends it. -1: no mailbox. */
static int
folders_of(const char *path)
{
    const struct store_options options = {.read_only = true};
    int fd = store_dirs_open_mail(&dirs, slice_of(path), O_RDONLY);
    struct store *store = fd < 0 ? NULL : store_open(fd, &options);
    struct mailbox_info info;
    unsigned count = 0;

    if (fd < 0)
        return -1;
    ck_assert_ptr_nonnull(store);
    ck_assert_int_eq(store_list(store, count_folder, &count), 0);
    ck_assert_int_eq(mailbox_status(store, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.uidnext, 1);
    ck_assert_uint_ne(info.uidvalidity, 0);
    store_close(&store);
    (void)close(fd);
    return (int)count;
}

/* ---- many ---- */

static void
run_all(struct user_batch_item *items, size_t count, uint32_t error)
{
    user_batch_run(&dirs, 0, items, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(items[i].error == error, "item %zu: %s", i, strerror((int)items[i].error));
}

START_TEST(each_is_made_with_its_folders)
{
    struct user_batch_item items[] = {
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/a")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/b")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/a")}, /* asked for twice */
        {.type = STORE_CREATE, .path = SLICE("e.test/bb/@public")},
        {.type = STORE_CREATE, .path = SLICE("d.test/cc/c"), .place = SLICE("two")},
    };
    struct stat st;

    setup();
    for (unsigned turn = 0; turn < 2; turn++) { /* all may be asked for again */
        run_all(items, ARRAY_LEN(items), 0);
        ck_assert_int_eq(folders_of("d.test/aa/a"), STANDARD_FOLDERS);
        ck_assert_int_eq(folders_of("d.test/aa/b"), STANDARD_FOLDERS);
        ck_assert_int_eq(folders_of("e.test/bb/@public"), 1);
        ck_assert_int_eq(folders_of("d.test/cc/c"), STANDARD_FOLDERS);
        ck_assert_int_eq(stat("store/d.test/aa/a", &st) | (int)(st.st_mode & 07777), 0711);
        ck_assert_int_eq(stat("store/d.test/aa/a/mail", &st) | (int)(st.st_mode & 07777), 0700);
        ck_assert_int_eq(stat("stores/two/d.test/cc/c/mail", &st), 0);
        ck_assert_int_eq(entries_in("store/.making"), 0);
        ck_assert_int_eq(entries_in("stores/two/.making"), 0);
    }
    teardown();
}
END_TEST

START_TEST(they_run_in_their_order)
{
    struct user_batch_item items[] = {
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/a")},
        {.type = STORE_RENAME, .path = SLICE("d.test/aa/a"), .new_path = SLICE("n.test/bb/b")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/gone")},
        {.type = STORE_REMOVE, .path = SLICE("d.test/aa/gone")},
    };

    setup();
    run_all(items, ARRAY_LEN(items), 0);
    ck_assert_int_eq(folders_of("d.test/aa/a"), -1);
    ck_assert_int_eq(folders_of("n.test/bb/b"), STANDARD_FOLDERS);
    ck_assert_int_eq(folders_of("d.test/aa/gone"), -1);
    ck_assert_int_eq(entries_in("store/" ASIDE_DIR), 1);
    teardown();
}
END_TEST

START_TEST(one_that_cannot_be_made_is_no_others_trouble)
{
    struct user_batch_item items[] = {
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/a"), .place = SLICE("three")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/b")},
    };

    setup();
    user_batch_run(&dirs, 0, items, ARRAY_LEN(items));
    ck_assert_uint_eq(items[0].error, ENODEV);
    ck_assert_uint_eq(items[1].error, 0);
    ck_assert_int_eq(folders_of("d.test/aa/b"), STANDARD_FOLDERS);
    teardown();
}
END_TEST

/* As an earlier version made it, or stopped while it did. */
START_TEST(half_of_one_is_completed)
{
    struct user_batch_item item = {.type = STORE_CREATE, .path = SLICE("d.test/aa/a")};

    setup();
    ck_assert_int_eq(mkdir("store/d.test", 0711) | mkdir("store/d.test/aa", 0711) |
                         mkdir("store/d.test/aa/a", 0711),
                     0);
    if (_i > 0)
        ck_assert_int_eq(
            mkdir("store/d.test/aa/a/mail", 0700) | mkdir("store/d.test/aa/a/mail/cur", 0700), 0);
    run_all(&item, 1, 0);
    ck_assert_int_eq(folders_of("d.test/aa/a"), STANDARD_FOLDERS);
    teardown();
}
END_TEST

/* ---- stopped at each call ---- */

/* Of each kind, in both storage directories. */
static const struct user_batch_item all_kinds[] = {
    {.type = STORE_CREATE, .path = {"d.test/aa/a", 11}},
    {.type = STORE_CREATE, .path = {"d.test/bb/b", 11}, .place = {"two", 3}},
    {.type = STORE_RENAME, .path = {"d.test/aa/old", 13}, .new_path = {"n.test/aa/new", 13}},
    {.type = STORE_RENAME, .path = {"d.test/aa/old2", 14}, .new_path = {"n.test/aa/new2", 14}},
    {.type = STORE_REMOVE, .path = {"d.test/aa/gone", 14}},
    {.type = STORE_REMOVE, .path = {"d.test/aa/gone2", 15}},
};

static void
make_old_ones(void)
{
    struct user_batch_item items[] = {
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/old"), .place = SLICE("main")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/old2"), .place = SLICE("two")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/gone"), .place = SLICE("main")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/gone2"), .place = SLICE("two")},
    };

    run_all(items, ARRAY_LEN(items), 0);
}

static void
run_all_kinds(void *arg)
{
    struct user_batch_item items[ARRAY_LEN(all_kinds)];
    uint32_t error = 0;

    (void)arg;
    memcpy(items, all_kinds, sizeof(items));
    user_batch_run(&dirs, 0, items, ARRAY_LEN(items));
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        error |= items[i].error;
    _exit(error == 0 ? 0 : 1);
}

static void
whole_or_not_there(int step)
{
    for (size_t i = 0; i < ARRAY_LEN(all_kinds); i++) {
        const struct user_batch_item *item = &all_kinds[i];
        int old = folders_of(item->path.ptr);
        int new = item->type == STORE_RENAME ? folders_of(item->new_path.ptr) : -1;

        ck_assert_msg(old == -1 || old == STANDARD_FOLDERS, "step %d, item %zu: %d", step, i, old);
        ck_assert_msg(new == -1 || new == STANDARD_FOLDERS, "step %d, item %zu: %d", step, i, new);
    }
}

/* What a crash left goes when the next one is made there. */
static void
nothing_is_left(void)
{
    struct user_batch_item items[] = {
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/next"), .place = SLICE("main")},
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/next2"), .place = SLICE("two")},
    };

    run_all(items, ARRAY_LEN(items), 0);
    ck_assert_int_eq(entries_in("store/.making"), 0);
    ck_assert_int_eq(entries_in("stores/two/.making"), 0);
}

static void
all_is_done(int step)
{
    static const struct {
        const char *path;
        int folders;
    } wanted[] = {
        {"d.test/aa/a", STANDARD_FOLDERS},
        {"d.test/bb/b", STANDARD_FOLDERS},
        {"n.test/aa/new", STANDARD_FOLDERS},
        {"n.test/aa/new2", STANDARD_FOLDERS},
        {"d.test/aa/old", -1},
        {"d.test/aa/old2", -1},
        {"d.test/aa/gone", -1},
        {"d.test/aa/gone2", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        ck_assert_msg(folders_of(wanted[i].path) == wanted[i].folders, "step %d: %s", step,
                      wanted[i].path);
    nothing_is_left();
}

START_TEST(stopped_anywhere_it_is_done_by_asking_again)
{
    int status = -1, step = 0;

    while (status != 0) {
        struct user_batch_item items[ARRAY_LEN(all_kinds)];

        ck_assert_int_lt(++step, STEPS_MAX);
        setup();
        make_old_ones();
        (void)crash_run(run_all_kinds, NULL, CRASH_KILL, step, &status);
        ck_assert_int_le(status, 0); /* killed, or done */
        whole_or_not_there(step);
        memcpy(items, all_kinds, sizeof(items));
        run_all(items, ARRAY_LEN(items), 0);
        all_is_done(step);
        teardown();
    }
    ck_assert_int_gt(step, 50);
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_no_more)
{
    int status = -1, step = 0;

    while (status != 0) {
        struct user_batch_item items[ARRAY_LEN(all_kinds)];

        ck_assert_int_lt(++step, STEPS_MAX);
        setup();
        make_old_ones();
        (void)crash_run(run_all_kinds, NULL, CRASH_ENOSPC, step, &status);
        ck_assert_int_ge(status, 0); /* it said so, or nothing failed */
        whole_or_not_there(step);
        memcpy(items, all_kinds, sizeof(items));
        run_all(items, ARRAY_LEN(items), 0);
        all_is_done(step);
        teardown();
    }
    ck_assert_int_gt(step, 3);
}
END_TEST

/* ---- after a power cut ---- */

START_TEST(what_has_got_mail_is_not_swept)
{
    struct user_batch_item next = {.type = STORE_CREATE, .path = SLICE("d.test/aa/next")};

    setup();
    run_all(&(struct user_batch_item){.type = STORE_CREATE, .path = SLICE("d.test/aa/a")}, 1, 0);
    run_all(&(struct user_batch_item){.type = STORE_CREATE, .path = SLICE("d.test/aa/b")}, 1, 0);
    ck_assert_int_eq(mkdir("store/.making/empty", 0700) | mkdir("store/.making/mail", 0700), 0);
    ck_assert_int_eq(rename("store/d.test/aa/a", "store/.making/empty/0"), 0); /* names are lost */
    ck_assert_int_eq(rename("store/d.test/aa/b", "store/.making/mail/7"), 0);
    ck_assert_int_eq(close(creat("store/.making/mail/7/mail/.Sent/cur/1", 0600)), 0);
    run_all(&next, 1, 0);
    ck_assert_int_eq(access("store/.making/empty", F_OK), -1);
    ck_assert_int_eq(access("store/.making/kept-mail/7/mail/.Sent/cur/1", F_OK), 0);
    run_all(&next, 1, 0);
    next.path = SLICE("d.test/aa/next2");
    run_all(&next, 1, 0);
    ck_assert_int_eq(entries_in("store/.making"), 1);
    teardown();
}
END_TEST

/* ---- file systems without RENAME_NOREPLACE ---- */

START_TEST(all_goes_on_where_rename_takes_no_flags)
{
    struct user_batch_item items[ARRAY_LEN(all_kinds)];
    struct user_batch_item rename = {
        .type = STORE_RENAME, .path = SLICE("d.test/xx/x"), .new_path = SLICE("d.test/yy/y")};

    setup();
    knows_no_flags = true;
    make_old_ones();
    memcpy(items, all_kinds, sizeof(items));
    run_all(items, ARRAY_LEN(items), 0);
    all_is_done(0);
    run_all(items, ARRAY_LEN(items), 0); /* again */
    all_is_done(0);
    run_all(&(struct user_batch_item){.type = STORE_CREATE, .path = rename.path}, 1, 0);
    run_all(&(struct user_batch_item){.type = STORE_CREATE, .path = rename.new_path}, 1, 0);
    run_all(&rename, 1, EEXIST); /* neither replaces the other */
    ck_assert_int_ge(folders_of("d.test/xx/x"), 0);
    knows_no_flags = false;
    teardown();
}
END_TEST

/* ---- the order of flushes ---- */

static void
make_two(void *arg)
{
    struct user_batch_item items[] = {
        {.type = STORE_CREATE, .path = SLICE("d.test/aa/a"), .place = SLICE("main")},
        {.type = STORE_CREATE, .path = SLICE("d.test/bb/b"), .place = SLICE("main")},
    };

    (void)arg;
    user_batch_run(&dirs, 0, items, ARRAY_LEN(items));
    _exit((int)(items[0].error | items[1].error));
}

struct seen {
    bool written;   /* something, since the last syncfs */
    unsigned named; /* mailboxes that have got their names */
    bool names_on_disk;
};

static bool
inbox_is_locked(const char *path)
{
    char name[MAIL_PATH_SIZE];
    int fd;
    bool locked;

    (void)snprintf(name, sizeof(name), "store/%s/mail/posthorn.journal", path);
    fd = open(name, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    locked = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    (void)close(fd);
    return locked;
}

static void
look_at_call(struct seen *seen, const struct __ptrace_syscall_info *info)
{
    switch ((long)info->entry.nr) {
    case SYS_write:
        seen->written = true;
        break;
    case SYS_renameat2:
        ck_assert_msg(!seen->written, "a mailbox got its name before its content was on disk");
        seen->named++;
        break;
    case SYS_syncfs:
        if (seen->named == 2) { /* whoever finds them now cannot be promised anything */
            ck_assert(inbox_is_locked("d.test/aa/a"));
            ck_assert(inbox_is_locked("d.test/bb/b"));
            seen->names_on_disk = true;
        }
        seen->written = false;
        break;
    default:
        break;
    }
}

START_TEST(names_come_after_content_and_locks_go_after_names)
{
    struct seen seen = {0};
    int status;
    pid_t pid;

    setup();
    pid = fork();
    if (pid == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        make_two(NULL);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    (void)ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (WIFSTOPPED(status)) {
        struct __ptrace_syscall_info info;

        if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
            ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY)
            look_at_call(&seen, &info);
        (void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    }
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_eq(seen.named, 2);
    ck_assert(seen.names_on_disk);
    ck_assert(!inbox_is_locked("d.test/aa/a"));
    teardown();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("user_batch");
    TCase *tc = tcase_create("user_batch");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, each_is_made_with_its_folders);
    tcase_add_test(tc, they_run_in_their_order);
    tcase_add_test(tc, one_that_cannot_be_made_is_no_others_trouble);
    tcase_add_loop_test(tc, half_of_one_is_completed, 0, 2);
    tcase_add_test(tc, stopped_anywhere_it_is_done_by_asking_again);
    tcase_add_test(tc, a_full_disk_is_an_error_and_no_more);
    tcase_add_test(tc, all_goes_on_where_rename_takes_no_flags);
    tcase_add_test(tc, what_has_got_mail_is_not_swept);
    tcase_add_test(tc, names_come_after_content_and_locks_go_after_names);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
