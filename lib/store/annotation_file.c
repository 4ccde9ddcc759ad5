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

/* ---- room ---- */

static uint64_t
file_size(int dirfd, const char *dir, const char *name)
{
    char path[NAME_MAX + ANNOTATION_FILE_NAME_SIZE];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)
               ? (uint64_t)st.st_size
               : 0;
}

/* Bytes of the files in one directory: those of its folders, or all of them. */
static uint64_t
sum_directory(int dirfd, const char *dir, bool folders)
{
    int fd = beneath_open_dir(dirfd, dir);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    uint64_t sum = 0;

    if (d == NULL) {
        close_keep_errno(fd);
        return 0;
    }
    while ((e = readdir(d)) != NULL) /* "." is INBOX */
        if (!folders || (e->d_name[0] == '.' && strcmp(e->d_name, "..") != 0))
            sum += folders ? file_size(fd, e->d_name, ANNOTATIONS_SHARED)
                           : file_size(fd, ".", e->d_name);
    (void)closedir(d); /* read only */
    return sum;
}

uint64_t
annotation_file_sum(int store_dirfd)
{
    return sum_directory(store_dirfd, ".", true) +
           sum_directory(store_dirfd, ANNOTATIONS_PRIVATE, false);
}
