/*
 * posthorn/explained.h - a message that is not there: what decisions about its envelope go by.
 */
#ifndef POSTHORN_POSTHORN_EXPLAINED_H
#define POSTHORN_POSTHORN_EXPLAINED_H

#include "lib/smtp/smtp_ports.h"

struct explained {
    struct slice from, to, client_ip, user;
    uint64_t size;   /* octets, 0: not told */
    uint64_t before; /* recipients that the transaction has had before this one */
    enum smtp_port port;
};

/* NULL, or what is expected of which member. `to` may be empty where `to_needed` is not set. */
const char *explained_check(const struct explained *mail, bool to_needed);

#endif
