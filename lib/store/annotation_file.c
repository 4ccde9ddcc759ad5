/*
 * lib/store/annotation_file.c - the files that hold annotations.
 */
#include "lib/store/annotation_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/beneath.h"

#define NEXT ".next"
#define READ_STEP 16384

static int
read_all(int fd, struct strbuf *out)
{
    ssize_t n;

    do {
        char *room = strbuf_room(out, READ_STEP);

        if (room == NULL) {
            errno = EFBIG;
            return -1;
        }
        n = read(fd, room, READ_STEP);
        if (n > 0)
            strbuf_grew(out, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? -1 : 0;
}

int
annotation_file_load(int dirfd, const char *name, struct annotation_set *out)
{
    struct strbuf text = strbuf_new(ANNOTATION_FILE_MAX + READ_STEP);
    int fd = dirfd < 0 ? -1 : beneath_open(dirfd, name, O_RDONLY | O_NONBLOCK, 0), rc;

    *out = (struct annotation_set){.count = 0};
    if (fd < 0)
        return dirfd < 0 || errno == ENOENT ? 0 : -1;
    rc = read_all(fd, &text);
    close_keep_errno(fd);
    if (rc == 0)
        rc = annotation_set_parse(&text, out);
    strbuf_free(&text);
    return rc;
}

int
annotation_file_stamp(int dirfd, const char *name, uint64_t *stamp)
{
    int fd = dirfd < 0 ? -1 : beneath_open(dirfd, name, O_RDONLY | O_NONBLOCK, 0), rc;
    char header[ANNOTATION_HEADER_SIZE];

    *stamp = 0;
    if (fd < 0)
        return dirfd < 0 || errno == ENOENT ? 0 : -1;
    rc = pread_exact(fd, header, sizeof(header), 0);
    if (rc == 0)
        rc = annotation_set_parse_highest(slice_make(header, sizeof(header)), stamp);
    close_keep_errno(fd);
    return rc;
}

static void
next_name(const char *name, char out[ANNOTATION_FILE_NAME_SIZE])
{
    (void)snprintf(out, ANNOTATION_FILE_NAME_SIZE, "%.*s" NEXT, ANNOTATION_FILE_NAME_SIZE - 8,
                   name);
}

/* What a process that died left under the name is overwritten: we have the lock. */
int
annotation_file_write_next(int dirfd, const char *name, struct slice bytes)
{
    char next[ANNOTATION_FILE_NAME_SIZE];
    int fd, rc;

    next_name(name, next);
    fd = beneath_open(dirfd, next, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return -1;
    rc = write_all(fd, bytes);
    if (rc == 0)
        rc = fsync(fd);
    close_keep_errno(fd);
    if (rc < 0)
        unlink_keep_errno(dirfd, next);
    return rc;
}

int
annotation_file_publish(int dirfd, const char *name)
{
    char next[ANNOTATION_FILE_NAME_SIZE];

    next_name(name, next);
    return renameat(dirfd, next, dirfd, name) < 0 ? -1 : fsync(dirfd);
}

/* ---- all files of a store ---- */

/* Runs each() over the files in one directory: those of the folders below it, or all of them. */
static void
for_each(int dirfd, const char *dir, bool folders, void (*each)(void *arg, const struct stat *st),
         void *arg)
{
    char path[NAME_MAX + ANNOTATION_FILE_NAME_SIZE];
    int fd = beneath_open_dir(dirfd, dir);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    struct stat st;

    if (d == NULL) {
        close_keep_errno(fd);
        return;
    }
    while ((e = readdir(d)) != NULL) { /* "." is INBOX */
        if (folders && (e->d_name[0] != '.' || strcmp(e->d_name, "..") == 0))
            continue;
        (void)snprintf(path, sizeof(path), "%s%s", e->d_name,
                       folders ? "/" ANNOTATIONS_SHARED : "");
        if (fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            each(arg, &st);
    }
    (void)closedir(d); /* read only */
}

static void
add_size(void *arg, const struct stat *st)
{
    *(uint64_t *)arg += (uint64_t)st->st_size;
}

uint64_t
annotation_file_sum(int store_dirfd)
{
    uint64_t sum = 0;

    for_each(store_dirfd, ".", true, add_size, &sum);
    for_each(store_dirfd, ANNOTATIONS_PRIVATE, false, add_size, &sum);
    return sum;
}

static void
mix(void *arg, const struct stat *st)
{
    uint64_t time = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;

    *(uint64_t *)arg += (st->st_ino ^ time) * 0x9e3779b97f4a7c15u;
}

uint64_t
annotation_file_fingerprint(int store_dirfd)
{
    uint64_t number = 0;

    for_each(store_dirfd, ".", true, mix, &number);
    return number;
}
