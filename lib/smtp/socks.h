/*
 * lib/smtp/socks.h - connections through a SOCKS server: version 5 (RFC 1928) with or without user
 * and password (RFC 1929), and version 4.
 *
 * Targets are addresses, never names: who is to be reached is decided here, not by the proxy.
 */
#ifndef POSTHORN_LIB_SMTP_SOCKS_H
#define POSTHORN_LIB_SMTP_SOCKS_H

#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/strbuf.h"

#define SOCKS_LOGIN_MAX 255 /* bytes of user name and of password (RFC 1929 section 2) */
#define SOCKS_READ_MAX 257  /* bytes of one piece of a reply */
#define SOCKS_WRITE_MAX 600 /* bytes of one request */

enum socks_version { SOCKS_4 = 4, SOCKS_5 = 5 };

struct socks_proxy {
    enum socks_version version;
    struct sockaddr_storage address;
    socklen_t address_len;
    const char *user, *password; /* "": none */
};

/* ---- the conversation, without I/O ---- */

enum socks_step {
    SOCKS_SAY,  /* `out` is to be sent, then read the next piece */
    SOCKS_READ, /* read the next piece: exactly s->wants bytes */
    SOCKS_OPEN, /* the target is at the other end; no byte of it has been read */
    SOCKS_NO,   /* s->why: a constant, words for an administrator */
};

struct socks {
    const struct socks_proxy *proxy;
    const struct sockaddr_storage *target; /* NULL: only as far as the login */
    int state;
    size_t wants;
    const char *why;
};

/* The first step; what to say goes to `out`, which has room for SOCKS_WRITE_MAX. Both arguments are
 * borrowed. */
enum socks_step socks_begin(struct socks *s, const struct socks_proxy *proxy,
                            const struct sockaddr_storage *target, struct strbuf *out);
/* Takes s->wants bytes of the server's, at most SOCKS_READ_MAX. */
enum socks_step socks_take(struct socks *s, const uint8_t *reply, struct strbuf *out);

/* ---- with I/O ---- */

/* On a non-blocking socket that is connected to the proxy. 0, or -1 with *why: a constant or a text
 * of strerror(). */
int socks_open(int fd, const struct socks_proxy *proxy, const struct sockaddr_storage *target,
               int64_t deadline_mono_ms, const char **why);

#endif
