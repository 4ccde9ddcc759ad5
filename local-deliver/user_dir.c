/*
 * local-deliver/user_dir.c - the directory of one user below the store: DOMAIN/xx/USER.
 *
 * Everything is durable before it is answered (an account that exists has its directory): here, or
 * for many at once by the caller.
 */
#include "local-deliver/user_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/aside.h"
#include "lib/store/beneath.h"

/* authd walks here with the right to search alone; what is below USER/mail is the user's. */
enum { WALK_MODE = 0711, MAIL_MODE = 0700 };

enum make { FIND, MAKE, MAKE_FLUSHED };

/* Makes `name` below `dirfd` if it is missing, and opens it. */
static int
step_into(int dirfd, const char *name, mode_t mode, enum make make)
{
    bool made = make != FIND && mkdirat(dirfd, name, mode) == 0;
    int fd;

    if (make != FIND && !made && errno != EEXIST)
        return -1;
    fd = beneath_open_dir(dirfd, name);
    if (fd < 0)
        return -1;
    if (made &&
        (fchmod(fd, mode) < 0 || (make == MAKE_FLUSHED && beneath_sync_dir(dirfd, ".") < 0))) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

/* Opens `levels` parts of `path` (all: SIZE_MAX), then `last` if it is not NULL. */
static int
walk(int root, struct slice path, size_t levels, const char *last, enum make make)
{
    int fd = beneath_open_dir(root, ".");

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

/* ---- where ---- */

int
user_dir_open(const struct store_dirs *dirs, struct slice path)
{
    return store_dirs_open_mail(dirs, path, O_RDONLY);
}

static char *
last_part(struct slice path)
{
    return xslicedup(slice_sub(path, slice_rindex(path, '/') + 1, path.len));
}

/* The link in the main directory, durable, before anything is made elsewhere: who dies in between
 * goes on there. */
static int
put_link(const struct store_dirs *dirs, struct slice path, const char *id, enum make make)
{
    int parent = walk(dirs->main_fd, path, 2, NULL, make);
    char *name = last_part(path);
    int rc = parent < 0 ? -1 : symlinkat(id, parent, name);

    if (rc < 0 && parent >= 0 && errno == EEXIST)
        rc = 0;
    if (rc == 0 && make == MAKE_FLUSHED)
        rc = beneath_sync_dir(parent, ".");
    close_keep_errno(parent);
    free(name);
    return rc;
}

static int
choose(const struct store_dirs *dirs, struct slice place, unsigned reserve,
       char id[STORE_DIR_ID_SIZE])
{
    if (place.len == 0)
        return store_dirs_choose(dirs, reserve, id);
    (void)snprintf(id, STORE_DIR_ID_SIZE, "%.*s", (int)place.len, place.ptr);
    return store_dirs_usable(dirs, reserve, id);
}

/* 1: it has one already. */
static int
decide(const struct store_dirs *dirs, struct slice path, const struct user_dir_wish *wish,
       enum make make, char id[STORE_DIR_ID_SIZE])
{
    char *name = xslicedup(path);
    int rc = store_dirs_find(dirs, name, id);

    if (rc == 0) {
        rc = 1;
    } else if (errno == ENOENT) {
        rc = choose(dirs, wish->place, wish->reserve, id);
        if (rc == 0 && strcmp(id, STORE_DIR_MAIN) != 0)
            rc = put_link(dirs, path, id, make);
        if (rc == 0) /* of two at once the first has decided */
            rc = store_dirs_find(dirs, name, id) < 0 && errno != ENOENT ? -1 : 0;
    }
    free(name);
    return rc;
}

int
user_dir_decide(const struct store_dirs *dirs, struct slice path, const struct user_dir_wish *wish,
                char id[STORE_DIR_ID_SIZE])
{
    return decide(dirs, path, wish, MAKE, id);
}

int
user_dir_make(const struct store_dirs *dirs, struct slice path, const struct user_dir_wish *wish)
{
    char id[STORE_DIR_ID_SIZE];
    int rc = decide(dirs, path, wish, MAKE_FLUSHED, id);
    int root = rc < 0 ? -1 : store_dirs_root(dirs, id, O_RDONLY), fd = -1;

    if (root >= 0)
        fd = walk(root, path, SIZE_MAX, "mail", MAKE_FLUSHED);
    close_keep_errno(root);
    return fd;
}

int
user_dir_begin(int dirfd, const char *name)
{
    int user_fd = step_into(dirfd, name, WALK_MODE, MAKE), fd = -1;

    if (user_fd >= 0)
        fd = step_into(user_fd, "mail", MAIL_MODE, MAKE);
    close_keep_errno(user_fd);
    return fd;
}

/* NFS and CephFS refuse RENAME_NOREPLACE when the kernel has seen already that nothing has the new
 * name. Who makes one meanwhile loses nothing: a directory replaces an empty one at most, and links
 * are renamed by one process alone. */
static int
rename_to_new(int from_fd, const char *from, int to_fd, const char *to)
{
    int rc = renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE);

    if (rc == 0 || errno != EINVAL)
        return rc;
    rc = renameat(from_fd, from, to_fd, to);
    if (rc < 0 && errno == ENOTEMPTY)
        errno = EEXIST;
    return rc;
}

int
user_dir_name(int dirfd, const char *name, int root, struct slice path)
{
    int parent = walk(root, path, 2, NULL, MAKE);
    char *last = last_part(path);
    int rc = parent < 0 ? -1 : rename_to_new(dirfd, name, parent, last);

    close_keep_errno(parent);
    free(last);
    return rc;
}

/* ---- renaming ---- */

/* The move between two open parents. */
static int
move(int from_fd, const char *from, int to_fd, const char *to, bool flush)
{
    struct stat st;

    if (rename_to_new(from_fd, from, to_fd, to) < 0) {
        if (errno != ENOENT || fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -1;
    }
    if (!flush)
        return 0;
    return beneath_sync_dir(to_fd, ".") < 0 || beneath_sync_dir(from_fd, ".") < 0 ? -1 : 0;
}

/* Below one storage directory. */
static int
rename_below(int root, struct slice path, struct slice new_path, bool flush)
{
    char *from = last_part(path), *to = last_part(new_path);
    int to_fd = walk(root, new_path, 2, NULL, flush ? MAKE_FLUSHED : MAKE);
    int from_fd = to_fd < 0 ? -1 : walk(root, path, 2, NULL, FIND);
    int rc = -1;

    if (from_fd >= 0) {
        rc = move(from_fd, from, to_fd, to, flush);
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

/* Of a user in another directory than the main one: first the mail, then the link, so that the link
 * under the old name is what is left to do after a crash. */
int
user_dir_rename(const struct store_dirs *dirs, struct slice path, struct slice new_path, bool flush)
{
    char id[STORE_DIR_ID_SIZE], *name = xslicedup(path);
    int rc = store_dirs_find(dirs, name, id), root;

    free(name);
    if (rc < 0 && errno != ENOENT)
        return -1;
    if (rc == 0 && strcmp(id, STORE_DIR_MAIN) != 0) {
        root = store_dirs_root(dirs, id, O_RDONLY);
        rc = root < 0 ? -1 : rename_below(root, path, new_path, true);
        close_keep_errno(root);
        if (rc < 0)
            return -1;
    }
    return rename_below(dirs->main_fd, path, new_path, flush);
}

/* ---- removing ---- */

static int
put_aside(int root, const char *path, bool flush)
{
    int rc = aside_put(root, path);

    if (rc == 0 && flush && beneath_sync_dir(root, ASIDE_DIR) < 0 && errno != ENOENT)
        rc = -1;
    return rc;
}

/* The mail first, and then the link that leads to it: it is removed like a directory. */
int
user_dir_remove(const struct store_dirs *dirs, struct slice path, bool flush)
{
    char *name = xslicedup(path), id[STORE_DIR_ID_SIZE];
    int rc = store_dirs_find(dirs, name, id), root;

    if (rc < 0) {
        rc = errno == ENOENT ? 0 : -1;
    } else {
        if (strcmp(id, STORE_DIR_MAIN) != 0) {
            root = store_dirs_root(dirs, id, O_RDONLY);
            rc = root < 0 ? -1 : put_aside(root, name, true);
            close_keep_errno(root);
        }
        if (rc == 0)
            rc = put_aside(dirs->main_fd, name, flush);
    }
    free(name);
    return rc;
}
