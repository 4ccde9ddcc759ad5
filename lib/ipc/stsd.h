/*
 * lib/ipc/stsd.h - MTA-STS policies from stsd, and TLS outcomes to it. Socket run/sts.sock.
 *
 * Who asks for a policy looks up the TXT record itself (dnsd has it in its cache) and tells its id,
 * so that stsd knows when there is something new to fetch. What came of TLS with a server is told
 * without an answer. Root and the suite's owner may look at the outcomes and have them reported.
 */
#ifndef POSTHORN_LIB_IPC_STSD_H
#define POSTHORN_LIB_IPC_STSD_H

#include "lib/ipc/frame.h"
#include "lib/sts/sts_policy.h"
#include "lib/tlsrpt/outcome.h"

#define STSD_SOCKET "sts.sock"
#define STSD_DOMAIN_MAX 253
#define STSD_PAYLOAD_MAX (STS_TEXT_MAX + 1024u)

enum stsd_type { STSD_QUERY = 1, STSD_ANSWER, STSD_OUTCOME, STSD_CONTROL, STSD_REPLY };

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

int stsd_outcome_encode(struct strbuf *out, const struct outcome *outcome);
int stsd_outcome_decode(struct slice payload, struct outcome *outcome); /* borrows */

/* Control: the command line. Verbs:
 *   show  the outcomes of a day as the reply's data, objects of lib/ipc/object.h: domain, policy,
 *         policy_domain, result, mx, ip, sessions, reason, state
 *   send  reports of a day now; the reply comes when all are through, its data are objects with
 *         domain, place, result
 * An outcome is counted for the UTC day on which it comes. */
#define STSD_REPLY_MAX (8u << 20)
#define STSD_TEXT_MAX 1024
struct stsd_control {
    struct slice verb;
    struct slice day; /* "2026-11-27", UTC; empty: the latest whole day for send, today for show */
    struct slice domain; /* empty: all */
};
struct stsd_reply {
    uint32_t result;   /* 0: done */
    struct slice text; /* why not */
    struct slice data;
};
int stsd_control_encode(struct strbuf *out, const struct stsd_control *control);
int stsd_control_decode(struct slice payload, struct stsd_control *control); /* borrows */
int stsd_reply_encode(struct strbuf *out, uint32_t id, const struct stsd_reply *reply);
int stsd_reply_decode(struct slice payload, struct stsd_reply *reply); /* borrows */

#endif
