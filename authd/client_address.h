/*
 * authd/client_address.h - what fairness and back-off need to know of a client's address.
 */
#ifndef POSTHORN_AUTHD_CLIENT_ADDRESS_H
#define POSTHORN_AUTHD_CLIENT_ADDRESS_H

#include <stdint.h>

#include "lib/base/slice.h"

struct client_address {
    uint64_t share; /* one number per IPv4 address or IPv6 /64: who counts as one client */
    bool loopback;
};

/* 0, or -1: `ip` is no IPv4 or IPv6 address in text form. */
int client_address_parse(struct slice ip, struct client_address *out);

#endif
