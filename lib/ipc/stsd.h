/*
 * lib/ipc/stsd.h - MTA-STS policies from stsd, which fetches and keeps them. Socket run/sts.sock.
 *
 * The asker looks up the TXT record itself (dnsd has it in its cache) and tells its id, so that
 * stsd knows when there is something new to fetch.
 */
#ifndef POSTHORN_LIB_IPC_STSD_H
#define POSTHORN_LIB_IPC_STSD_H

#include "lib/ipc/frame.h"
#include "lib/sts/sts_policy.h"

#define STSD_SOCKET "sts.sock"
#define STSD_DOMAIN_MAX 253
#define STSD_PAYLOAD_MAX (STS_TEXT_MAX + 1024u)

enum stsd_type { STSD_QUERY = 1, STSD_ANSWER };

struct stsd_query {
    struct slice domain; /* lower case, A-labels */
    struct slice id;     /* of the TXT record; empty: there is none, or DNS does not tell */
};
struct stsd_answer {
    struct slice text; /* the policy that applies now; empty: none */
};
int stsd_query_encode(struct strbuf *out, const struct stsd_query *query);
int stsd_query_decode(struct slice payload, struct stsd_query *query); /* borrows from payload */
int stsd_answer_encode(struct strbuf *out, uint32_t id, const struct stsd_answer *answer);
int stsd_answer_decode(struct slice payload, struct stsd_answer *answer); /* borrows */

/* Blocking: asks and appends the policy's text to `text`. 0, or -1 with errno. */
struct ipc_client;
int stsd_call(struct ipc_client *sts, const struct stsd_query *query, int timeout_ms,
              struct strbuf *text);

#endif
