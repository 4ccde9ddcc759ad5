/*
 * lib/store/move_fence.c - a mailbox that is being moved takes no change any more.
 */
#include "lib/store/move_fence.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/store/annotation_file.h"
#include "lib/store/beneath.h"
#include "lib/store/journal.h"

enum { OPEN_MODE = 0600, FENCED_MODE = 01600 };

/* The mode of the journal of the folder at `name`. 0 also if it is no folder. */
static int
set_mode(int mail_fd, const char *name, mode_t mode)
{
    int dirfd = beneath_open_dir(mail_fd, name), rc;
    struct journal j;

    if (dirfd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
    rc = journal_open(&j, dirfd, true);
    if (rc < 0 && errno == ENOENT && mode == FENCED_MODE)
        errno = EAGAIN; /* it would get one behind the fence */
    if (rc == 0) {
        if (mode == FENCED_MODE)
            rc = journal_lock_current(&j);
        if (rc == 0)
            rc = fchmod(j.fd, mode);
        else if (errno == EREMOTE)
            rc = 0;
        journal_unlock(&j);
        journal_close(&j);
    }
    close_keep_errno(dirfd);
    return rc;
}

/* INBOX first: no folder is made without its journal. */
static int
set_all(int mail_fd, mode_t mode)
{
    int fd = beneath_open_dir(mail_fd, "."), rc = set_mode(mail_fd, ".", mode);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while ((rc == 0 || mode == OPEN_MODE) && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0)
            rc = set_mode(mail_fd, entry->d_name, mode);
    (void)closedir(dir);
    return rc;
}

/* Private annotations are changed under a lock of their own (annotations.c), and looking at the
 * fence: whoever did before it was there is waited for. */
static int
wait_for_annotations(int mail_fd)
{
    const struct timespec step = {.tv_nsec = 1000000};
    int64_t deadline = clock_mono_ms() + JOURNAL_LOCK_MS;
    int fd = beneath_open_dir(mail_fd, ANNOTATIONS_PRIVATE), rc = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    while ((rc = flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK &&
           clock_mono_ms() < deadline)
        (void)nanosleep(&step, NULL); /* shorter is fine */
    if (rc < 0)
        errno = EBUSY;
    close_keep_errno(fd);
    return rc;
}

int
move_fence_raise(int mail_fd)
{
    return set_all(mail_fd, FENCED_MODE) < 0 ? -1 : wait_for_annotations(mail_fd);
}

void
move_fence_lift(int mail_fd)
{
    (void)set_all(mail_fd, OPEN_MODE); /* see the header */
}
