/*
 * lib/sys/proxy_header.h - the header that a load balancer puts before a client's bytes: PROXY
 * protocol, versions 1 and 2 (proxy-protocol.txt of HAProxy, sections 2.1 and 2.2). No I/O.
 */
#ifndef POSTHORN_LIB_SYS_PROXY_HEADER_H
#define POSTHORN_LIB_SYS_PROXY_HEADER_H

#include <stdint.h>

#include "lib/base/cidr.h"

/* Section 2: both fit into the smallest segment that a host takes (536 bytes). Version 2 may have
 * more behind its addresses; what is over this is refused. */
#define PROXY_HEADER_MAX 1024

struct proxy_header {
    bool is_local; /* UNKNOWN or LOCAL: the connection's own addresses hold */
    struct ip client, server;
    uint16_t client_port, server_port;
};

enum proxy_status {
    PROXY_OK,   /* *out, and the header's length in *len */
    PROXY_PART, /* right so far, not yet whole */
    PROXY_BAD   /* no header: the connection has to be closed */
};

/* `seen`: the connection's first bytes, as many as have come. */
enum proxy_status proxy_header_parse(struct slice seen, struct proxy_header *out, size_t *len);

#endif
