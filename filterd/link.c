/*
 * filterd/link.c - connects, sends and receives without waiting, and watches the clock.
 *
 * Input: bytes from a milter or policy service; they are handed on as they come, in a buffer with a
 * ceiling. A link that was closed in a callback stays allocated until the callback has returned.
 */
#include "filterd/link.h"

#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

enum { READ_STEP = 65536, READS_PER_TURN = 8 };

struct link {
    struct loop *loop;
    const struct link_ops *ops;
    void *arg;
    int fd;
    int connect_errno; /* connecting failed at once */
    bool connected, busy, closed, dead;
    struct loop_fd *watch;
    struct loop_timer *deadline;
    struct loop_task *start; /* to break from the loop */
    struct strbuf in, out;
    size_t sent;
};

/* Frees what is not needed any more. */
static void
release(struct link *link)
{
    loop_timer_free(&link->deadline);
    loop_task_free(&link->start);
    strbuf_free(&link->in);
    strbuf_free(&link->out);
    free(link);
}

/* Runs around every callback. False: the link is gone. */
static bool
after_callback(struct link *link)
{
    link->busy = false;
    if (!link->closed)
        return true;
    release(link);
    return false;
}

static void
break_link(struct link *link, const char *why)
{
    if (link->dead)
        return;
    link->dead = true;
    loop_fd_free(&link->watch);
    link->busy = true;
    link->ops->broken(link->arg, why);
    (void)after_callback(link);
}

static void
deadline_passed(void *arg)
{
    struct link *link = arg;

    break_link(link, link->connected ? "timed out" : "connecting timed out");
}

static void
failed_at_once(void *arg)
{
    struct link *link = arg;

    break_link(link, strerror(link->connect_errno));
}

/* False: broken, and perhaps gone. */
static bool
flush(struct link *link)
{
    while (link->sent < link->out.len) {
        ssize_t n = send(link->fd, link->out.ptr + link->sent, link->out.len - link->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            break_link(link, strerror(errno));
            return false;
        }
        link->sent += (size_t)n;
    }
    strbuf_clear(&link->out);
    link->sent = 0;
    return true;
}

static void
set_wants(struct link *link)
{
    bool writes = !link->connected || link_waiting(link) > 0;

    if (!link->dead)
        loop_fd_want(link->watch, LOOP_READ | (writes ? LOOP_WRITE : 0u));
}

/* True: it stands. */
static bool
finish_connect(struct link *link)
{
    socklen_t len = sizeof(int);
    int error = 0;

    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error != 0) {
        break_link(link, strerror(error));
        return false;
    }
    link->connected = true;
    link->busy = true;
    link->ops->connected(link->arg);
    return after_callback(link);
}

/* False: broken or gone. */
static bool
read_once(struct link *link, bool *more)
{
    char *room = strbuf_room(&link->in, READ_STEP);
    struct slice rest;
    ssize_t n;

    *more = false;
    if (room == NULL) {
        break_link(link, "sends too much");
        return false;
    }
    n = recv(link->fd, room, READ_STEP, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        break_link(link, n == 0 ? "closed the connection" : strerror(errno));
        return false;
    }
    strbuf_grew(&link->in, (size_t)n);
    rest = strbuf_slice(&link->in);
    link->busy = true;
    link->ops->input(link->arg, &rest);
    if (!after_callback(link))
        return false;
    strbuf_consume(&link->in, link->in.len - rest.len);
    *more = (size_t)n == READ_STEP;
    return !link->dead;
}

static void
ready(void *arg, unsigned events)
{
    struct link *link = arg;
    bool more = true;

    if (!link->connected) {
        if ((events & LOOP_WRITE) == 0 || !finish_connect(link))
            return;
    }
    if (link_waiting(link) > 0) {
        if (!flush(link))
            return;
        if (link_waiting(link) == 0) {
            link->busy = true;
            link->ops->drained(link->arg);
            if (!after_callback(link))
                return;
        }
    }
    for (int i = 0; (events & LOOP_READ) != 0 && more && i < READS_PER_TURN; i++)
        if (!read_once(link, &more))
            return;
    set_wants(link);
}

struct link *
link_new(struct loop *loop, const struct endpoint *endpoint, const struct link_ops *ops, void *arg)
{
    struct link *link = xcalloc(1, sizeof(*link));

    link->loop = loop;
    link->ops = ops;
    link->arg = arg;
    link->in = strbuf_new(LINK_INPUT_MAX);
    link->out = strbuf_new(LINK_OUTPUT_MAX);
    link->deadline = loop_timer_new(loop, deadline_passed, link);
    link->start = loop_task_new(loop, failed_at_once, link);
    link->fd = endpoint_connect(endpoint);
    if (link->fd >= 0) {
        link->watch = loop_fd_new(loop, link->fd, LOOP_WRITE, ready, link);
    } else {
        link->connect_errno = errno;
        loop_task_schedule(link->start);
    }
    return link;
}

void
link_deadline(struct link *link, uint64_t in_ms)
{
    if (in_ms == 0)
        loop_timer_cancel(link->deadline);
    else
        loop_timer_set(link->deadline, (int64_t)in_ms);
}

size_t
link_waiting(const struct link *link)
{
    return link->out.len - link->sent;
}

bool
link_send(struct link *link, struct strbuf *bytes)
{
    bool fits = !bytes->overflow && strbuf_append(&link->out, strbuf_slice(bytes));

    strbuf_clear(bytes);
    if (link->connected && !link->dead)
        loop_fd_want(link->watch, LOOP_READ | LOOP_WRITE);
    return fits;
}

void
link_close(struct link **linkp)
{
    struct link *link = *linkp;

    if (link == NULL)
        return;
    *linkp = NULL;
    if (link->connected && !link->dead && link_waiting(link) > 0) /* QUIT; nobody waits for it */
        (void)send(link->fd, link->out.ptr + link->sent, link_waiting(link),
                   MSG_DONTWAIT | MSG_NOSIGNAL);
    loop_fd_free(&link->watch);
    loop_timer_cancel(link->deadline);
    close_keep_errno(link->fd);
    link->closed = link->dead = true;
    if (!link->busy)
        release(link);
}
