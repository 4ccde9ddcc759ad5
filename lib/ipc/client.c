/*
 * lib/ipc/client.c - a blocking connection to one of our servers.
 *
 * The socket is non-blocking and every wait is a poll() against the deadline of the whole call. The
 * answer is checked as if the server were the attacker.
 */
#include "lib/ipc/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/socket.h"

#define CONNECT_STEP_MS 10 /* between two attempts while the server's backlog is full */

struct ipc_client {
    int run_dirfd;
    char *socket_name; /* NULL: adopted, cannot be connected again */
    int fd;
    uint32_t last_id;
    struct ipc_inbox inbox;
};

struct ipc_client *
ipc_client_new(int run_dirfd, const char *socket_name, uint32_t payload_max)
{
    struct ipc_client *client = xcalloc(1, sizeof(*client));

    client->run_dirfd = run_dirfd;
    client->socket_name = xstrdup(socket_name);
    client->fd = -1;
    client->inbox = ipc_inbox_new(payload_max);
    return client;
}

struct ipc_client *
ipc_client_adopt(int fd, uint32_t payload_max)
{
    struct ipc_client *client = xcalloc(1, sizeof(*client));

    client->run_dirfd = -1;
    client->fd = fd;
    client->inbox = ipc_inbox_new(payload_max);
    return client;
}

static void
renew_inbox(struct ipc_client *client)
{
    uint32_t payload_max = client->inbox.payload_max;

    ipc_inbox_free(&client->inbox);
    client->inbox = ipc_inbox_new(payload_max);
}

static void
disconnect(struct ipc_client *client)
{
    int saved = errno;

    close_keep_errno(client->fd);
    client->fd = -1;
    renew_inbox(client);
    errno = saved;
}

void
ipc_client_free(struct ipc_client **clientp)
{
    if (*clientp == NULL)
        return;
    disconnect(*clientp);
    free((*clientp)->socket_name);
    xfree(clientp);
}

static int64_t
deadline_after(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
}

/* 0 when `fd` is ready for `events`; -1 with errno ETIMEDOUT or poll's. */
static int
wait_ready(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = deadline == INT64_MAX ? -1 : deadline - clock_mono_ms();
        int n;

        if (deadline != INT64_MAX && left < 0)
            left = 0;
        n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0 && clock_mono_ms() >= deadline) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

static int
connect_until(struct ipc_client *client, int64_t deadline)
{
    static const struct timespec step = {.tv_nsec = CONNECT_STEP_MS * 1000000L};

    if (client->fd >= 0)
        return 0;
    if (client->socket_name == NULL) {
        errno = ENOTCONN;
        return -1;
    }
    for (;;) {
        client->fd = ipc_socket_connect(client->run_dirfd, client->socket_name);
        if (client->fd >= 0)
            return 0;
        if (errno != EAGAIN)
            return -1;
        if (clock_mono_ms() >= deadline) {
            errno = ETIMEDOUT;
            return -1;
        }
        (void)nanosleep(&step, NULL); /* shorter is harmless */
    }
}

int
ipc_client_connect(struct ipc_client *client, int timeout_ms)
{
    return connect_until(client, deadline_after(timeout_ms));
}

int
ipc_client_fd(const struct ipc_client *client)
{
    return client->fd;
}

static int
send_until(struct ipc_client *client, struct slice data, int pass_fd, int64_t deadline)
{
    while (data.len > 0) {
        ssize_t n = ipc_socket_send(client->fd, data, pass_fd);

        if (n >= 0) {
            data = slice_sub(data, (size_t)n, data.len);
            pass_fd = -1;
        } else if (errno != EAGAIN || wait_ready(client->fd, POLLOUT, deadline) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
receive_until(struct ipc_client *client, int64_t deadline)
{
    for (;;) {
        switch (ipc_inbox_read(&client->inbox, client->fd)) {
        case IPC_INBOX_FRAME:
            return 0;
        case IPC_INBOX_END:
            errno = ECONNRESET;
            return -1;
        case IPC_INBOX_BAD:
            return -1;
        case IPC_INBOX_WAIT:
            if (wait_ready(client->fd, POLLIN, deadline) < 0)
                return -1;
        }
    }
}

static void
take_message(struct ipc_client *client, struct ipc_reply *reply)
{
    *reply = (struct ipc_reply){.type = client->inbox.header.type,
                                .payload = strbuf_slice(&client->inbox.payload),
                                .fd = client->inbox.fd};
    client->inbox.fd = -1; /* the caller's now */
}

/* Answers to earlier questions that ran into their deadline are read and forgotten. */
static int
receive_answer(struct ipc_client *client, uint32_t id, int64_t deadline, struct ipc_reply *reply)
{
    do
        if (receive_until(client, deadline) < 0)
            return -1;
    while (client->inbox.header.request_id != id);
    take_message(client, reply);
    return 0;
}

/* Writes the id into the header of the frame at `start`. */
static void
set_id(struct strbuf *frames, size_t start, uint32_t id)
{
    assert_always(start + FRAME_HEADER <= frames->len);
    for (size_t i = 0; i < 4; i++)
        frames->ptr[start + FRAME_HEADER - 1 - i] = (char)(id >> (8 * i));
}

static bool
connection_lost(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

int
ipc_client_call(struct ipc_client *client, struct strbuf *request, int fd, int timeout_ms,
                struct ipc_reply *reply)
{
    int64_t deadline = deadline_after(timeout_ms);

    for (int attempt = 0;; attempt++) {
        uint32_t id = ++client->last_id;

        if (connect_until(client, deadline) < 0)
            return -1;
        set_id(request, 0, id);
        if (send_until(client, strbuf_slice(request), fd, deadline) == 0 &&
            receive_answer(client, id, deadline, reply) == 0)
            return 0;
        /* Also after a time-out: half a frame may have gone out or come in. */
        disconnect(client);
        if (attempt > 0 || !connection_lost(errno) || client->socket_name == NULL)
            return -1;
    }
}

/* Gives the frames ids in a row, the first of which is returned. */
static uint32_t
number_frames(struct ipc_client *client, struct strbuf *frames, uint32_t count)
{
    uint32_t first = client->last_id + 1;
    size_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct frame_header header;

        set_id(frames, at, ++client->last_id);
        assert_always(frame_header_decode(frames->ptr + at, FRAME_PAYLOAD_MAX, &header) == 0);
        at += FRAME_HEADER + header.length;
    }
    assert_always(at == frames->len);
    return first;
}

int
ipc_client_call_many(struct ipc_client *client, struct strbuf *requests, uint32_t count,
                     int timeout_ms,
                     void (*answered)(void *arg, uint32_t index, const struct ipc_reply *reply),
                     void *arg)
{
    int64_t deadline = deadline_after(timeout_ms);
    uint32_t first = number_frames(client, requests, count);

    if (connect_until(client, deadline) < 0)
        return -1;
    if (send_until(client, strbuf_slice(requests), -1, deadline) < 0)
        goto broken;
    for (uint32_t left = count; left > 0;) {
        struct ipc_reply reply;

        if (receive_until(client, deadline) < 0)
            goto broken;
        if (client->inbox.header.request_id - first >= count)
            continue; /* to an earlier question that ran into its deadline */
        take_message(client, &reply);
        answered(arg, client->inbox.header.request_id - first, &reply);
        left--;
    }
    return 0;
broken:
    disconnect(client);
    return -1;
}

void
ipc_client_release(struct ipc_client *client)
{
    renew_inbox(client);
}

int
ipc_client_send(struct ipc_client *client, struct strbuf *frame, int fd, int timeout_ms)
{
    int64_t deadline = deadline_after(timeout_ms);

    for (int attempt = 0;; attempt++) {
        if (connect_until(client, deadline) < 0)
            return -1;
        if (send_until(client, strbuf_slice(frame), fd, deadline) == 0)
            return 0;
        disconnect(client);
        if (attempt > 0 || !connection_lost(errno) || client->socket_name == NULL)
            return -1;
    }
}

int
ipc_client_receive(struct ipc_client *client, int timeout_ms, struct frame_header *header,
                   struct ipc_reply *message)
{
    if (client->fd < 0) {
        errno = ENOTCONN;
        return -1;
    }
    if (receive_until(client, deadline_after(timeout_ms)) < 0) {
        if (errno != ETIMEDOUT) /* a frame may still be on its way */
            disconnect(client);
        return -1;
    }
    *header = client->inbox.header;
    take_message(client, message);
    return 0;
}
