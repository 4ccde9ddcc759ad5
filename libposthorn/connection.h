/*
 * libposthorn/connection.h - bytes to and from the server, under TLS. The library's one file that
 * knows OpenSSL and sockets.
 */
#ifndef POSTHORN_LIBPOSTHORN_CONNECTION_H
#define POSTHORN_LIBPOSTHORN_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#ifndef POSTHORN_WITHOUT_CALLS
#define POSTHORN_WITHOUT_CALLS
#endif
#include "include/posthorn.h"

struct connection;

struct connection_target {
    const char *host, *ca_file, *name; /* ca_file, name: NULL if not given */
    const char *socket;                /* a Unix socket, without TLS; NULL: host and port */
    unsigned port;
    int timeout_ms;
};

/* NULL with *error (enum posthorn_error) and a line in `text`. */
struct connection *connection_open(const struct connection_target *target, int *error, char *text,
                                   size_t size);
void connection_close(struct connection **cp);
/* The server has ended it, or said something unasked. */
bool connection_is_over(const struct connection *c);
/* All of it. False: the connection is over. */
bool connection_write(struct connection *c, const char *bytes, size_t len);
/* At least one byte, at most `len`; 0: the end, or the time is over. */
size_t connection_read(struct connection *c, char *bytes, size_t len);

#endif
