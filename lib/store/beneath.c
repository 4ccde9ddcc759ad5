/*
 * lib/store/beneath.c - opening below a directory and nowhere else (openat2).
 */
#include "lib/store/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/io.h"

#define DIR_MODE 0700

int
beneath_open(int dirfd, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .mode = (flags & O_CREAT) != 0 ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };

    return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

int
beneath_open_dir(int dirfd, const char *path)
{
    return beneath_open(dirfd, path, O_RDONLY | O_DIRECTORY, 0);
}

int
beneath_sync_dir(int dirfd, const char *path)
{
    int fd = beneath_open_dir(dirfd, path);
    int rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close_keep_errno(fd);
    return rc;
}

int
beneath_make_dir(int dirfd, const char *path)
{
    return mkdirat(dirfd, path, DIR_MODE) < 0 && errno != EEXIST ? -1 : 0;
}
