/*
 * authd/acl.c - rights on folders: the session asks, accountd decides.
 *
 * Input:  frames of a session that may be in an attacker's hands. Who asks is said here, by the
 *         login that was proved on this channel, and never by the session.
 */
#include "authd/acl.h"

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"

enum { ASK_TIMEOUT_MS = 10000, REQUEST_MAX = 8192 };

static void
send_reply(struct session *s, const struct accountd_acl_reply *reply)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);

    assert_always(accountd_acl_reply_encode(&frame, AUTHD_ACL_REPLY, s->request_id, reply) == 0);
    s->state = SESSION_IDLE;
    ipc_peer_send(s->peer, &frame, -1);
    strbuf_free(&frame);
}

static void
answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    const struct accountd_acl_reply away = {.result = ACCOUNTD_ACL_AWAY,
                                            .text = SLICE("try again later")};
    struct session *s = arg;
    struct accountd_acl_reply reply;
    struct accountd_acl_entry *entries;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    entries = xcalloc(ACCOUNTD_ACL_MAX, sizeof(*entries));
    if (header == NULL || header->type != ACCOUNTD_ACL_REPLY ||
        accountd_acl_reply_decode(payload, &reply, entries) < 0)
        send_reply(s, &away);
    else
        send_reply(s, &reply);
    xfree(&entries);
}

int
acl_ask(struct session *s, struct slice payload)
{
    struct strbuf request;
    struct accountd_acl acl;

    if (s->state != SESSION_IDLE || s->service != SERVICE_IMAP || s->user == NULL ||
        accountd_acl_decode(payload, &acl) < 0 || acl.actor.len > 0)
        return -1;
    acl.actor = slice_of(s->user);
    if (acl.owner.len == 0)
        acl.owner = acl.actor;
    request = strbuf_new(REQUEST_MAX);
    if (accountd_acl_encode(&request, ACCOUNTD_ACL, &acl) < 0) {
        strbuf_free(&request);
        return -1;
    }
    s->state = SESSION_WORKING;
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ASK_TIMEOUT_MS, answered, s);
    strbuf_free(&request);
    return 0;
}
