/*
 * archived/agent.c - the conversation with queue-manager (lib/ipc/queue_manager.h).
 *
 * Whatever jobs wait are taken together: one batch, a few flushes. There is one peer and nothing
 * else to do, so the loop waits for the disk. A lost connection loses nothing: the jobs are given
 * out again, marked in doubt. Jobs are checked as if they came from the attacker.
 */
#include "archived/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/archive/chain.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/ipc/queue_manager.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

enum { SLOTS = 32, CONNECT_PAUSE_MS = 200, SEND_TIMEOUT_MS = 30000 };
#define BATCH_BYTES (64u << 20) /* of content; a batch holds at least one message */

/* One job under way; its slices borrow from `payload`. */
struct task {
    struct queue_job job;
    char *payload;
    int fd;
};

struct agent {
    struct daemon *daemon;
    struct writer *writer;
    struct ipc_client *queue; /* NULL: not connected */
    struct loop_fd *watch;
    struct loop_timer *again;
    _Atomic uint64_t *archived, *deferred;
    struct task tasks[SLOTS];
    size_t count;
};

static void
clear_tasks(struct agent *a)
{
    for (size_t i = 0; i < a->count; i++) {
        queue_job_free(&a->tasks[i].job);
        xfree(&a->tasks[i].payload);
        close_keep_errno(a->tasks[i].fd);
    }
    a->count = 0;
}

static void
lose_queue(struct agent *a)
{
    log_event(LOG_WARN, "queue_manager_away", KV_ERRNO());
    loop_fd_free(&a->watch);
    ipc_client_free(&a->queue);
    loop_timer_set(a->again, CONNECT_PAUSE_MS);
}

/* ---- jobs ---- */

static bool
is_right(const struct task *task)
{
    const struct queue_job *job = &task->job;

    return task->fd >= 0 && job->rcpt_count == 1 && chain_are_classes(job->classes) &&
           job->envelope_rcpts.len > 0 && chain_is_id(job->queue_id) &&
           job->content_offset <= INT64_MAX && job->content_size <= INT64_MAX - job->content_offset;
}

/* 1: taken, 0: none is there now, -1: the connection is of no more use. */
static int
take_job(struct agent *a)
{
    struct task *task = &a->tasks[a->count];
    struct frame_header header;
    struct ipc_reply message = {.fd = -1};

    if (ipc_client_receive(a->queue, 0, &header, &message) < 0)
        return errno == ETIMEDOUT ? 0 : -1;
    *task = (struct task){.payload = xslicedup(message.payload), .fd = message.fd};
    a->count++;
    errno = EPROTO;
    if (header.type != QUEUE_JOB ||
        queue_job_decode(slice_make(task->payload, message.payload.len), &task->job) < 0)
        return -1;
    return is_right(task) ? 1 : -1;
}

static int
answer(struct agent *a, const struct task *task, const struct writer_item *item)
{
    struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX), text = strbuf_new(QUEUE_TEXT_MAX);
    struct queue_result_rcpt rcpt = {
        .index = task->job.rcpts[0].index, .outcome = QUEUE_DELIVERED, .dsn = SLICE("2.0.0")};
    struct queue_result result = {.job_id = task->job.job_id, .rcpt_count = 1, .rcpts = &rcpt};
    int rc;

    if (item->error != 0) {
        (void)strbuf_printf(&text, "archive: %s", strerror(item->error));
        rcpt.outcome = QUEUE_DEFERRED;
        rcpt.dsn = item->error == ENOSPC || item->error == EDQUOT ? SLICE("4.3.1") : SLICE("4.3.0");
        rcpt.text = strbuf_slice(&text);
    }
    stats_add(item->error == 0 ? a->archived : a->deferred, 1);
    rc = queue_result_encode(&frame, &result);
    if (rc == 0)
        rc = ipc_client_send(a->queue, &frame, -1, SEND_TIMEOUT_MS);
    strbuf_free(&frame);
    strbuf_free(&text);
    return rc;
}

static struct writer_item
describe(const struct task *task)
{
    const struct queue_job *job = &task->job;

    return (struct writer_item){.id = job->queue_id,
                                .classes = job->classes,
                                .sender = job->sender,
                                .rcpts = job->envelope_rcpts,
                                .received_ms = job->received_ms,
                                .in_doubt = job->in_doubt,
                                .fd = task->fd,
                                .offset = job->content_offset,
                                .size = job->content_size};
}

static int
archive_batch(struct agent *a)
{
    struct writer_item items[SLOTS];
    int rc = 0;

    for (size_t i = 0; i < a->count; i++)
        items[i] = describe(&a->tasks[i]);
    if (writer_put(a->writer, items, a->count) < 0) { /* master starts us again, which looks */
        log_event(LOG_ERROR, "archive_in_doubt", KV_ERRNO());
        log_flush();
        exit(EX_IOERR);
    }
    for (size_t i = 0; i < a->count && rc == 0; i++)
        rc = answer(a, &a->tasks[i], &items[i]);
    return rc;
}

static void
ready(void *arg, unsigned events)
{
    struct agent *a = arg;
    uint64_t bytes = 0;
    int rc = 1;

    (void)events;
    while (a->count < SLOTS && bytes < BATCH_BYTES && (rc = take_job(a)) > 0)
        bytes += a->tasks[a->count - 1].job.content_size;
    if (rc >= 0 && a->count > 0)
        rc = archive_batch(a);
    clear_tasks(a);
    if (rc < 0)
        lose_queue(a);
}

/* ---- the connection ---- */

static int
say_hello(struct agent *a)
{
    const struct queue_hello hello = {.agent = QUEUE_AGENT_ARCHIVE, .slots = SLOTS};
    struct strbuf frame = strbuf_new(1024);
    int rc = queue_hello_encode(&frame, &hello);

    if (rc == 0)
        rc = ipc_client_send(a->queue, &frame, -1, SEND_TIMEOUT_MS);
    strbuf_free(&frame);
    return rc;
}

static void
connect_queue(void *arg)
{
    struct agent *a = arg;
    int fd = ipc_socket_connect(a->daemon->run_dirfd, QUEUE_SOCKET);

    if (fd >= 0) {
        a->queue = ipc_client_adopt(fd, QUEUE_PAYLOAD_MAX);
        if (say_hello(a) == 0) {
            a->watch = loop_fd_new(a->daemon->loop, fd, LOOP_READ, ready, a);
            return;
        }
        ipc_client_free(&a->queue);
    }
    loop_timer_set(a->again, CONNECT_PAUSE_MS);
}

struct agent *
agent_start(struct daemon *d, struct writer *writer)
{
    struct agent *a = xcalloc(1, sizeof(*a));

    a->daemon = d;
    a->writer = writer;
    a->archived = stats_counter(d->stats, "archived");
    a->deferred = stats_counter(d->stats, "deferred");
    a->again = loop_timer_new(d->loop, connect_queue, a);
    loop_timer_set(a->again, 0);
    return a;
}

void
agent_stop(struct agent **ap)
{
    if (*ap == NULL)
        return;
    clear_tasks(*ap);
    loop_fd_free(&(*ap)->watch);
    loop_timer_free(&(*ap)->again);
    ipc_client_free(&(*ap)->queue);
    xfree(ap);
}
