/*
 * lib/store/message_file.c - message files in a folder's cur/.
 *
 * Trusts no name in the directory: nothing is opened through a symbolic link.
 */
#include "lib/store/message_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"

#define COPY_STEP 16384
#define READ_STEP ((size_t)65536)

/* The path of the file whose name differs from `name` behind the flags' mark only. -1: none. */
static int
find_renamed(int dirfd, struct slice name, char path[FILE_PATH_SIZE])
{
    struct slice base = slice_sub(name, 0, slice_find(name, SLICE(":2,")));
    int fd = beneath_open_dir(dirfd, "cur");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    bool found = false;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while (!found && (e = readdir(dir)) != NULL) {
        struct slice other = slice_of(e->d_name);

        found = other.len < FILE_NAME_SIZE && slice_starts(other, base) &&
                (other.len == base.len ||
                 slice_starts(slice_sub(other, base.len, other.len), SLICE(":2,")));
        if (found)
            folder_cur_path(path, other);
    }
    (void)closedir(dir); /* read only */
    if (!found)
        errno = ENOENT;
    return found ? 0 : -1;
}

/* The path under which the file is now. */
static int
locate(int dirfd, struct slice name, char path[FILE_PATH_SIZE], struct stat *st)
{
    folder_cur_path(path, name);
    if (fstatat(dirfd, path, st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != ENOENT || find_renamed(dirfd, name, path) < 0)
        return -1;
    return fstatat(dirfd, path, st, AT_SYMLINK_NOFOLLOW);
}

int
message_file_find(int dirfd, struct slice name, char path[FILE_PATH_SIZE])
{
    struct stat st;

    return locate(dirfd, name, path, &st);
}

int
message_file_open(int dirfd, struct slice name)
{
    char path[FILE_PATH_SIZE];
    int fd;

    folder_cur_path(path, name);
    fd = beneath_open(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT && find_renamed(dirfd, name, path) == 0)
        fd = beneath_open(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
    return fd;
}

bool
message_file_exists(int dirfd, struct slice name, uint64_t size)
{
    char path[FILE_PATH_SIZE];
    struct stat st;

    return locate(dirfd, name, path, &st) == 0 && (uint64_t)st.st_size >= size;
}

/* FNV-1a over what stands before the flags, which other programs may rename. */
uint64_t
message_file_hash(struct slice name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    name = slice_sub(name, 0, slice_find(name, SLICE(":2,")));
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)name.ptr[i]) * UINT64_C(0x100000001b3);
    return h;
}

int
message_file_crc(int fd, uint64_t size, uint32_t *crc)
{
    char *buf = xmalloc(READ_STEP);
    int rc = 0;

    *crc = 0;
    for (uint64_t at = 0; at < size && rc == 0;) {
        size_t want = size - at < READ_STEP ? (size_t)(size - at) : READ_STEP;

        rc = pread_exact(fd, buf, want, (off_t)at);
        if (rc == 0)
            *crc = crc32c(*crc, slice_make(buf, want));
        at += want;
    }
    xfree(&buf);
    return rc;
}

static int
copy_bytes(int from, uint64_t size, int to)
{
    char buf[COPY_STEP];

    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < sizeof(buf) ? (size_t)(size - at) : sizeof(buf);

        if (pread_exact(from, buf, want, (off_t)at) < 0 || write_all(to, slice_make(buf, want)) < 0)
            return -1;
        at += want;
    }
    return fdatasync(to);
}

int
message_file_copy(int fd, uint64_t size, int dirfd, const char *to)
{
    char tmp[FILE_PATH_SIZE], path[FILE_PATH_SIZE];
    int out, rc;

    (void)snprintf(tmp, sizeof(tmp), "tmp/%s", to);
    folder_cur_path(path, slice_of(to));
    /* Not through what lies there: that may be another name of a message. */
    unlink_keep_errno(dirfd, tmp);
    out = beneath_open(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (out < 0)
        return -1;
    rc = copy_bytes(fd, size, out);
    if (rc == 0)
        rc = renameat(dirfd, tmp, dirfd, path);
    close_keep_errno(out);
    if (rc < 0)
        unlink_keep_errno(dirfd, tmp);
    return rc;
}

int
message_file_link_path(int dirfd, const char *from, uint64_t size, int to_dirfd, const char *to)
{
    char path[FILE_PATH_SIZE];
    int fd, rc;

    folder_cur_path(path, slice_of(to));
    rc = linkat(dirfd, from, to_dirfd, path, 0);
    if (rc == 0 || (errno != EMLINK && errno != EXDEV && errno != EPERM))
        return rc;
    fd = beneath_open(dirfd, from, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    rc = message_file_copy(fd, size, to_dirfd, to);
    close_keep_errno(fd);
    return rc;
}

int
message_file_link(int dirfd, struct slice name, uint64_t size, int to_dirfd, const char *to)
{
    char from[FILE_PATH_SIZE];
    int rc;

    folder_cur_path(from, name);
    rc = message_file_link_path(dirfd, from, size, to_dirfd, to);
    if (rc < 0 && errno == ENOENT && find_renamed(dirfd, name, from) == 0)
        rc = message_file_link_path(dirfd, from, size, to_dirfd, to);
    return rc;
}
