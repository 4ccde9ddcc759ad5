/*
 * lib/base/io.h - whole reads and writes, and cleanup that keeps errno.
 */
#ifndef POSTHORN_LIB_BASE_IO_H
#define POSTHORN_LIB_BASE_IO_H

#include <sys/types.h>

#include "lib/base/slice.h"
#include "lib/base/strbuf.h"

/* All of `data` to a blocking descriptor, through EINTR. 0, or -1 with errno. */
int write_all(int fd, struct slice data);
int pwrite_all(int fd, struct slice data, off_t offset);
/* Exactly `len` bytes. 0, or -1 with errno (EPIPE: the end came first). */
int read_exact(int fd, void *buf, size_t len);
/* 1 to `max` bytes of a pipe or socket. -1 with errno: nothing came in time (ETIMEDOUT), or never
 * will (EPIPE: the end). */
ssize_t read_within(int fd, void *buf, size_t max, int64_t timeout_ms);
int pread_exact(int fd, void *buf, size_t len, off_t offset);
/* The whole of a file below `dirfd` (AT_FDCWD: a path) into `out`, whose ceiling holds (EFBIG). */
int read_file(int dirfd, const char *name, struct strbuf *out);
/* Replaces `name` atomically and durably: temporary file, fsync, rename, fsync of the directory.
 * `name` must not hold a slash unless dirfd is AT_FDCWD. 0, or -1 with errno. */
int replace_file(int dirfd, const char *name, struct slice data, mode_t mode);

void close_keep_errno(int fd); /* a negative fd is fine */
void unlink_keep_errno(int dirfd, const char *name);

#endif
