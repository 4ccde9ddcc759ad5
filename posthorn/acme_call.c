/*
 * posthorn/acme_call.c - a connection to acmed's socket.
 */
#include "posthorn/acme_call.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"

struct acme_call {
    int run_dirfd;
    struct ipc_client *client;
};

struct acme_call *
acme_call_new(const struct instance *inst)
{
    struct acme_call *call = xcalloc(1, sizeof(*call));

    call->run_dirfd = open(inst->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    call->client = ipc_client_new(call->run_dirfd, ACMED_SOCKET, ACMED_PAYLOAD_MAX);
    return call;
}

void
acme_call_free(struct acme_call **callp)
{
    ipc_client_free(&(*callp)->client);
    close_keep_errno((*callp)->run_dirfd);
    xfree(callp);
}

int
acme_call_ask(struct acme_call *call, const struct acmed_request *request, int timeout_ms,
              struct acmed_reply *reply)
{
    struct strbuf frame = strbuf_new(4096);
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    errno = EMSGSIZE;
    if (acmed_request_encode(&frame, request) == 0)
        rc = ipc_client_call(call->client, &frame, -1, timeout_ms, &answer);
    close_keep_errno(answer.fd);
    if (rc == 0 && (answer.type != ACMED_REPLY || acmed_reply_decode(answer.payload, reply) < 0)) {
        errno = EPROTO;
        rc = -1;
    }
    strbuf_free(&frame);
    return rc;
}
