/*
 * lib/ipc/accountd_greet.h - new mailboxes that are to be greeted (account.welcome): asked by
 * alertd, page by page. Conventions as in lib/ipc/accountd.h.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_GREET_H
#define POSTHORN_LIB_IPC_ACCOUNTD_GREET_H

#include "lib/ipc/accountd.h"

#define ACCOUNTD_GREET_MAX 20 /* in one answer, and in one request */

/* ---- GREET: who waits for it. Those of `done` have had it: on disk before the answer, and they
 * are never told again ---- */
struct accountd_greet {
    struct slice done[ACCOUNTD_GREET_MAX]; /* addresses as an answer had them */
    uint32_t done_count;
};
int accountd_greet_encode(struct strbuf *out, const struct accountd_greet *query);
int accountd_greet_decode(struct slice payload, struct accountd_greet *query);

struct accountd_greeted {
    struct slice address, full_name; /* full_name may be empty */
};
struct accountd_greet_reply {
    bool failed; /* the base: nothing of it is done, try again later */
    struct accountd_greeted users[ACCOUNTD_GREET_MAX];
    uint32_t count;
};
int accountd_greet_reply_encode(struct strbuf *out, uint32_t id,
                                const struct accountd_greet_reply *reply);
int accountd_greet_reply_decode(struct slice payload, struct accountd_greet_reply *reply);

#endif
