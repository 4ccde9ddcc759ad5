/*
 * lib/store/warning_mark.c - whether a user has been warned that the mailbox fills up.
 *
 * The files are the user's own, whose sessions may have written anything: a key is bounded and goes
 * no further than a search in the user's own journal.
 */
#include "lib/store/warning_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/beneath.h"

#define BEGUN_NAME "posthorn.warning"
#define DONE_NAME "posthorn.warned"

/* A file that a power cut emptied holds no key: its delivery had not begun. */
static bool
read_key(int dirfd, char key[WARNING_KEY_SIZE])
{
    int fd = beneath_open(dirfd, BEGUN_NAME, O_RDONLY | O_NONBLOCK, 0);
    ssize_t n = fd < 0 ? -1 : read(fd, key, WARNING_KEY_SIZE - 1);

    close_keep_errno(fd);
    key[n > 0 ? n : 0] = '\0';
    return n > 0 && strlen(key) == (size_t)n;
}

enum warning_mark
warning_mark_read(int dirfd, char key[WARNING_KEY_SIZE])
{
    if (faccessat(dirfd, DONE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return WARNING_DONE;
    if (faccessat(dirfd, BEGUN_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return WARNING_NONE;
    if (read_key(dirfd, key))
        return WARNING_BEGUN;
    (void)unlinkat(dirfd, BEGUN_NAME, 0); /* staying, it makes warning_mark_begin fail */
    return WARNING_NONE;
}

/* Under its name only when it is whole: another process may look at any time. */
int
warning_mark_begin(int dirfd, const char *key)
{
    char tmp[sizeof("tmp/") + WARNING_KEY_SIZE];
    int fd, rc;

    (void)snprintf(tmp, sizeof(tmp), "tmp/%s", key);
    fd = beneath_open(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return -1;
    rc = write_all(fd, slice_of(key));
    if (rc == 0)
        rc = fdatasync(fd);
    if (rc == 0)
        rc = linkat(dirfd, tmp, dirfd, BEGUN_NAME, 0);
    if (rc == 0)
        rc = beneath_sync_dir(dirfd, ".");
    close_keep_errno(fd);
    unlink_keep_errno(dirfd, tmp);
    return rc;
}

void
warning_mark_done(int dirfd)
{
    (void)renameat(dirfd, BEGUN_NAME, dirfd, DONE_NAME); /* see the header */
}

void
warning_mark_clear(int dirfd)
{
    (void)unlinkat(dirfd, DONE_NAME, 0); /* see the header */
}
