/*
 * lib/ipc/async.c - the client side inside the event loop (declared in lib/ipc/peer.h).
 *
 * Each call is in one of two lists: `waiting` (no connection yet; its frame is kept) or `sent`. It
 * leaves them exactly once, for its done(). Ids are never reused while the process lives (until
 * they wrap), so that a late answer finds nobody.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/socket.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 2000
#define TABLE_SIZE 256

struct call {
    struct ipc_async *client;
    uint32_t id;
    struct strbuf frame; /* until it is sent */
    struct loop_timer *timeout;
    void (*done)(void *arg, const struct frame_header *header, struct slice payload, int fd);
    void *arg;
    struct call *next, **prev; /* in waiting, failed, or a row of sent */
};

struct call_list {
    struct call *first;
    struct call **last; /* where the next one is linked in */
};

struct ipc_async {
    struct loop *loop;
    int run_dirfd;
    char *socket_name;
    struct ipc_handlers handlers;
    unsigned pending_max, pending;
    uint32_t last_id;
    struct ipc_peer *peer; /* NULL: not connected */
    struct loop_timer *retry;
    bool retry_set;
    int64_t backoff_ms;
    struct call_list waiting;
    struct call_list failed; /* their done() runs at the end of the turn */
    struct loop_task *run_failed;
    struct call_list sent[TABLE_SIZE];
};

static void
list_init(struct call_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void
list_add(struct call_list *list, struct call *call)
{
    call->next = NULL;
    call->prev = list->last;
    *list->last = call;
    list->last = &call->next;
}

static void
list_remove(struct call_list *list, struct call *call)
{
    *call->prev = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    else
        list->last = call->prev;
}

/* The first call, taken out; NULL: there is none. */
static struct call *
list_pop(struct call_list *list)
{
    struct call *call = list->first;

    if (call == NULL)
        return NULL;
    list->first = call->next;
    if (call->next != NULL)
        call->next->prev = &list->first;
    else
        list->last = &list->first;
    return call;
}

static struct call_list *
sent_row(struct ipc_async *client, uint32_t id)
{
    return &client->sent[id % TABLE_SIZE];
}

/* The call is in no list any more. */
static void
finish(struct call *call, const struct frame_header *header, struct slice payload, int fd)
{
    void (*done)(void *, const struct frame_header *, struct slice, int) = call->done;
    void *arg = call->arg;

    call->client->pending--;
    loop_timer_free(&call->timeout);
    strbuf_free(&call->frame);
    free(call);
    done(arg, header, payload, fd);
}

static void
fail(struct call *call)
{
    finish(call, NULL, slice_make("", 0), -1);
}

static void
run_failed(void *arg)
{
    struct ipc_async *client = arg;
    struct call *call;

    while ((call = list_pop(&client->failed)) != NULL)
        fail(call);
}

static void
fail_later(struct call *call)
{
    if (call->timeout != NULL)
        loop_timer_cancel(call->timeout);
    list_add(&call->client->failed, call);
    loop_task_schedule(call->client->run_failed);
}

static void
timed_out(void *arg)
{
    struct call *call = arg;
    struct ipc_async *client = call->client;

    list_remove(call->frame.len > 0 ? &client->waiting : sent_row(client, call->id), call);
    fail(call);
}

static int
answer(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct ipc_async *client = ipc_peer_data(peer);
    struct call_list *row = sent_row(client, header->request_id);
    struct call *call = row->first;

    while (call != NULL && call->id != header->request_id)
        call = call->next;
    if (call == NULL) {
        close_keep_errno(fd); /* too late: its time-out has been told already */
        return 0;
    }
    list_remove(row, call);
    client->backoff_ms = BACKOFF_FIRST_MS; /* not at connect: the server may refuse us at once */
    finish(call, header, payload, fd);
    return 0;
}

static void
set_retry(struct ipc_async *client, int64_t in_ms)
{
    if (client->retry_set)
        return;
    client->retry_set = true;
    loop_timer_set(client->retry, in_ms);
}

static void
retry_later(struct ipc_async *client)
{
    set_retry(client, client->backoff_ms);
    client->backoff_ms *= 2;
    if (client->backoff_ms > BACKOFF_MAX_MS)
        client->backoff_ms = BACKOFF_MAX_MS;
}

static void
connection_closed(struct ipc_peer *peer)
{
    struct ipc_async *client = ipc_peer_data(peer);
    struct call *call;

    client->peer = NULL;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        while ((call = list_pop(&client->sent[i])) != NULL)
            fail_later(call);
    }
    retry_later(client);
}

static void
send_call(struct ipc_async *client, struct call *call)
{
    list_add(sent_row(client, call->id), call);
    ipc_peer_send(client->peer, &call->frame, -1); /* clears the frame; may close the peer */
}

static void
try_connect(void *arg)
{
    struct ipc_async *client = arg;
    int fd = ipc_socket_connect(client->run_dirfd, client->socket_name);
    struct call *call;

    client->retry_set = false;
    if (fd < 0) {
        retry_later(client);
        return;
    }
    client->peer = ipc_peer_new(client->loop, fd, &client->handlers, client);
    while (client->peer != NULL && (call = list_pop(&client->waiting)) != NULL)
        send_call(client, call);
}

struct ipc_async *
ipc_async_new(struct loop *loop, int run_dirfd, const char *socket_name, uint32_t payload_max,
              unsigned pending_max)
{
    struct ipc_async *client = xcalloc(1, sizeof(*client));

    client->loop = loop;
    client->run_dirfd = run_dirfd;
    client->socket_name = xstrdup(socket_name);
    client->handlers = (struct ipc_handlers){
        .payload_max = payload_max, .frame = answer, .closed = connection_closed};
    client->pending_max = pending_max;
    client->backoff_ms = BACKOFF_FIRST_MS;
    list_init(&client->waiting);
    list_init(&client->failed);
    for (size_t i = 0; i < TABLE_SIZE; i++)
        list_init(&client->sent[i]);
    client->run_failed = loop_task_new(loop, run_failed, client);
    client->retry = loop_timer_new(loop, try_connect, client);
    set_retry(client, 0);
    return client;
}

/* Writes the id into the header of the one frame in `frame`. */
static void
set_id(struct strbuf *frame, uint32_t id)
{
    assert_always(frame->len >= FRAME_HEADER);
    for (size_t i = 0; i < 4; i++)
        frame->ptr[FRAME_HEADER - 1 - i] = (char)(id >> (8 * i));
}

void
ipc_async_call(struct ipc_async *client, struct strbuf *request, int64_t timeout_ms,
               void (*done)(void *arg, const struct frame_header *header, struct slice payload,
                            int fd),
               void *arg)
{
    struct call *call = xcalloc(1, sizeof(*call));

    *call = (struct call){.client = client, .id = ++client->last_id, .done = done, .arg = arg};
    call->frame = strbuf_new(FRAME_HEADER + (size_t)FRAME_PAYLOAD_MAX);
    set_id(request, call->id);
    if (client->pending++ >= client->pending_max ||
        !strbuf_append(&call->frame, strbuf_slice(request))) {
        fail_later(call);
    } else {
        call->timeout = loop_timer_new(client->loop, timed_out, call);
        loop_timer_set(call->timeout, timeout_ms);
        if (client->peer != NULL)
            send_call(client, call);
        else
            list_add(&client->waiting, call);
    }
    strbuf_clear(request);
}

static void
fail_all(struct call_list *list)
{
    struct call *call;

    while ((call = list_pop(list)) != NULL)
        fail_later(call);
}

void
ipc_async_free(struct ipc_async **clientp)
{
    struct ipc_async *client = *clientp;

    if (client == NULL)
        return;
    if (client->peer != NULL)
        ipc_peer_close(client->peer);
    fail_all(&client->waiting);
    run_failed(client);
    loop_task_free(&client->run_failed);
    loop_timer_free(&client->retry);
    free(client->socket_name);
    xfree(clientp);
}
