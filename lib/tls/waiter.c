/*
 * lib/tls/waiter.c - receive and send on a blocking socket until a point in time.
 */
#include "lib/tls/waiter.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/base/clock.h"

/* A wait may end late by this part of itself rather than cost a call to set it exactly. */
#define SLACK_PART 16
#define SLACK_MIN_MS 20

struct waiter
waiter_new(int fd)
{
    return (struct waiter){.fd = fd};
}

/* Makes the kernel's time-out fit a wait of `left_ms`. 0, or -1 with errno. */
static int
arm(int fd, int option, int64_t *in_force_ms, int64_t left_ms)
{
    int64_t late_ms = left_ms / SLACK_PART + SLACK_MIN_MS;
    struct timeval tv = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};

    /* A shorter one only wakes us early; but not far too often. */
    if (*in_force_ms > left_ms / 2 && *in_force_ms <= left_ms + late_ms)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) < 0)
        return -1;
    *in_force_ms = left_ms;
    return 0;
}

/* What to do about a failed call: 1 try again, -1 give up with errno. */
static int
again(int64_t deadline_mono_ms)
{
    if (errno == EINTR)
        return 1;
    if (errno != EAGAIN)
        return -1;
    if (clock_mono_ms() < deadline_mono_ms)
        return 1;
    errno = ETIMEDOUT;
    return -1;
}

static int64_t
left_until(int64_t deadline_mono_ms)
{
    int64_t left = deadline_mono_ms - clock_mono_ms();

    return left > 0 ? left : 0;
}

ssize_t
waiter_recv(struct waiter *w, void *buf, size_t len, int64_t deadline_mono_ms)
{
    for (;;) {
        int64_t left = left_until(deadline_mono_ms);
        ssize_t n;

        if (left > 0 && arm(w->fd, SO_RCVTIMEO, &w->recv_ms, left) < 0)
            return -1;
        n = recv(w->fd, buf, len, left > 0 ? 0 : MSG_DONTWAIT);
        if (n >= 0 || again(deadline_mono_ms) < 0)
            return n;
    }
}

ssize_t
waiter_send(struct waiter *w, const void *buf, size_t len, int64_t deadline_mono_ms)
{
    for (;;) {
        int64_t left = left_until(deadline_mono_ms);
        ssize_t n;

        if (left > 0 && arm(w->fd, SO_SNDTIMEO, &w->send_ms, left) < 0)
            return -1;
        n = send(w->fd, buf, len, MSG_NOSIGNAL | (left > 0 ? 0 : MSG_DONTWAIT));
        if (n >= 0 || again(deadline_mono_ms) < 0)
            return n;
    }
}
