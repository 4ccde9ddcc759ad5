/*
 * local-deliver/user_dir.c - the directory of one user below the store: DOMAIN/xx/USER.
 *
 * Everything is durable before it is answered: an account that exists has its directory.
 */
#include "local-deliver/user_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"

/* authd walks here with the right to search alone; what is below USER/mail is the user's. */
enum { WALK_MODE = 0711, MAIL_MODE = 0700 };

/* Makes `name` below `dirfd` if it is missing, on disk, and opens it. */
static int
step_into(int dirfd, const char *name, mode_t mode, bool make)
{
    bool made = make && mkdirat(dirfd, name, mode) == 0;
    int fd;

    if (make && !made && errno != EEXIST)
        return -1;
    fd = beneath_open_dir(dirfd, name);
    if (fd < 0)
        return -1;
    if (made && (fchmod(fd, mode) < 0 || beneath_sync_dir(dirfd, ".") < 0)) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

/* Opens `levels` parts of `path` (all: SIZE_MAX), then `last` if it is not NULL. */
static int
walk(int store_dirfd, struct slice path, size_t levels, const char *last, bool make)
{
    int fd = beneath_open_dir(store_dirfd, ".");

    for (size_t i = 0; fd >= 0 && path.len > 0 && i < levels; i++) {
        char *name = xslicedup(slice_split(&path, '/'));
        int next = step_into(fd, name, WALK_MODE, make);

        close_keep_errno(fd);
        free(name);
        fd = next;
    }
    if (fd >= 0 && last != NULL) {
        int next = step_into(fd, last, MAIL_MODE, make);

        close_keep_errno(fd);
        fd = next;
    }
    return fd;
}

int
user_dir_open(int store_dirfd, struct slice path, bool make)
{
    return walk(store_dirfd, path, SIZE_MAX, "mail", make);
}

static char *
last_part(struct slice path)
{
    return xslicedup(slice_sub(path, slice_rindex(path, '/') + 1, path.len));
}

/* The move between two open parents, durable on both sides. */
static int
move(int from_fd, const char *from, int to_fd, const char *to)
{
    struct stat st;

    if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) < 0) {
        if (errno != ENOENT || fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -1;
    }
    return beneath_sync_dir(to_fd, ".") < 0 || beneath_sync_dir(from_fd, ".") < 0 ? -1 : 0;
}

int
user_dir_rename(int store_dirfd, struct slice path, struct slice new_path)
{
    char *from = last_part(path), *to = last_part(new_path);
    int to_fd = walk(store_dirfd, new_path, 2, NULL, true);
    int from_fd = to_fd < 0 ? -1 : walk(store_dirfd, path, 2, NULL, false);
    int rc = -1;

    if (from_fd >= 0) {
        rc = move(from_fd, from, to_fd, to);
    } else if (to_fd >= 0 && errno == ENOENT) { /* the old parents are gone: done, or never made */
        struct stat st;

        rc = fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW);
    }
    if (rc < 0 && errno == ENOENT)
        rc = 0; /* no mail yet: nothing to move, and the new directory is made when it is needed */
    close_keep_errno(from_fd);
    close_keep_errno(to_fd);
    free(from);
    free(to);
    return rc;
}
