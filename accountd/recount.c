/*
 * accountd/recount.c - has a mailbox counted again by local-deliver and tells who asked.
 *
 * accountd may not open the store: local-deliver counts and corrects, and its answer is also what
 * RCPT goes by from then on. The asker may be gone when it comes.
 */
#include "accountd/recount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accountd/store.h"
#include "accountd/usage.h"
#include "lib/account/edit.h"
#include "lib/base/mem.h"

#define REPLY_MAX 8192

enum { CODE_FAILED = 3 };

struct recount {
    struct server *server;
    uint64_t peer_id;
    uint32_t request_id;
    char *address, *path;
};

static void
add_object(const struct recount *r, const struct store_ctl_reply *reply, struct strbuf *data)
{
    struct strbuf bytes = strbuf_new(32), messages = strbuf_new(32);

    (void)strbuf_u64(&bytes, reply->bytes);
    (void)strbuf_u64(&messages, reply->messages);
    object_add(data,
               (const struct object_field[]){{SLICE("address"), slice_of(r->address)},
                                             {SLICE("used_bytes"), strbuf_slice(&bytes)},
                                             {SLICE("used_messages"), strbuf_slice(&messages)}},
               3);
    strbuf_free(&bytes);
    strbuf_free(&messages);
}

static void
describe(const struct recount *r, const struct store_ctl_reply *reply,
         struct account_result *result)
{
    if (reply == NULL)
        (void)account_fail(result, CODE_FAILED,
                           "%s: local-deliver does not answer: 'posthorn "
                           "status' shows whether it runs",
                           r->address);
    else if (reply->error == EBUSY)
        (void)account_fail(result, CODE_FAILED,
                           "%s: the mailbox or local-deliver has too much to do: try again later",
                           r->address);
    else
        (void)account_fail(result, CODE_FAILED, "%s: %s; see 'posthorn log local'", r->address,
                           strerror((int)reply->error));
}

static void
send_reply(const struct recount *r, const struct store_ctl_reply *reply)
{
    struct ipc_peer *peer = ipc_server_peer(r->server->ipc, r->peer_id);
    struct strbuf out = strbuf_new(REPLY_MAX), data = strbuf_new(REPLY_MAX);
    struct account_result result = account_result_new();
    struct accountd_admin_reply answer = {0};

    if (reply != NULL && reply->error == 0)
        add_object(r, reply, &data);
    else
        describe(r, reply, &result);
    answer = (struct accountd_admin_reply){
        .result = result.code, .text = strbuf_slice(&result.text), .data = strbuf_slice(&data)};
    if (peer != NULL && accountd_admin_reply_encode(&out, r->request_id, &answer) == 0)
        ipc_peer_send(peer, &out, -1);
    account_result_free(&result);
    strbuf_free(&out);
    strbuf_free(&data);
}

static void
counted(void *arg, const struct store_ctl_reply *reply)
{
    struct recount *r = arg;

    if (r->server->ipc != NULL) { /* else accountd is about to end */
        if (reply != NULL && reply->error == 0)
            usage_set(r->server->usage, slice_of(r->path), reply->bytes, reply->messages);
        send_reply(r, reply);
    }
    free(r->address);
    free(r->path);
    free(r);
}

void
recount_begin(const struct request *request, struct slice address)
{
    struct recount *r = xcalloc(1, sizeof(*r));
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);

    account_store_path(address, &path);
    r->server = request->server;
    r->peer_id = ipc_peer_id(request->peer);
    r->request_id = request->header.request_id;
    r->address = xslicedup(address);
    r->path = strbuf_steal(&path);
    store_recount_mailbox(r->server->store, slice_of(r->path), counted, r);
}
