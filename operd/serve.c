/*
 * operd/serve.c - one connection of authd's: requests one after the other, each done by lib/oper,
 * each change in the audit log.
 *
 * A request is taken as if an attacker had sent it. Nobody is served but authd, root and the owner,
 * by the kernel's word.
 */
#include "operd/serve.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/ipc/operd.h"
#include "lib/log/line.h"
#include "lib/log/log.h"
#include "lib/oper/oper.h"
#include "operd/confine.h"

enum { REQUEST_MAX = 512u << 10, ERRORS_MAX = 65536 };

/* Looks users up: before the sandbox. */
static bool
may_ask(const struct instance *inst, int fd)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct conf *conf = conf_load(inst->conf_path, &errors);
    struct ucred peer;
    socklen_t len = sizeof(peer);
    struct role authd;
    bool may = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;

    may = may && (peer.uid == geteuid() || peer.uid == 0 ||
                  (conf != NULL && geteuid() == 0 && role_find(conf, USERS_AUTH, &authd) == 0 &&
                   peer.uid == authd.uid));
    conf_free(&conf);
    strbuf_free(&errors);
    return may;
}

/* ---- one request ---- */

static void
write_down(void *arg, const struct oper_change *change)
{
    const struct accountd_admin *request = arg;
    const struct log_kv pairs[] = {KV_SLICE("who", request->actor),
                                   KV_SLICE("from", request->origin),
                                   KV_SLICE("verb", change->verb),
                                   KV_SLICE("kind", change->kind),
                                   KV_SLICE("name", change->name),
                                   KV_SLICE("property", change->property),
                                   KV_SLICE("before", change->before),
                                   KV_SLICE("after", change->after),
                                   KV_END};

    if (!log_write_to(LOG_AUDIT, "changed", pairs))
        log_write(LOG_ERROR, "not_written_down", pairs);
}

static int
answer(int fd, uint32_t request_id, const struct oper *op)
{
    struct strbuf frame = strbuf_new(REQUEST_MAX + OPER_TEXT_MAX);
    const struct accountd_admin_reply reply = {.result = op->result,
                                               .text = strbuf_slice(&op->text),
                                               .cursor = strbuf_slice(&op->cursor),
                                               .data = strbuf_slice(&op->data)};
    int rc = accountd_admin_reply_encode(&frame, request_id, &reply);

    if (rc == 0)
        rc = write_all(fd, strbuf_slice(&frame));
    strbuf_free(&frame);
    return rc;
}

/* 0, or -1: it was no request, or nobody waits for the answer. */
static int
run(const struct instance *inst, int fd, uint32_t request_id, struct slice payload)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct accountd_admin request;
    int rc = accountd_admin_decode(payload, &request, fields);

    if (rc == 0) {
        struct oper op = oper_new(inst, &request);

        op.told = write_down;
        op.arg = &request;
        oper_run(&op);
        log_event(LOG_INFO, "operation", KV_SLICE("who", request.actor),
                  KV_SLICE("from", request.origin), KV_SLICE("kind", request.kind),
                  KV_SLICE("verb", request.verb), KV_SLICE("name", request.name),
                  KV_U64("result", op.result));
        log_flush();
        rc = answer(fd, request_id, &op);
        oper_free(&op);
    }
    free(fields);
    return rc;
}

void
serve(const struct instance *inst, int fd)
{
    char head[FRAME_HEADER], *payload;
    struct frame_header header;
    int rc = may_ask(inst, fd) && confine_child() == 0 ? 0 : -1;

    while (rc == 0 && read_exact(fd, head, sizeof(head)) == 0) {
        if (frame_header_decode(head, REQUEST_MAX, &header) < 0 || header.type != ACCOUNTD_ADMIN)
            break;
        payload = xmalloc((size_t)header.length + 1);
        rc = read_exact(fd, payload, header.length);
        if (rc == 0)
            rc = run(inst, fd, header.request_id, slice_make(payload, header.length));
        mem_wipe(payload, header.length); /* a private key may be in it */
        free(payload);
    }
    close_keep_errno(fd);
}
