/*
 * posthorn/queue_call.c - one request to the queue manager, by its socket.
 */
#include "posthorn/queue_call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/ipc/client.h"
#include "posthorn/queue_remote.h"

#define TIMEOUT_MS 60000
#define CONNECT_MS 2000

/* A connection, or NULL: the queue manager is not running. */
static struct ipc_client *
connect_to(const struct cli *cli, int *run_dirfd)
{
    struct ipc_client *client;

    *run_dirfd = open(cli->inst.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*run_dirfd < 0)
        return NULL;
    client = ipc_client_new(*run_dirfd, QUEUE_SOCKET, QUEUE_PAYLOAD_MAX);
    if (ipc_client_connect(client, CONNECT_MS) < 0) {
        ipc_client_free(&client);
        (void)close(*run_dirfd);
    }
    return client;
}

static void
disconnect(struct ipc_client **client, int run_dirfd)
{
    ipc_client_free(client);
    (void)close(run_dirfd);
}

/* One request; the reply borrows from the client. 0, or CLI_FAILED after the message. */
static int
ask(const struct cli *cli, struct ipc_client *client, const struct queue_control *req,
    struct queue_control_reply *reply)
{
    struct strbuf frame = strbuf_new(QUEUE_PAYLOAD_MAX);
    struct ipc_reply message;
    int rc;

    *reply = (struct queue_control_reply){.result = 1};
    (void)queue_control_encode(&frame, req); /* short */
    rc = ipc_client_call(client, &frame, -1, TIMEOUT_MS, &message);
    strbuf_free(&frame);
    if (rc < 0)
        return cli_fail(cli, "the queue manager does not answer: %s; see 'posthorn status'",
                        strerror(errno));
    close_keep_errno(message.fd);
    if (message.type != QUEUE_CONTROL_REPLY ||
        queue_control_reply_decode(message.payload, reply) < 0)
        return cli_fail(cli, "the queue manager's answer makes no sense; restart the suite");
    return 0;
}

int
queue_call(struct cli *cli, const struct queue_control *req, uint64_t *count)
{
    struct queue_control_reply reply;
    struct ipc_client *client;
    int run_dirfd, rc;

    if (cli->remote != NULL)
        return queue_remote_change(cli, req, count);
    client = connect_to(cli, &run_dirfd);
    if (client == NULL)
        return cli_fail(cli, "the queue manager is not running; start the suite first");
    rc = ask(cli, client, req, &reply);
    if (rc == 0 && reply.result != 0)
        rc = cli_fail(cli, "%.*s%s%.*s", (int)(req->names.len < 100 ? req->names.len : 0),
                      req->names.ptr, req->names.len < 100 ? ": " : "", (int)reply.text.len,
                      reply.text.ptr);
    *count += reply.count;
    disconnect(&client, run_dirfd);
    return rc == 0 ? CLI_OK : CLI_FAILED;
}
