/*
 * authd/quota.c - quotas that an administrator's session sets: accountd decides.
 *
 * Input:  frames of a session that may be in an attacker's hands. Who asks is said here, by the
 *         login that was proved on this channel, and never by the session.
 */
#include "authd/quota.h"

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"

enum { ASK_TIMEOUT_MS = 20000, REQUEST_MAX = 4096 }; /* accountd may wait for the store */

static void
answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct accountd_quota_reply reply;
    struct session *s = arg;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_QUOTA_REPLY ||
        accountd_quota_reply_decode(payload, &reply) < 0)
        reply = (struct accountd_quota_reply){.result = ACCOUNTD_QUOTA_AWAY};
    assert_always(accountd_quota_reply_encode(&frame, AUTHD_QUOTA_REPLY, s->request_id, &reply) ==
                  0);
    s->state = SESSION_IDLE;
    ipc_peer_send(s->peer, &frame, -1);
    strbuf_free(&frame);
}

int
quota_ask(struct session *s, struct slice payload)
{
    struct accountd_quota quota;
    struct strbuf request;

    if (s->state != SESSION_IDLE || s->service != SERVICE_IMAP || s->user == NULL ||
        accountd_quota_decode(payload, &quota) < 0 || quota.actor.len > 0)
        return -1;
    quota.actor = slice_of(s->user);
    request = strbuf_new(REQUEST_MAX);
    assert_always(accountd_quota_encode(&request, ACCOUNTD_QUOTA, &quota) == 0);
    s->state = SESSION_WORKING;
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ASK_TIMEOUT_MS, answered, s);
    strbuf_free(&request);
    return 0;
}
