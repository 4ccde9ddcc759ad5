/*
 * lib/oper/sync_call.c - one question to syncd.
 */
#include "lib/oper/sync_call.h"

#include <fcntl.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"

#define ANSWER_MAX (SYNC_REPLY_MAX + SYNC_TEXT_MAX + 1024)

struct sync_call {
    int run_dirfd;
    struct ipc_client *client;
};

static int
decode(const struct ipc_reply *answer, struct sync_reply *reply, struct sync_report *report)
{
    if (answer->type == SYNC_DONE && reply != NULL)
        return sync_reply_decode(answer->payload, reply);
    if (answer->type == SYNC_REPORTED && report != NULL)
        return sync_report_decode(answer->payload, report);
    return -1;
}

struct sync_call *
sync_call_ask(const struct instance *inst, struct strbuf *request, int timeout_ms,
              struct sync_reply *reply, struct sync_report *report)
{
    struct sync_call *call = xcalloc(1, sizeof(*call));
    struct ipc_reply answer = {.fd = -1};
    int rc;

    call->run_dirfd = open(inst->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    call->client = ipc_client_new(call->run_dirfd, SYNC_SOCKET, ANSWER_MAX);
    rc = ipc_client_call(call->client, request, -1, timeout_ms, &answer);
    if (rc == 0)
        rc = decode(&answer, reply, report);
    close_keep_errno(answer.fd); /* none is expected */
    if (rc < 0)
        sync_call_free(&call);
    return call;
}

void
sync_call_free(struct sync_call **callp)
{
    if (*callp == NULL)
        return;
    ipc_client_free(&(*callp)->client);
    close_keep_errno((*callp)->run_dirfd);
    xfree(callp);
}
