/*
 * lib/tls/key_id.h - the name of a key pair: the SHA-256 of its public half.
 */
#ifndef POSTHORN_LIB_TLS_KEY_ID_H
#define POSTHORN_LIB_TLS_KEY_ID_H

#include "lib/base/strbuf.h"
#include "lib/ipc/tls_key.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* Of its SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). 0, or -1. */
int key_id(const struct evp_pkey_st *key, unsigned char id[TLS_KEY_ID]);
/* Of the first certificate in a PEM file. 0, or -1 with one line in `error`. */
int key_id_of_certificate(const char *path, unsigned char id[TLS_KEY_ID], struct strbuf *error);

#endif
