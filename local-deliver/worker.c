/*
 * local-deliver/worker.c - one delivery agent: takes jobs from queue-manager, answers each.
 *
 * Whatever jobs wait are taken together: one batch, one flush. A lost connection loses nothing: the
 * queue manager gives the unanswered jobs out again, marked in doubt.
 */
#include "local-deliver/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/ipc/queue_manager.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"
#include "local-deliver/batch.h"

enum { CONNECT_PAUSE_MS = 100, SEND_TIMEOUT_MS = 30000 };

void
worker_init(struct worker *w, struct daemon *d)
{
    memset(w, 0, sizeof(*w));
    w->daemon = d;
    w->dirs = (struct store_dirs){daemon_open_dir(d, d->inst.store, true),
                                  daemon_open_optional_dir(d->inst.stores)};
    w->queue_dirfd = daemon_open_dir(d, d->inst.queue, true);
    w->stop_fd = -1;
    w->bounce_over_quota = strcmp(conf_str(d->conf, LOCAL_OVER_QUOTA), "bounce") == 0;
    w->senders = shown_load(d);
    shown_sweep(w->dirs.main_fd);
    w->single_copy = conf_bool(d->conf, STORE_SINGLE_COPY);
    disk_limits_load(&w->gates.limits, d->conf);
    w->delivered = stats_counter(d->stats, "delivered");
    w->duplicates = stats_counter(d->stats, "duplicates_avoided");
    w->deferred = stats_counter(d->stats, "deferred");
    w->bounced = stats_counter(d->stats, "bounced");
    w->messages = stats_counter(d->stats, "messages_delivered");
    w->bytes = stats_counter(d->stats, "bytes_delivered");
    w->batches = stats_counter(d->stats, "batches");
    warning_text_load(&w->warning, d);
    auto_replies_load(&w->replies, d);
}

/* Waits for `fd` (-1: none), the order to stop, or the time. 1: fd is ready, 0: time, -1: stop. */
static int
wait_for_work(const struct worker *w, int fd, int timeout_ms)
{
    struct pollfd p[2] = {{.fd = w->stop_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    log_flush();
    for (;;) {
        int n = poll(p, 2, timeout_ms);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || p[0].revents != 0)
            return -1;
        return n > 0 ? 1 : 0;
    }
}

static int
say_hello(struct ipc_client *queue)
{
    const struct queue_hello hello = {.agent = QUEUE_AGENT_LOCAL, .slots = WORKER_SLOTS};
    struct strbuf frame = strbuf_new(1024);
    int rc = -1;

    if (queue_hello_encode(&frame, &hello) == 0)
        rc = ipc_client_send(queue, &frame, -1, SEND_TIMEOUT_MS);
    strbuf_free(&frame);
    return rc;
}

/* Tries until the queue manager is there. 0, or -1: stop. */
static int
connect_queue(struct worker *w)
{
    for (;;) {
        int fd = ipc_socket_connect(w->daemon->run_dirfd, QUEUE_SOCKET);

        if (fd >= 0) {
            w->queue = ipc_client_adopt(fd, QUEUE_PAYLOAD_MAX);
            if (say_hello(w->queue) == 0)
                return 0;
            ipc_client_free(&w->queue);
        }
        if (wait_for_work(w, -1, CONNECT_PAUSE_MS) < 0)
            return -1;
    }
}

/* Takes one job off the connection. 1: taken, 0: none is there now, -1: the connection is lost. */
static int
take_job(struct worker *w, struct batch *batch)
{
    struct frame_header header;
    struct ipc_reply message;

    if (ipc_client_receive(w->queue, 0, &header, &message) < 0)
        return errno == ETIMEDOUT ? 0 : -1;
    if (message.fd >= 0)
        (void)close(message.fd); /* a local job has none */
    if (header.type != QUEUE_JOB || batch_add(batch, message.payload) < 0) {
        log_event(LOG_ERROR, "bad_job", KV_U64("type", header.type));
        return -1;
    }
    return 1;
}

/* One batch: all jobs that are there, delivered, flushed, answered. -1: the connection is lost. */
static int
work(struct worker *w)
{
    struct batch batch;
    struct strbuf results =
        strbuf_new((size_t)QUEUE_PAYLOAD_MAX * 2 + (size_t)AUTO_REPLIES_MAX * QUEUE_REPLY_MAX * 2);
    int rc = 1;

    batch_init(&batch, w);
    while (batch_job_count(&batch) < WORKER_SLOTS && (rc = take_job(w, &batch)) > 0)
        ;
    if (batch_job_count(&batch) > 0) {
        stats_add(w->batches, 1);
        batch_deliver(&batch, &results);
        if (w->queue == NULL || results.overflow ||
            ipc_client_send(w->queue, &results, -1, SEND_TIMEOUT_MS) < 0)
            rc = -1;
        batch_report(&batch, w->accounts);
    }
    batch_clear(&batch);
    strbuf_free(&results);
    return rc < 0 ? -1 : 0;
}

static void
serve_connection(struct worker *w)
{
    do {
        if (wait_for_work(w, ipc_client_fd(w->queue), -1) < 0)
            return;
    } while (work(w) == 0);
    log_note(LOG_WARN, "queue_manager_away");
}

void
worker_run(struct worker *w)
{
    w->accounts = ipc_client_new(w->daemon->run_dirfd, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX);
    while (wait_for_work(w, -1, 0) == 0 && connect_queue(w) == 0) {
        stats_process_state(w->daemon->stats, "delivering");
        serve_connection(w);
        ipc_client_free(&w->queue);
    }
    ipc_client_free(&w->accounts);
    busy_clear(&w->busy);
}
