/*
 * t/unit/store_test.h - a mail directory for one test, and short cuts that fail the test on error.
 */
#ifndef POSTHORN_T_UNIT_STORE_TEST_H
#define POSTHORN_T_UNIT_STORE_TEST_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/mailbox.h"
#include "lib/store/store_dirs.h"

static char store_test_path[64];
static int store_test_fd = -1; /* the mail directory */
static struct store *store_test;
static struct store_options store_test_options = {.may_remove = true};

static int
store_test_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void
store_test_setup_empty(void)
{
    (void)snprintf(store_test_path, sizeof(store_test_path), "%s/st-test-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(store_test_path));
    store_test_fd = open(store_test_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(store_test_fd, 0);
}

/* The test's directory as the main and only storage directory. */
static inline const struct store_dirs *
store_test_dirs(void)
{
    static struct store_dirs dirs;

    dirs = (struct store_dirs){.main_fd = store_test_fd, .others_fd = -1};
    if (faccessat(store_test_fd, STORE_DIR_MARK, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        ck_assert_int_eq(store_dirs_mark(store_test_fd, STORE_DIR_MAIN), 0);
    return &dirs;
}

/* USER/mail below the test's directory, as the keeper makes it. */
static inline void
store_test_make_user(const char *user)
{
    char path[200];

    (void)snprintf(path, sizeof(path), "%s/mail", user);
    for (char *at = strchr(path, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdirat(store_test_fd, path, 0711); /* may be there */
        *at = '/';
    }
    (void)mkdirat(store_test_fd, path, 0700);
}

static inline void
store_test_setup(void)
{
    store_test_setup_empty();
    store_test = store_open(store_test_fd, &store_test_options);
    ck_assert_msg(store_test != NULL, "store_open: %s", strerror(errno));
}

static inline void
store_test_teardown(void)
{
    store_close(&store_test);
    (void)close(store_test_fd);
    (void)nftw(store_test_path, store_test_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Appends one message; its UID. */
static inline uint32_t
store_test_append(const char *folder, const char *text, uint32_t flags)
{
    struct mailbox_append *a = mailbox_append_begin(store_test, slice_of(folder));
    struct mailbox_uids uids;
    uint32_t uid;

    ck_assert_msg(a != NULL, "append to %s: %s", folder, strerror(errno));
    ck_assert_int_eq(write_all(mailbox_append_fd(a), slice_of(text)), 0);
    ck_assert_int_eq(mailbox_append_message(a, flags, NULL, 0, 1234567890123), 0);
    ck_assert_int_eq(mailbox_append_commit(&a, &uids), 0);
    ck_assert_uint_eq(uids.count, 1);
    uid = uids.uids[0];
    free(uids.uids);
    return uid;
}

static inline struct mailbox *
store_test_select(const char *folder)
{
    struct mailbox *mb = mailbox_open(store_test, slice_of(folder), false, true);

    ck_assert_msg(mb != NULL, "open %s: %s", folder, strerror(errno));
    return mb;
}

static inline char *
store_test_read(struct mailbox *mb, uint32_t seq)
{
    int fd = mailbox_open_message(mb, seq);
    size_t size = (size_t)mailbox_message(mb, seq)->size;
    char *text;

    ck_assert_msg(fd >= 0, "message %u: %s", seq, strerror(errno));
    text = xcalloc(1, size + 1);
    ck_assert_int_eq(pread_exact(fd, text, size, 0), 0);
    (void)close(fd);
    return text;
}

/* The files of a directory below the mail directory, its log aside; 0 if it is not there. */
static inline unsigned
store_test_files_in(const char *path)
{
    int fd = openat(store_test_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    unsigned count = 0;

    while (dir != NULL && (e = readdir(dir)) != NULL)
        count += e->d_name[0] != '.' && strcmp(e->d_name, "log") != 0;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

/* Runs a suite with one test case; the exit status. */
static inline int
store_test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
