/*
 * lib/store/store_dirs.c - the storage directories, and in which of them a user's mail lies.
 *
 * Only the mail user and root write outside of USER directories, so links there are ours; their
 * texts are checked all the same.
 */
#include "lib/store/store_dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"

#define PATH_SIZE 700

bool
store_dir_id_valid(struct slice id)
{
    if (id.len == 0 || id.len >= STORE_DIR_ID_SIZE || id.ptr[0] == '-' || id.ptr[0] == '_')
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* The text of a link, if it is an ID. ENOENT, EINVAL: no link. */
static int
read_id(int dirfd, const char *path, char id[STORE_DIR_ID_SIZE])
{
    ssize_t n = readlinkat(dirfd, path, id, STORE_DIR_ID_SIZE);

    if (n < 0)
        return -1;
    if (n < STORE_DIR_ID_SIZE && store_dir_id_valid(slice_make(id, (size_t)n))) {
        id[n] = '\0';
        return 0;
    }
    errno = ENODEV;
    return -1;
}

static bool
has_mark(int root_fd, const char *id)
{
    char is[STORE_DIR_ID_SIZE];

    return read_id(root_fd, STORE_DIR_MARK, is) == 0 && strcmp(is, id) == 0;
}

int
store_dirs_root(const struct store_dirs *dirs, const char *id, int flags)
{
    bool is_main = strcmp(id, STORE_DIR_MAIN) == 0;
    int fd = is_main               ? beneath_open(dirs->main_fd, ".", flags | O_DIRECTORY, 0)
             : dirs->others_fd < 0 ? -1
                                   : beneath_open(dirs->others_fd, id, flags | O_DIRECTORY, 0);

    if (fd >= 0 && has_mark(fd, id))
        return fd;
    close_keep_errno(fd);
    errno = ENODEV;
    return -1;
}

int
store_dirs_find(const struct store_dirs *dirs, const char *path, char id[STORE_DIR_ID_SIZE])
{
    if (!has_mark(dirs->main_fd, STORE_DIR_MAIN)) {
        errno = ENODEV;
        return -1;
    }
    if (read_id(dirs->main_fd, path, id) == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    (void)snprintf(id, STORE_DIR_ID_SIZE, "%s", STORE_DIR_MAIN);
    return 0;
}

/* In the main directory, which is where most are, it takes one call. */
int
store_dirs_open_mail(const struct store_dirs *dirs, struct slice path, int flags)
{
    char user[PATH_SIZE], mail[PATH_SIZE + sizeof("/mail")], id[STORE_DIR_ID_SIZE];
    int root, fd;

    if (path.len >= sizeof(user)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    (void)snprintf(user, sizeof(user), "%.*s", (int)path.len, path.ptr);
    (void)snprintf(mail, sizeof(mail), "%s/mail", user);
    fd = beneath_open(dirs->main_fd, mail, flags | O_DIRECTORY, 0);
    if (fd >= 0 || (errno != ELOOP && errno != ENOENT))
        return fd;
    if (store_dirs_find(dirs, user, id) < 0)
        return -1;
    root = store_dirs_root(dirs, id, O_PATH);
    fd = root < 0 ? -1 : beneath_open(root, mail, flags | O_DIRECTORY, 0);
    close_keep_errno(root);
    return fd;
}

/* ---- all of them ---- */

static void
look_at(const struct store_dirs *dirs, const char *id, unsigned reserve,
        struct store_dir_info *info)
{
    int fd = store_dirs_root(dirs, id, O_RDONLY);
    struct statvfs fs = {0};

    *info = (struct store_dir_info){.missing = fd < 0 || fstatvfs(fd, &fs) < 0};
    (void)snprintf(info->id, sizeof(info->id), "%s", id);
    close_keep_errno(fd);
    if (info->missing)
        return;
    info->total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    info->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    info->full = info->free_bytes / 100 * 100 < info->total_bytes / 100 * reserve;
}

static int
by_id(const void *a, const void *b)
{
    return strcmp(((const struct store_dir_info *)a)->id, ((const struct store_dir_info *)b)->id);
}

int
store_dirs_list(const struct store_dirs *dirs, unsigned reserve,
                struct store_dir_info list[STORE_DIRS_MAX])
{
    int fd = dirs->others_fd < 0 ? -1 : beneath_open_dir(dirs->others_fd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int count = 0;

    if (dir == NULL && dirs->others_fd >= 0) {
        close_keep_errno(fd);
        return -1;
    }
    look_at(dirs, STORE_DIR_MAIN, reserve, &list[count++]);
    while (dir != NULL && count < STORE_DIRS_MAX && (entry = readdir(dir)) != NULL)
        if (store_dir_id_valid(slice_of(entry->d_name)) &&
            strcmp(entry->d_name, STORE_DIR_MAIN) != 0)
            look_at(dirs, entry->d_name, reserve, &list[count++]);
    if (dir != NULL)
        (void)closedir(dir);
    qsort(list + 1, (size_t)count - 1, sizeof(*list), by_id);
    return count;
}

/* Has `a` the larger share? Both are there, so neither total is 0. */
static bool
is_freer(const struct store_dir_info *a, const struct store_dir_info *b)
{
    if (a->full != b->full)
        return b->full;
    return (double)a->free_bytes / (double)a->total_bytes >
           (double)b->free_bytes / (double)b->total_bytes;
}

int
store_dirs_choose(const struct store_dirs *dirs, unsigned reserve, char id[STORE_DIR_ID_SIZE])
{
    struct store_dir_info *list = xcalloc(STORE_DIRS_MAX, sizeof(*list));
    const struct store_dir_info *best = NULL;
    int count = store_dirs_list(dirs, reserve, list);

    for (int i = 0; i < count; i++)
        if (!list[i].missing && list[i].total_bytes > 0 &&
            (best == NULL || is_freer(&list[i], best)))
            best = &list[i];
    (void)snprintf(id, STORE_DIR_ID_SIZE, "%s", best == NULL ? "" : best->id);
    if (best == NULL)
        errno = ENODEV;
    xfree(&list);
    return count < 0 || id[0] == '\0' ? -1 : 0;
}

int
store_dirs_usable(const struct store_dirs *dirs, unsigned reserve, const char *id)
{
    struct store_dir_info info;

    look_at(dirs, id, reserve, &info);
    if (!info.missing && !info.full)
        return 0;
    errno = info.missing ? ENODEV : ENOSPC;
    return -1;
}

int
store_dirs_mark(int root_fd, const char *id)
{
    if (symlinkat(id, root_fd, STORE_DIR_MARK) == 0)
        return beneath_sync_dir(root_fd, ".");
    if (errno != EEXIST || has_mark(root_fd, id))
        return errno == EEXIST ? 0 : -1;
    errno = EEXIST;
    return -1;
}

/* A domain's directory is what else begins with no dot. */
bool
store_dirs_is_unmarked_store(int main_fd)
{
    int fd = beneath_open_dir(main_fd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    bool has_mail = false;

    if (dir == NULL) {
        close_keep_errno(fd);
        return false;
    }
    while (!has_mail && (entry = readdir(dir)) != NULL)
        has_mail = entry->d_name[0] != '.' && strchr(entry->d_name, '.') != NULL &&
                   strcmp(entry->d_name, STORE_DIR_MARK) != 0;
    (void)closedir(dir);
    return has_mail && !has_mark(main_fd, STORE_DIR_MAIN);
}
