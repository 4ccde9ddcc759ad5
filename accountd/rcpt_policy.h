/*
 * accountd/rcpt_policy.h - may this sender send to this recipient (DIR-28, DIR-29, DIR-53)?
 */
#ifndef POSTHORN_ACCOUNTD_RCPT_POLICY_H
#define POSTHORN_ACCOUNTD_RCPT_POLICY_H

#include "accountd/server.h"

struct rcpt_refusal {
    uint16_t code;
    const char *dsn;
    char text[200]; /* names the property that forbids it */
};

/* `found` is what account_find said of rcpt->address, with server->hit. Fills server->sender_hit
 * with the entry of the authenticated user; of kind ACCOUNT_DOMAIN if there is none. False:
 * refused, or (4xx) nobody can tell now. */
bool rcpt_policy(struct server *server, const struct accountd_rcpt *rcpt, enum account_found found,
                 struct rcpt_refusal *refusal);

#endif
