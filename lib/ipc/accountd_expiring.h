/*
 * lib/ipc/accountd_expiring.h - users whose password has to be changed before long: asked by
 * alertd. Conventions as in lib/ipc/accountd.h.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_EXPIRING_H
#define POSTHORN_LIB_IPC_ACCOUNTD_EXPIRING_H

#include "lib/account/expiring.h"
#include "lib/ipc/accountd.h"

#define ACCOUNTD_EXPIRING_MAX 20 /* users in one answer */

/* ---- EXPIRING: those for whom a stage has begun after `since_ms` and not after `until_ms` ---- */
struct accountd_expiring {
    int64_t since_ms, until_ms; /* since 1970 */
    struct expiring_stages stages;
    struct slice cursor; /* "", or that of the last answer */
};
int accountd_expiring_encode(struct strbuf *out, const struct accountd_expiring *query);
int accountd_expiring_decode(struct slice payload, struct accountd_expiring *query);

struct accountd_expiring_reply {
    struct slice cursor; /* not empty: there may be more */
    bool failed;         /* the base: try again later */
    struct expiring_user users[ACCOUNTD_EXPIRING_MAX];
    uint32_t count;
};
int accountd_expiring_reply_encode(struct strbuf *out, uint32_t id,
                                   const struct accountd_expiring_reply *reply);
int accountd_expiring_reply_decode(struct slice payload, struct accountd_expiring_reply *reply);

#endif
