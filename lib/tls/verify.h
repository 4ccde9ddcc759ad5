/*
 * lib/tls/verify.h - what a client holds a server's certificate against, for lib/tls/tls.
 */
#ifndef POSTHORN_LIB_TLS_VERIFY_H
#define POSTHORN_LIB_TLS_VERIFY_H

#include "lib/tls/tls.h"

struct ssl_st; /* OpenSSL's SSL */

/* Before the handshake: server name, names, TLSA records. 0, or -1: OpenSSL refuses one of them. */
int verify_prepare(struct ssl_st *ssl, const struct tls_check *check);
/* After a failed handshake: what was wrong with the certificate. */
enum tls_distrust verify_distrust(const struct ssl_st *ssl);
/* The same in words; NULL: nothing was. */
const char *verify_reason(const struct ssl_st *ssl);
/* How many of the records OpenSSL can use (RFC 7672 section 3.1). */
size_t verify_usable(struct ssl_st *ssl, const struct tls_tlsa *tlsa, size_t count);

#endif
