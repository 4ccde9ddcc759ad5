/*
 * lib/tls/warm_up.h - a handshake in memory before the fork, for lib/tls/tls.
 *
 * OpenSSL looks up and builds its algorithms at their first use. Done once in the parent, the
 * workers share the result; otherwise each pays for it in time and in private memory.
 */
#ifndef POSTHORN_LIB_TLS_WARM_UP_H
#define POSTHORN_LIB_TLS_WARM_UP_H

#include <stdbool.h>

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* Whatever fails here fails again, and is reported, at the first connection. A remote key
 * (lib/tls/remote_key.h) is asked for nothing: there is no channel to keyd yet. */
void warm_up_server(struct ssl_ctx_st *server, bool key_is_remote);

#endif
