/*
 * authd/charge.c - what a session changed in a folder of somebody else counts for its owner.
 *
 * The owner's totals are in a directory that the session does not have; local-deliver changes them.
 *
 * Input:  frames of a session that may be in an attacker's hands. Whose totals they are about goes
 *         by the folders that this session was given with a right to write. The amounts are the
 *         session's word: who lies makes totals wrong that the next count puts right, and could
 *         fill the folder anyway.
 */
#include "authd/charge.h"

#include <errno.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/mail/imap_rights.h"

enum { STORE_TIMEOUT_MS = 20000 /* local-deliver waits 10 s for a lock */ };

static void
send_reply(struct session *s, const struct authd_charged *charged)
{
    struct strbuf frame = strbuf_new(STORE_CTL_PAYLOAD_MAX);

    assert_always(authd_charged_encode(&frame, s->request_id, charged) == 0);
    s->state = SESSION_IDLE;
    ipc_peer_send(s->peer, &frame, -1);
    strbuf_free(&frame);
}

static void
charged(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct store_ctl_reply reply;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != STORE_CTL_REPLY ||
        store_ctl_reply_decode(payload, &reply) < 0)
        reply = (struct store_ctl_reply){.error = EBUSY};
    send_reply(s, &(struct authd_charged){.error = reply.error, .uidvalidity = reply.uidvalidity});
}

/* The folder that the session may change, and which is another user's. */
static const struct folder_grant *
find_grant(const struct session *s, struct slice name)
{
    for (uint32_t i = 0; i < s->grants.count; i++) {
        const struct folder_grant *grant = &s->grants.list[i];

        if (grant->is_shared && (grant->rights & RIGHTS_ON_MESSAGES) != 0 &&
            slice_eq(name, slice_of(grant->name)))
            return grant;
    }
    return NULL;
}

int
charge_ask(struct session *s, struct slice payload)
{
    struct strbuf request = strbuf_new(STORE_CTL_PAYLOAD_MAX);
    const struct folder_grant *grant;
    struct authd_charge charge;
    struct store_ctl ctl;
    int rc = -1;

    if (s->state != SESSION_IDLE || authd_charge_decode(payload, &charge) < 0)
        goto out;
    grant = find_grant(s, charge.name);
    if (grant == NULL)
        goto out;
    ctl = (struct store_ctl){.path = folder_grant_path(grant),
                             .charge = {.bytes = charge.bytes,
                                        .messages = charge.messages,
                                        .within_quota = charge.within_quota,
                                        .quota_bytes = grant->quota_bytes,
                                        .quota_messages = grant->quota_messages,
                                        .new_uidvalidity = charge.new_uidvalidity}};
    if (charge.bytes > STORE_CHARGE_MAX || charge.bytes < -STORE_CHARGE_MAX ||
        charge.messages > STORE_CHARGE_MAX || charge.messages < -STORE_CHARGE_MAX ||
        store_ctl_encode(&request, STORE_CHARGE, &ctl) < 0)
        goto out;
    s->state = SESSION_WORKING;
    session_hold(s);
    ipc_async_call(s->server->stores, &request, STORE_TIMEOUT_MS, charged, s);
    rc = 0;
out:
    strbuf_free(&request);
    return rc;
}
