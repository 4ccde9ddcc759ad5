/*
 * lib/ipc/accountd_senders.h - who system messages come from, by domains: asked by queue-manager.
 * Conventions as in lib/ipc/accountd.h.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_SENDERS_H
#define POSTHORN_LIB_IPC_ACCOUNTD_SENDERS_H

#include "lib/ipc/accountd.h"

#define ACCOUNTD_SENDERS_MAX 10000 /* domains with a sender of their own; others have none */

/* ---- SENDERS: `version` is that of the last answer, or 0 ---- */
struct accountd_senders {
    uint64_t version;
    bool unchanged; /* since the version that was asked with: nothing follows */
    uint32_t count;
};
int accountd_senders_encode(struct strbuf *out, uint64_t version);
int accountd_senders_decode(struct slice payload, uint64_t *version);
/* The reply: the head, then `count` times a domain (canonical, or an alias of it) and its address.
 */
int accountd_senders_reply_encode(struct strbuf *out, uint32_t id,
                                  const struct accountd_senders *head, struct slice pairs);
/* Appends one pair to what becomes `pairs`. */
void accountd_senders_add(struct strbuf *pairs, struct slice domain, struct slice address);
/* Calls each() for every pair. */
int accountd_senders_reply_decode(struct slice payload, struct accountd_senders *head,
                                  void (*each)(void *arg, struct slice domain,
                                               struct slice address),
                                  void *arg);

#endif
