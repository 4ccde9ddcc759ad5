/*
 * lib/tls/waiter.h - receive and send on a blocking socket until a point in time.
 *
 * The kernel does the waiting (SO_RCVTIMEO, SO_SNDTIMEO), so a read that has to wait is one system
 * call. The time-out is set again only when the one in force would wait clearly too long: a session
 * whose steps all have the same deadline sets it once.
 */
#ifndef POSTHORN_LIB_TLS_WAITER_H
#define POSTHORN_LIB_TLS_WAITER_H

#include <stdint.h>
#include <sys/types.h>

struct waiter {
    int fd;
    int64_t recv_ms, send_ms; /* time-outs in force; 0: none yet */
};

struct waiter waiter_new(int fd);
/* Like recv and send (no SIGPIPE), but -1 with ETIMEDOUT when clock_mono_ms() passes the deadline.
 * A send may be partial. */
ssize_t waiter_recv(struct waiter *w, void *buf, size_t len, int64_t deadline_mono_ms);
ssize_t waiter_send(struct waiter *w, const void *buf, size_t len, int64_t deadline_mono_ms);

#endif
