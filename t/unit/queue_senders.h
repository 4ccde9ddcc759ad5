/*
 * t/unit/queue_senders.h - what the harness's accountd says of senders of system messages.
 */
#ifndef POSTHORN_T_UNIT_QUEUE_SENDERS_H
#define POSTHORN_T_UNIT_QUEUE_SENDERS_H

#include <check.h>

#include "lib/ipc/accountd_senders.h"
#include "lib/ipc/peer.h"

/* Domain "s.test" and its alias have a sender of their own. */
static inline int
senders_frame(struct ipc_peer *peer, uint32_t id, struct slice payload)
{
    struct accountd_senders head = {.version = 7, .count = 2};
    struct strbuf pairs = strbuf_new(1000), out = strbuf_new(2000);
    uint64_t version;

    ck_assert_int_eq(accountd_senders_decode(payload, &version), 0);
    accountd_senders_add(&pairs, SLICE("s.test"), SLICE("care@s.test"));
    accountd_senders_add(&pairs, SLICE("other.test"), SLICE("care@s.test"));
    ck_assert_int_eq(accountd_senders_reply_encode(&out, id, &head, strbuf_slice(&pairs)), 0);
    ipc_peer_send(peer, &out, -1);
    strbuf_free(&pairs);
    strbuf_free(&out);
    return 0;
}

#endif
