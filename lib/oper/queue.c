/*
 * lib/oper/queue.c - queued messages: list, show, a message's text, and what queue-manager does
 * with them. Values may come from the network. Reads the queue's directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/client.h"
#include "lib/ipc/queue_manager.h"
#include "lib/oper/oper.h"
#include "lib/queue/queue_list.h"

enum { OBJECT_MAX = 1u << 20, CONNECT_MS = 2000 };

static int
open_spool(struct oper *op, struct spool *spool)
{
    if (spool_open_readonly(spool, op->inst->queue) == 0)
        return 0;
    oper_fail(op, OPER_REFUSED, "the queue cannot be read: %s", strerror(errno));
    return -1;
}

/* ---- list ---- */

static int
read_filter(struct oper *op, struct queue_filter *filter)
{
    struct slice state = oper_field(op, "state");

    *filter = (struct queue_filter){.sender = oper_field(op, "sender"),
                                    .recipient = oper_field(op, "recipient"),
                                    .domain = oper_field(op, "domain")};
    for (int i = SPOOL_NEW; i < SPOOL_STATES; i++)
        if (slice_eq(state, slice_of(spool_name((enum spool_state)i))))
            filter->states = 1u << i;
    if (state.len == 0 || filter->states != 0)
        return 0;
    oper_fail(op, OPER_BAD, "state: expected new, active, deferred, hold or corrupt");
    return -1;
}

/* The first one behind the page before: names ascend. */
static size_t
first_after(const struct queue_found *found, size_t count, struct slice cursor)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (slice_cmp(slice_of(found[mid].id), cursor) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void
list_page(struct oper *op, const struct spool *spool, const struct queue_filter *filter)
{
    struct queue_found *found;
    uint64_t rows = 0;
    size_t count, i;

    if (queue_list_find(spool, filter, &found, &count) < 0) {
        oper_fail(op, OPER_REFUSED, "the queue cannot be read: %s", strerror(errno));
        return;
    }
    for (i = first_after(found, count, op->request->cursor); i < count && !oper_page_full(op, rows);
         i++) {
        struct strbuf object = strbuf_new(OBJECT_MAX);

        if (queue_list_add(spool, &found[i], filter, &object)) {
            (void)strbuf_append(&op->data, strbuf_slice(&object));
            rows++;
        }
        strbuf_free(&object);
    }
    if (i < count && i > 0)
        (void)strbuf_str(&op->cursor, found[i - 1].id);
    xfree(&found);
}

void
oper_queue_list(struct oper *op)
{
    struct queue_filter filter;
    struct spool spool;

    if (read_filter(op, &filter) < 0 || open_spool(op, &spool) < 0)
        return;
    list_page(op, &spool, &filter);
    spool_close(&spool);
}

/* ---- one message ---- */

/* False: it is no id, and the answer says so. */
static bool
take_id(struct oper *op, char id[QUEUE_ID_SIZE])
{
    if (!queue_id_valid(op->request->name)) {
        oper_fail(op, OPER_BAD, "not a queue id");
        return false;
    }
    (void)snprintf(id, QUEUE_ID_SIZE, "%.*s", (int)op->request->name.len, op->request->name.ptr);
    return true;
}

void
oper_queue_show(struct oper *op)
{
    struct strbuf objects = strbuf_new(OPER_DATA_MAX);
    char id[QUEUE_ID_SIZE];
    struct spool spool;

    if (take_id(op, id) && open_spool(op, &spool) == 0) {
        if (queue_list_show(&spool, id, &objects) < 0)
            oper_fail(op, OPER_UNKNOWN, "no such message in the queue: %s", id);
        else
            (void)strbuf_append(&op->data, strbuf_slice(&objects));
        spool_close(&spool);
    }
    strbuf_free(&objects);
}

static int
add_content(struct oper *op, const struct queue_message *m, uint64_t offset)
{
    uint64_t size = queue_message_envelope(m)->content_size;
    size_t len = offset >= size                     ? 0
                 : size - offset > OPER_CONTENT_MAX ? OPER_CONTENT_MAX
                                                    : (size_t)(size - offset);
    struct strbuf content = strbuf_new((size_t)2 * OPER_CONTENT_MAX);
    char *bytes = xmalloc(OPER_CONTENT_MAX), text[24];
    int rc = len == 0 ? 0 : pread_exact(queue_message_fd(m), bytes, len, (off_t)offset);

    if (rc == 0) {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
        (void)base64_encode(slice_make(bytes, len), &content); /* 4/3 of it: fits */
        object_add(&op->data,
                   (const struct object_field[]){{SLICE("size"), slice_of(text)},
                                                 {SLICE("content"), strbuf_slice(&content)}},
                   2);
    }
    free(bytes);
    strbuf_free(&content);
    return rc;
}

void
oper_queue_content(struct oper *op)
{
    struct queue_message *m = NULL;
    char id[QUEUE_ID_SIZE];
    struct spool spool;
    uint64_t offset = 0;
    int state;

    if (oper_field(op, "offset").len > 0 &&
        parse_u64(oper_field(op, "offset"), INT64_MAX, &offset) < 0) {
        oper_fail(op, OPER_BAD, "offset: expected a number");
        return;
    }
    if (!take_id(op, id) || open_spool(op, &spool) < 0)
        return;
    state = spool_find(&spool, id);
    if (state >= 0)
        m = queue_message_open(spool.fds[state], id);
    if (m == NULL)
        oper_fail(op, OPER_UNKNOWN, "no such message in the queue, or its file is damaged: %s", id);
    else if (add_content(op, m, offset) < 0)
        oper_fail(op, OPER_REFUSED, "the message cannot be read: %s", strerror(errno));
    queue_message_close(&m);
    spool_close(&spool);
    if (op->result == 0 && offset == 0) /* somebody reads mail: that is for the record */
        oper_tell(op, SLICE(""), SLICE(""), SLICE(""));
}

/* ---- changes ---- */

static int
make_control(struct oper *op, struct queue_control *control)
{
    struct slice at = oper_field(op, "at"), verb = op->request->verb;
    uint64_t seconds = 0;

    *control = (struct queue_control){
        .verb = slice_eq(verb, SLICE("retry")) ? SLICE("flush") : verb,
        .names = oper_field(op, "ids"),
        .text = slice_eq(verb, SLICE("hold")) ? oper_field(op, "reason") : SLICE("")};
    if (control->names.len == 0 ||
        control->names.len > (size_t)QUEUE_CONTROL_IDS_MAX * QUEUE_ID_SIZE) {
        oper_fail(op, OPER_BAD, "ids: expected 1 to %d queue ids", QUEUE_CONTROL_IDS_MAX);
        return -1;
    }
    if (at.len > 0 && parse_u64(at, INT64_MAX / 1000, &seconds) < 0) {
        oper_fail(op, OPER_BAD, "at: expected seconds since 1970");
        return -1;
    }
    control->time_ms = (int64_t)seconds * 1000;
    return 0;
}

static void
take_answer(struct oper *op, const struct ipc_reply *message)
{
    struct queue_control_reply reply;
    char count[16];

    if (message->type != QUEUE_CONTROL_REPLY ||
        queue_control_reply_decode(message->payload, &reply) < 0) {
        oper_fail(op, OPER_AWAY, "the queue manager's answer makes no sense");
        return;
    }
    (void)snprintf(count, sizeof(count), "%u", reply.count);
    object_add(&op->data, &(const struct object_field){SLICE("messages"), slice_of(count)}, 1);
    if (reply.result != 0)
        oper_fail_line(op, OPER_UNKNOWN, reply.text);
    if (reply.count > 0)
        oper_tell(op, SLICE("ids"), SLICE(""), oper_field(op, "ids"));
}

void
oper_queue_change(struct oper *op)
{
    struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX);
    int run_dirfd = open(op->inst->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ipc_client *client = ipc_client_new(run_dirfd, QUEUE_SOCKET, QUEUE_PAYLOAD_MAX);
    struct queue_control control;
    struct ipc_reply message = {.fd = -1};

    if (make_control(op, &control) == 0) {
        if (run_dirfd < 0 || ipc_client_connect(client, CONNECT_MS) < 0 ||
            queue_control_encode(&frame, &control) < 0 ||
            ipc_client_call(client, &frame, -1, OPER_WAIT_MS, &message) < 0)
            oper_fail(op, OPER_AWAY, "the queue manager does not answer");
        else
            take_answer(op, &message);
        close_keep_errno(message.fd);
    }
    ipc_client_free(&client);
    close_keep_errno(run_dirfd);
    strbuf_free(&frame);
}
