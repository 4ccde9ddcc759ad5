/*
 * lib/ipc/acmed.h - what the command line asks acmed. Socket run/acme.sock, root or the owner of
 * the suite only.
 */
#ifndef POSTHORN_LIB_IPC_ACMED_H
#define POSTHORN_LIB_IPC_ACMED_H

#include "lib/ipc/frame.h"

#define ACMED_SOCKET "acme.sock"
#define ACMED_NAME_MAX 256
#define ACMED_TEXT_MAX 2048
#define ACMED_DATA_MAX (1u << 20)
#define ACMED_PAYLOAD_MAX (ACMED_DATA_MAX + ACMED_TEXT_MAX + 64u)

enum acmed_type { ACMED_REQUEST = 1, ACMED_REPLY };

/* Verbs:
 *   status    objects (lib/ipc/object.h), one for each certificate: name, state, next, expires,
 *             serial, hosts, window_start, window_end, failures, error, explanation, order,
 * directory renew     NAME: a new certificate at once; the reply comes when it is begun revoke NAME
 * with a reason (RFC 5280 section 5.3.1, a number): the reply comes when it is done rollover
 * another key for the account: the same */
struct acmed_request {
    struct slice verb, name, detail;
};
struct acmed_reply {
    uint32_t result;   /* 0: done */
    struct slice text; /* why not */
    struct slice data;
};
int acmed_request_encode(struct strbuf *out, const struct acmed_request *request);
int acmed_request_decode(struct slice payload, struct acmed_request *request); /* borrows */
int acmed_reply_encode(struct strbuf *out, uint32_t id, const struct acmed_reply *reply);
int acmed_reply_decode(struct slice payload, struct acmed_reply *reply); /* borrows */

#endif
