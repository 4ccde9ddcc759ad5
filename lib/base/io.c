/*
 * lib/base/io.c - whole reads and writes, and cleanup that keeps errno.
 */
#include "lib/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define READ_STEP 65536

int
write_all(int fd, struct slice data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.ptr, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data = slice_sub(data, (size_t)n, data.len);
    }
    return 0;
}

int
pwrite_all(int fd, struct slice data, off_t offset)
{
    while (data.len > 0) {
        ssize_t n = pwrite(fd, data.ptr, data.len, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        offset += n;
        data = slice_sub(data, (size_t)n, data.len);
    }
    return 0;
}

int
read_exact(int fd, void *buf, size_t len)
{
    char *at = buf;

    while (len > 0) {
        ssize_t n = read(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EPIPE;
        if (n <= 0)
            return -1;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

ssize_t
read_within(int fd, void *buf, size_t max, int64_t timeout_ms)
{
    int64_t deadline = clock_mono_ms() + timeout_ms, left;
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while ((left = deadline - clock_mono_ms()) > 0) {
        ssize_t n;

        if (poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX) < 0) {
            if (errno != EINTR)
                return -1;
            continue;
        }
        n = p.revents == 0 ? -1 : read(fd, buf, max);
        if (n > 0)
            return n;
        if (n == 0)
            errno = EPIPE;
        if (n == 0 || (p.revents != 0 && errno != EINTR && errno != EAGAIN))
            return -1;
    }
    errno = ETIMEDOUT;
    return -1;
}

int
pread_exact(int fd, void *buf, size_t len, off_t offset)
{
    char *at = buf;

    while (len > 0) {
        ssize_t n = pread(fd, at, len, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EPIPE;
        if (n <= 0)
            return -1;
        at += n;
        offset += n;
        len -= (size_t)n;
    }
    return 0;
}

static int
read_to_end(int fd, struct strbuf *out)
{
    for (;;) {
        size_t want = out->max - out->len < READ_STEP ? out->max - out->len + 1 : READ_STEP;
        char last;
        char *room = want <= out->max - out->len ? strbuf_room(out, want) : NULL;
        ssize_t n;

        if (room == NULL && out->max > out->len) {
            want = out->max - out->len;
            room = strbuf_room(out, want);
        }
        n = room == NULL ? read(fd, &last, 1) : read(fd, room, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        if (room == NULL) {
            errno = EFBIG;
            return -1;
        }
        strbuf_grew(out, (size_t)n);
    }
}

int
read_file(int dirfd, const char *name, struct strbuf *out)
{
    int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -1;
    rc = read_to_end(fd, out);
    close_keep_errno(fd);
    return rc;
}

/* Flushes the directory that holds `name`: dirfd itself, or the part before the last slash. */
static int
sync_parent(int dirfd, const char *name)
{
    char path[PATH_MAX];
    size_t at = slice_rindex(slice_of(name), '/');
    int fd, rc;

    if (at == strlen(name))
        (void)snprintf(path, sizeof(path), ".");
    else
        (void)snprintf(path, sizeof(path), "%.*s", (int)(at == 0 ? 1 : at), name);
    fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close_keep_errno(fd);
    return rc;
}

int
replace_file(int dirfd, const char *name, struct slice data, mode_t mode)
{
    char tmp[PATH_MAX];
    int fd, rc = -1;

    if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp.%ld", name, (long)getpid()) >= sizeof(tmp)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST &&
        unlinkat(dirfd, tmp, 0) == 0) /* of a process that is no more */
        fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    if (write_all(fd, data) < 0 || fsync(fd) < 0 || renameat(dirfd, tmp, dirfd, name) < 0)
        goto out;
    rc = sync_parent(dirfd, name); /* rename is atomic, yet a power cut may still undo it */
out:
    if (rc < 0)
        unlink_keep_errno(dirfd, tmp);
    close_keep_errno(fd);
    return rc;
}

void
close_keep_errno(int fd)
{
    int saved = errno;

    if (fd >= 0)
        (void)close(fd); /* the caller reports the first error */
    errno = saved;
}

void
unlink_keep_errno(int dirfd, const char *name)
{
    int saved = errno;

    (void)unlinkat(dirfd, name, 0); /* best effort: recovery sweeps what stays */
    errno = saved;
}
