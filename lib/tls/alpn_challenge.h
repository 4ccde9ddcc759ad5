/*
 * lib/tls/alpn_challenge.h - the server of tls-alpn-01 (RFC 8737): shows who asks with ALPN
 * "acme-tls/1" for a host's name a certificate that holds the proof, and speaks nothing else.
 *
 * For an event loop: sockets are non-blocking.
 */
#ifndef POSTHORN_LIB_TLS_ALPN_CHALLENGE_H
#define POSTHORN_LIB_TLS_ALPN_CHALLENGE_H

#include "lib/base/slice.h"

#define ALPN_PROOF 32      /* bytes: SHA-256 of the key authorization */
#define ALPN_HOSTS_MAX 100 /* certificates at once */

struct alpn_server;
struct alpn_connection;

/* NULL: no memory. Loads what a sandbox would keep from it later. */
struct alpn_server *alpn_server_new(void);
void alpn_server_free(struct alpn_server **serverp);
/* `host` in lower case. 0, or -1: no certificate can be made of it, or there are too many. */
int alpn_server_set(struct alpn_server *server, struct slice host,
                    const unsigned char proof[ALPN_PROOF]);
void alpn_server_clear(struct alpn_server *server); /* forgets all of them */

/* A client that has connected; the fd stays the caller's. NULL: no memory. */
struct alpn_connection *alpn_connection_new(struct alpn_server *server, int fd);
void alpn_connection_free(struct alpn_connection **connectionp);
enum alpn_next { ALPN_READ, ALPN_WRITE, ALPN_SHOWN, ALPN_FAILED };
/* Goes on with the handshake: what it waits for, or how it ended. */
enum alpn_next alpn_connection_step(struct alpn_connection *connection);

#endif
