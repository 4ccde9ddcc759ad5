/*
 * remote-deliver/agent.c - the conversation with queue-manager (lib/ipc/queue_manager.h).
 *
 * A connection that breaks is made again; queue-manager then gives the job to somebody else, so
 * whatever was under way here is of no more interest.
 */
#include "remote-deliver/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/ipc/dnsd.h"
#include "lib/ipc/socket.h"
#include "lib/ipc/stsd.h"
#include "lib/log/log.h"

enum { CONNECT_PAUSE_MIN_MS = 50, CONNECT_PAUSE_MAX_MS = 2000, SEND_TIMEOUT_MS = 30000 };

struct agent {
    struct courier courier;
    struct daemon *daemon;
    struct ipc_client *queue; /* NULL: not connected */
    int parent_fd;
};

/* Waits for a frame from queue-manager. False: not within `timeout_ms` (-1: for ever). Ends the
 * process when the parent wants it. */
static bool
wait_for_queue(struct agent *a, int timeout_ms)
{
    struct pollfd fds[2] = {
        {.fd = a->parent_fd, .events = POLLIN},
        {.fd = a->queue == NULL ? -1 : ipc_client_fd(a->queue), .events = POLLIN}};

    log_flush();
    if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
        return false;
    if (fds[0].revents != 0) {
        connections_close(&a->courier.connections);
        log_flush();
        _exit(EXIT_SUCCESS); /* no exit handlers: they belong to the parent */
    }
    return fds[1].revents != 0;
}

/* A connection of our own making: one that the client module made again by itself would lack the
 * HELLO. */
static void
connect_queue(struct agent *a)
{
    struct queue_hello hello = {.agent = QUEUE_AGENT_REMOTE, .slots = 1};
    int pause_ms = CONNECT_PAUSE_MIN_MS;

    while (a->queue == NULL) {
        struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX);
        int fd = ipc_socket_connect(a->daemon->run_dirfd, QUEUE_SOCKET);

        if (fd >= 0) {
            a->queue = ipc_client_adopt(fd, QUEUE_PAYLOAD_MAX);
            if (queue_hello_encode(&frame, &hello) < 0 ||
                ipc_client_send(a->queue, &frame, -1, SEND_TIMEOUT_MS) < 0)
                ipc_client_free(&a->queue);
        }
        strbuf_free(&frame);
        if (a->queue == NULL)
            (void)wait_for_queue(a, pause_ms);
        pause_ms = 2 * pause_ms < CONNECT_PAUSE_MAX_MS ? 2 * pause_ms : CONNECT_PAUSE_MAX_MS;
    }
}

static void
lose_queue(struct agent *a)
{
    log_event(LOG_WARN, "queue_manager_away", KV_ERRNO());
    ipc_client_free(&a->queue);
    reversed_end(&a->courier.reversed); /* nobody gives jobs for it any more */
}

static int
send_result(struct agent *a, const struct queue_result *result)
{
    struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX);
    int rc = queue_result_encode(&frame, result);

    if (rc == 0)
        rc = ipc_client_send(a->queue, &frame, -1, SEND_TIMEOUT_MS);
    strbuf_free(&frame);
    return rc;
}

/* 0, or -1: the connection is of no more use. */
static int
run_job(struct agent *a, struct slice payload, int fd)
{
    struct queue_result result;
    struct delivery *delivery;
    struct queue_job job;
    int rc;

    if (queue_job_decode(payload, &job) < 0) {
        errno = EPROTO;
        return -1;
    }
    if (fd < 0 || job.rcpt_count == 0) {
        queue_job_free(&job);
        errno = EPROTO;
        return -1;
    }
    stats_process_state(a->daemon->stats, "delivering");
    delivery = delivery_run(&a->courier, &job, fd, &result);
    rc = send_result(a, &result);
    delivery_free(&delivery);
    queue_job_free(&job);
    stats_process_state(a->daemon->stats, "idle");
    return rc;
}

/* A customer's connection, which comes along as `fd`. */
static int
take_connection(struct agent *a, struct slice payload, int fd)
{
    struct queue_connection connection;

    if (fd < 0 || queue_connection_decode(payload, &connection) < 0)
        return -1;
    stats_process_state(a->daemon->stats, "delivering");
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* take_frame closes its own */
    if (fd >= 0)
        reversed_begin(&a->courier.reversed, a->courier.settings, &connection, fd);
    return fd < 0 ? -1 : 0;
}

static int
end_connection(struct agent *a, struct slice payload)
{
    struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX);
    struct queue_connection connection;
    int rc = queue_connection_decode(payload, &connection);

    reversed_end(&a->courier.reversed);
    stats_process_state(a->daemon->stats, "idle");
    if (rc == 0)
        rc = queue_connection_encode(&frame, QUEUE_CONNECTION_OVER, &connection);
    if (rc == 0)
        rc = ipc_client_send(a->queue, &frame, -1, SEND_TIMEOUT_MS);
    strbuf_free(&frame);
    return rc;
}

static int
run_frame(struct agent *a, uint16_t type, struct slice payload, int fd)
{
    switch (type) {
    case QUEUE_JOB:
        return run_job(a, payload, fd);
    case QUEUE_CONNECTION:
        return take_connection(a, payload, fd);
    case QUEUE_CONNECTION_END:
        return end_connection(a, payload);
    default:
        return -1;
    }
}

static void
take_frame(struct agent *a)
{
    struct frame_header header;
    struct ipc_reply message = {.fd = -1};
    int rc = ipc_client_receive(a->queue, SEND_TIMEOUT_MS, &header, &message);

    if (rc == 0)
        rc = run_frame(a, header.type, message.payload, message.fd);
    close_keep_errno(message.fd);
    if (rc < 0)
        lose_queue(a);
}

_Noreturn void
agent_run(struct daemon *d, const struct remote_settings *settings, const struct scratch *scratch,
          const struct counters *counters, int parent_fd)
{
    struct agent a = {.daemon = d, .parent_fd = parent_fd};

    a.courier = (struct courier){
        .settings = settings,
        .dns = ipc_client_new(d->run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX),
        .sts = ipc_client_new(d->run_dirfd, STSD_SOCKET, STSD_PAYLOAD_MAX),
        .signer = signing_new(d->run_dirfd, &settings->signing),
        .scratch = scratch,
        .counters = *counters,
    };
    stats_process_state(d->stats, "idle");
    for (;;) {
        int64_t next, left;

        connect_queue(&a);
        next = connections_next(&a.courier.connections);
        left = next == INT64_MAX ? -1 : next - clock_mono_ms();
        if (wait_for_queue(&a, next == INT64_MAX ? -1 : left < 0 ? 0 : (int)left))
            take_frame(&a);
        connections_expire(&a.courier.connections, clock_mono_ms());
    }
}
