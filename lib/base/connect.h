/*
 * lib/base/connect.h - connecting, and exact reads and writes, with a deadline for the whole step.
 *
 * The descriptors are non-blocking sockets. All calls return 0, or -1 with errno: ETIMEDOUT at the
 * deadline, EPIPE when the other side has closed.
 */
#ifndef POSTHORN_LIB_BASE_CONNECT_H
#define POSTHORN_LIB_BASE_CONNECT_H

#include <sys/socket.h>

#include "lib/base/slice.h"

#include <stdint.h>

int connect_until(int fd, const struct sockaddr_storage *address, socklen_t len,
                  int64_t deadline_mono_ms);
int write_until(int fd, struct slice data, int64_t deadline_mono_ms);
/* Exactly `len` bytes, and none of what follows them. */
int read_until(int fd, void *buf, size_t len, int64_t deadline_mono_ms);
int make_blocking(int fd);

#endif
