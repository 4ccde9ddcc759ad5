/*
 * stsd/web.h - a connection to a web server, for a child that may block.
 */
#ifndef POSTHORN_STSD_WEB_H
#define POSTHORN_STSD_WEB_H

#include <stdint.h>

#include "lib/ipc/dnsd.h"

struct web_options {
    uint16_t port;
    bool use_ipv4, use_ipv6;
};

/* A connected blocking socket to one of the host's addresses, or -1 with *trouble, a constant. */
int web_connect(const struct web_options *options, struct ipc_client *dns, const char *host,
                int64_t deadline_mono_ms, const char **trouble);

#endif
