/*
 * lib/dkim/key.h - private keys of DKIM: RSA (RFC 8301) and Ed25519 (RFC 8463).
 */
#ifndef POSTHORN_LIB_DKIM_KEY_H
#define POSTHORN_LIB_DKIM_KEY_H

#include "lib/base/strbuf.h"
#include "lib/dkim/algorithm.h"
#include "lib/dkim/signature.h"

#define DKIM_RSA_BITS_MIN 1024 /* verifiers refuse less (RFC 8301 section 3.2) */
#define DKIM_RSA_BITS_MAX 4096
#define DKIM_PEM_MAX 8192       /* bytes of a key file */
#define DKIM_SIGNATURE_MAX 512  /* bytes: RSA with 4096 bits */
#define DKIM_PUBLIC_KEY_MAX 640 /* bytes */

struct dkim_key;

/* A new key; `rsa_bits` counts for RSA alone. NULL: the library failed. */
struct dkim_key *dkim_key_make(enum dkim_algorithm algorithm, unsigned rsa_bits);
/* From the PEM text of an unencrypted private key. NULL: it is none of that algorithm, or an RSA
 * key outside of the limits. */
struct dkim_key *dkim_key_parse(struct slice pem, enum dkim_algorithm algorithm);
void dkim_key_free(struct dkim_key **keyp);

/* Each false on failure. The PEM text is a secret: the caller wipes it. */
bool dkim_key_write(const struct dkim_key *key, struct strbuf *pem);
/* As the "p=" tag holds it: DER SubjectPublicKeyInfo (RFC 6376 section 3.6.1), or 32 bytes. */
bool dkim_key_public(const struct dkim_key *key, struct strbuf *bytes);
bool dkim_key_sign(const struct dkim_key *key, const unsigned char digest[DKIM_DIGEST],
                   struct strbuf *signature);

#endif
