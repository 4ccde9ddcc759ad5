/*
 * lib/oper/alertd_call.c - one question to alertd.
 */
#include "lib/oper/alertd_call.h"

#include <fcntl.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"

struct alertd_call {
    int run_dirfd;
    struct ipc_client *client;
};

struct alertd_call *
alertd_call_ask(const struct instance *inst, struct strbuf *request, int timeout_ms,
                struct alertd_reply *reply)
{
    struct alertd_call *call = xcalloc(1, sizeof(*call));
    struct ipc_reply answer = {.fd = -1};
    int rc;

    call->run_dirfd = open(inst->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    call->client = ipc_client_new(call->run_dirfd, ALERTD_SOCKET, ALERTD_REPLY_MAX);
    rc = ipc_client_call(call->client, request, -1, timeout_ms, &answer);
    if (rc == 0 && (answer.type != ALERTD_REPLY || alertd_reply_decode(answer.payload, reply) < 0))
        rc = -1;
    close_keep_errno(answer.fd); /* none is expected */
    if (rc < 0)
        alertd_call_free(&call);
    return call;
}

void
alertd_call_free(struct alertd_call **callp)
{
    if (*callp == NULL)
        return;
    ipc_client_free(&(*callp)->client);
    close_keep_errno((*callp)->run_dirfd);
    xfree(callp);
}
