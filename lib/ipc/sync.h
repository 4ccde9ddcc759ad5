/*
 * lib/ipc/sync.h - asks syncd to synchronise a domain with its directory now. Socket run/sync.sock,
 * for root and the suite's owner.
 */
#ifndef POSTHORN_LIB_IPC_SYNC_H
#define POSTHORN_LIB_IPC_SYNC_H

#include "lib/ipc/frame.h"

#define SYNC_SOCKET "sync.sock"
#define SYNC_REQUEST_MAX 1024u
#define SYNC_REPLY_MAX (2u << 20)
#define SYNC_TEXT_MAX 2000
#define SYNC_DOMAIN_MAX 253

/* RUN is answered when it is done; START, the same, at once: WHOLE, it is to come, with the number
 * that its report will have, or NOTHING and why not; one that waits and would do the same is not
 * added again. REPORT asks how the last one of the domain ended: REPORTED. */
enum sync_type { SYNC_RUN = 1, SYNC_DONE, SYNC_START, SYNC_REPORT, SYNC_REPORTED };

struct sync_request {
    struct slice domain;
    bool dry_run; /* only says what would be done */
    bool adopt;   /* mailboxes and groups of the same name that come from nowhere are taken over */
    bool force;   /* the brake does not hold */
};
int sync_request_encode(struct strbuf *out, const struct sync_request *request); /* RUN */
int sync_request_encode_as(struct strbuf *out, enum sync_type type,
                           const struct sync_request *request);
int sync_request_decode(struct slice payload, struct sync_request *request); /* borrows */

enum sync_result {
    SYNC_WHOLE,
    SYNC_REFUSALS, /* something was refused: the report says what */
    SYNC_NOTHING,  /* nothing was changed, the text says why */
};
struct sync_reply {
    uint8_t result;    /* enum sync_result */
    struct slice text; /* one line: how much of what, or why not */
    struct slice data; /* objects (lib/ipc/object.h): action, kind, name, result */
    uint64_t run;      /* of START: above those of all before it; else 0 */
};
/* As long as syncd has run. */
struct sync_report {
    bool is_under_way;          /* one is, or waits for its turn */
    bool has_ended;             /* one has, and this is how: */
    uint64_t run;               /* its number */
    int64_t began_ms, ended_ms; /* real time */
    bool dry_run;
    uint8_t result;          /* enum sync_result */
    struct slice text, data; /* as of a reply; not more rows than are kept */
};
int sync_report_encode(struct strbuf *out, uint32_t id, const struct sync_report *report);
int sync_report_decode(struct slice payload, struct sync_report *report); /* borrows */
int sync_reply_encode(struct strbuf *out, uint32_t id, const struct sync_reply *reply);
int sync_reply_decode(struct slice payload, struct sync_reply *reply); /* borrows */

#endif
