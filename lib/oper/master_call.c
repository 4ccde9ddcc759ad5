/*
 * lib/oper/master_call.c - questions to the running master.
 */
#include "lib/oper/master_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/client.h"
#include "lib/sys/port_holder.h"

#define CONNECT_TIMEOUT_MS 2000
#define REQUEST_MAX 1024

struct master_call {
    int run_dirfd;
    struct ipc_client *client;
};

struct master_call *
master_call_new(const struct instance *inst)
{
    struct master_call *call = xcalloc(1, sizeof(*call));

    call->run_dirfd = open(inst->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (call->run_dirfd >= 0)
        call->client = ipc_client_new(call->run_dirfd, MASTER_SOCKET, MASTER_PAYLOAD_MAX);
    if (call->client == NULL || ipc_client_connect(call->client, CONNECT_TIMEOUT_MS) < 0)
        master_call_free(&call);
    return call;
}

void
master_call_free(struct master_call **callp)
{
    int saved = errno;

    if (*callp == NULL)
        return;
    ipc_client_free(&(*callp)->client);
    close_keep_errno((*callp)->run_dirfd);
    xfree(callp);
    errno = saved;
}

int
master_call_ask(struct master_call *call, const char *verb, const char *name, int timeout_ms,
                struct master_reply *reply)
{
    struct strbuf out = strbuf_new(REQUEST_MAX);
    const struct master_request request = {.verb = slice_of(verb), .name = slice_of(name)};
    struct ipc_reply answer;
    int rc = master_request_encode(&out, &request);

    if (rc < 0)
        errno = EMSGSIZE;
    else
        rc = ipc_client_call(call->client, &out, -1, timeout_ms, &answer);
    strbuf_free(&out);
    if (rc < 0)
        return -1;
    close_keep_errno(answer.fd); /* none is expected */
    if (answer.type != MASTER_REPLY || master_reply_decode(answer.payload, reply) < 0) {
        errno = EPROTO;
        return -1;
    }
    return 0;
}

/* The port at the end of "... port 25 is in use by "; 0: there is none. */
static uint16_t
port_before(struct slice text)
{
    static const struct slice after = {" is in use by ", 14};
    uint64_t port = 0;

    if (!slice_ends(text, after))
        return 0;
    text = slice_sub(text, 0, text.len - after.len);
    text = slice_sub(text, slice_rindex(text, ' ') + 1, text.len);
    return parse_u64(text, UINT16_MAX, &port) == 0 ? (uint16_t)port : 0;
}

void
master_call_name_holders(struct slice text, struct strbuf *out)
{
    static const struct slice somebody = {MASTER_SOMEBODY, sizeof(MASTER_SOMEBODY) - 1};
    size_t at;

    while ((at = slice_find(text, somebody)) < text.len) {
        struct slice before = slice_sub(text, 0, at);
        uint16_t port = port_before(before);

        (void)strbuf_append(out, before);
        if (port == 0 || !port_holder_find(port, out))
            (void)strbuf_append(out, somebody);
        text = slice_sub(text, at + somebody.len, text.len);
    }
    (void)strbuf_append(out, text);
}
