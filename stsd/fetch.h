/*
 * stsd/fetch.h - one process that fetches one policy from the Internet.
 */
#ifndef POSTHORN_STSD_FETCH_H
#define POSTHORN_STSD_FETCH_H

#include "lib/sys/daemon.h"
#include "lib/tls/tls.h"

#define FETCH_TIME_MS 25000 /* below the time for all look-ups of a delivery, remote.dns_timeout   \
                             */
#define FETCH_REPLY_MAX (65536u + 256u)

struct fetch_options {
    const struct daemon *daemon;
    const struct sandbox *box; /* of the child */
    struct tls_context
        *authorities; /* one of them has to have signed the policy host's certificate */
    uint16_t port;
    bool use_ipv4, use_ipv6;
};

/* Starts the child. Its answer comes through the pipe whose end is returned (the caller's): '+' and
 * the policy's text, or '-' and a line that says what went wrong, then the end. -1 with errno. */
int fetch_start(const struct fetch_options *options, const char *domain, pid_t *pid);

#endif
