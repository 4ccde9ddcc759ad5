/*
 * lib/tls/sni.h - which certificate a client gets, by the host name that it asks for (RFC 6066
 * section 3). For lib/tls.
 */
#ifndef POSTHORN_LIB_TLS_SNI_H
#define POSTHORN_LIB_TLS_SNI_H

#include "lib/base/strbuf.h"

#define SNI_CERTS_MAX 1000
#define SNI_HOSTS_MAX 100000

struct sni;
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* For connections of `ctx`, whose own certificate is the one for all names that are not in the
 * table. `ctx` borrows it. */
struct sni *sni_new(struct ssl_ctx_st *ctx);
void sni_free(struct sni **snip);
/* Adds all DNS names of the first certificate in the PEM file (a chain), whose key is keyd's. A
 * name that is there already stays with what it has. 0, or -1 with one line in `error`. */
int sni_add(struct sni *sni, const char *cert_path, struct strbuf *error);

#endif
