/*
 * lib/smtp/route_host.h - one server that the administrator names as a next hop, as one word.
 *
 *     [smtp:// | smtps:// | lmtp://][USER@]HOST[:PORT][;attempts=N][;sender=ADDRESS]
 *     lmtp:unix:NAME[;attempts=N][;sender=ADDRESS]
 *
 * HOST is a name, an IPv4 address, or an IPv6 address, in brackets if a port follows. The user may
 * hold "@" himself. Relay hosts and the table of direct domains are made of such words.
 */
#ifndef POSTHORN_LIB_SMTP_ROUTE_HOST_H
#define POSTHORN_LIB_SMTP_ROUTE_HOST_H

#include <stdint.h>

#include "lib/base/slice.h"

#define ROUTE_NAME_MAX 255   /* bytes of HOST and of USER */
#define ROUTE_SOCKET_MAX 100 /* bytes of a Unix socket's NAME: a sockaddr_un has 108 */
#define ROUTE_ATTEMPTS_MAX 10

struct route_host {
    char *name; /* host name, address, or name of a Unix socket below run/ */
    uint16_t port;
    bool tls_at_once; /* smtps:// */
    bool is_lmtp;     /* RFC 2033 */
    bool is_unix;
    char *user;        /* NULL: no authentication */
    char *sender;      /* envelope sender in place of the original one; NULL: the original */
    unsigned attempts; /* to reach it, after a first that failed */
};

/* All of `text` as such a word. NULL: *out is to be freed with route_host_clear; else what was
 * expected, in words. `default_port` is for SMTP without TLS from the first byte. */
const char *route_host_parse(struct slice text, uint16_t default_port, struct route_host *out);
void route_host_clear(struct route_host *host);

/* The next word of a line; *line goes on behind the blanks that follow it. */
struct slice route_word(struct slice *line);

#define ROUTE_DOMAIN_HOSTS_MAX 16
/* One line of the table of direct domains: "DOMAIN WORD..." with up to ROUTE_DOMAIN_HOSTS_MAX
 * words. What was expected, or NULL: it is right. */
const char *route_line_expected(struct slice line);

#endif
