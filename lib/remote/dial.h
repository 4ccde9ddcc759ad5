/*
 * lib/remote/dial.h - a TCP connection to a host by name or address, for a process that may block.
 */
#ifndef POSTHORN_LIB_REMOTE_DIAL_H
#define POSTHORN_LIB_REMOTE_DIAL_H

#include <stdint.h>

#include "lib/ipc/dnsd.h"

struct dial_options {
    uint16_t port;
    bool use_ipv4, use_ipv6;
    bool may_be_address; /* the administrator has written the host: it may be an IP address */
};

/* A connected blocking socket to one of the host's addresses, or -1 with *trouble, a constant. */
int dial_host(const struct dial_options *options, struct ipc_client *dns, const char *host,
              int64_t deadline_mono_ms, const char **trouble);

#endif
