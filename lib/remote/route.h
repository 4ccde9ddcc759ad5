/*
 * lib/remote/route.h - from a next hop to the addresses to connect to, in order.
 */
#ifndef POSTHORN_LIB_REMOTE_ROUTE_H
#define POSTHORN_LIB_REMOTE_ROUTE_H

#include "lib/remote/mx.h"
#include "lib/remote/remote_settings.h"

#define ROUTE_PEERS_MAX 32

struct ipc_client;

struct route {
    struct smtp_peer peers[ROUTE_PEERS_MAX];
    const struct host *hosts[ROUTE_PEERS_MAX]; /* of whom the peer is an address; NULL: of an MX */
    size_t count;
};

/* By DNS: `next_hop` is a domain (UTF-8 allowed) or an address literal. *why unless FOUND. */
enum mx_status route_by_dns(const struct remote_settings *settings, struct ipc_client *dns,
                            struct slice next_hop, struct route *route, struct smtp_verdict *why);
/* By a list of servers: relay hosts, or those of a direct domain. Never NEVER: a mistake in our
 * configuration bounces nobody's mail. */
enum mx_status route_by_hosts(const struct remote_settings *settings, struct ipc_client *dns,
                              const struct host_list *hosts, struct route *route,
                              struct smtp_verdict *why);

#endif
