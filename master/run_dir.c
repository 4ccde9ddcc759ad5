/*
 * master/run_dir.c - the directory of sockets, locks and shared memory.
 */
#include "master/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"

/* Whoever may write there can put sockets of their own in place of ours. */
static bool
is_ours_alone(int fd, const char *path, struct strbuf *error)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return true;
    (void)strbuf_printf(error,
                        "%s: it must belong to user %u, who starts the suite, and nobody else may "
                        "write there\n",
                        path, (unsigned)geteuid());
    return false;
}

int
run_dir_open(const char *path, struct strbuf *error)
{
    int fd;

    /* Service users pass through to the sockets, whose own modes decide; nobody lists it. */
    if (mkdir(path, 0700) == 0)
        (void)chmod(path, 0711); /* umask does not count; checked by the open below */
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        (void)strbuf_printf(error, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    if (!is_ours_alone(fd, path, error)) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

static void
remove_files(int dirfd, const char *prefix)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            unlink_keep_errno(dirfd, entry->d_name);
    (void)closedir(dir); /* nothing was written through it */
}

void
run_dir_clean(int run_dirfd)
{
    int stats = openat(run_dirfd, "stats", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    remove_files(run_dirfd, "posthorn.conf.");
    if (stats >= 0)
        remove_files(stats, "");
    close_keep_errno(stats);
}
