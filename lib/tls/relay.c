/*
 * lib/tls/relay.c - carries bytes between a stream and a socket of our own.
 *
 * Input:  bytes of both sides, never looked at. The peer is untrusted. At most one buffer of each
 *         direction is held: who does not read stops who writes.
 */
#include "lib/tls/relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/slice.h"

enum { PART = 16384 };

struct relay {
    struct stream *s;
    int fd;
    bool peer_ended;     /* fd has been told */
    struct slice inward; /* read from the stream, not yet taken by fd; borrowed from the stream */
    char outward[PART];
};

/* Gives fd what it takes. It may be waiting for its own output to be read: never wait for it. */
static bool
push_inward(struct relay *r)
{
    ssize_t n;

    if (r->inward.len == 0)
        return true;
    n = send(r->fd, r->inward.ptr, r->inward.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    r->inward = slice_sub(r->inward, (size_t)n, r->inward.len);
    return true;
}

static void
take_inward(struct relay *r)
{
    enum stream_status status = stream_read_some(r->s, PART, clock_mono_ms(), &r->inward);

    if (status == STREAM_OK)
        return;
    r->inward = (struct slice){NULL, 0};
    if (status == STREAM_TIMEOUT) /* half a record of TLS */
        return;
    r->peer_ended = true;
    (void)shutdown(r->fd, SHUT_WR); /* it may still have something to say */
}

static bool
carry_outward(struct relay *r)
{
    ssize_t n = recv(r->fd, r->outward, sizeof(r->outward), MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    (void)stream_write(r->s, slice_make(r->outward, (size_t)n)); /* sticks */
    return n > 0 && stream_flush(r->s) == STREAM_OK;
}

static bool
has_decrypted(const struct relay *r)
{
    const struct tls *tls = stream_tls(r->s);

    return stream_has_input(r->s) || (tls != NULL && tls_pending(tls));
}

/* One wait, and what it brought. False: an end. */
static bool
turn(struct relay *r)
{
    bool full = r->inward.len > 0, deaf = full || r->peer_ended;
    struct pollfd fds[] = {
        {.fd = r->fd, .events = (short)(POLLIN | (full ? POLLOUT : 0))},
        {.fd = deaf ? -1 : stream_fd(r->s), .events = POLLIN},
    };
    bool more = !deaf && has_decrypted(r);

    if (poll(fds, ARRAY_LEN(fds), more ? 0 : -1) < 0)
        return errno == EINTR;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !carry_outward(r))
        return false;
    if (fds[1].revents != 0 || more)
        take_inward(r);
    return push_inward(r);
}

void
relay_run(struct stream *s, int fd)
{
    struct relay r = {.s = s, .fd = fd};

    while (turn(&r))
        ;
    mem_wipe(r.outward, sizeof(r.outward));
}
