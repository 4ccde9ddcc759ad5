/*
 * lib/acme/jws.h - requests to a certificate authority are JSON Web Signatures (RFC 7515) by the
 * account's key, as RFC 8555 section 6.2 wants them: ES256, flattened (OpenSSL behind it).
 */
#ifndef POSTHORN_LIB_ACME_JWS_H
#define POSTHORN_LIB_ACME_JWS_H

#include "lib/base/strbuf.h"

#define JWS_PEM_MAX 1024      /* bytes of a key as text */
#define JWS_JWK_MAX 256       /* of its public half */
#define JWS_THUMBPRINT_MAX 43 /* SHA-256 as base64url */
#define JWS_MAX (256u << 10)  /* of a whole request */

struct jws_key; /* P-256, private */

/* NULL: there is no memory, or the text is no such key. */
struct jws_key *jws_key_new(void);
struct jws_key *jws_key_parse(struct slice pem);
void jws_key_free(struct jws_key **keyp);
/* Each is appended. 0, or -1. The private key as PEM text is a secret: wipe it. */
int jws_key_pem(const struct jws_key *key, struct strbuf *out);
/* The public key as a JSON Web Key, members in the order of RFC 7638 section 3.2. */
int jws_key_jwk(const struct jws_key *key, struct strbuf *out);
int jws_key_thumbprint(const struct jws_key *key, struct strbuf *out); /* RFC 7638 */

struct jws_header {
    struct slice url;   /* where the request goes (RFC 8555 section 6.4) */
    struct slice nonce; /* "": none, as in what is signed within a request */
    struct slice kid;   /* the account's URL; "": the public key in its place */
};
/* `payload` signed, appended to `out`. 0, or -1. */
int jws_sign(const struct jws_key *key, const struct jws_header *header, struct slice payload,
             struct strbuf *out);
/* RFC 8555 section 7.3.4: `payload` bound by HS256 to the account `kid` that the authority knows
 * from elsewhere, whose secret is `mac_key`. */
int jws_bind(struct slice mac_key, struct slice kid, struct slice url, struct slice payload,
             struct strbuf *out);

#endif
