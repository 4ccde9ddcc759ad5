/*
 * lib/auth/jwk.h - the public keys of JSON Web Key sets (RFC 7517, RFC 7518 section 6, RFC 8037)
 * and signatures by them (OpenSSL behind it).
 */
#ifndef POSTHORN_LIB_AUTH_JWK_H
#define POSTHORN_LIB_AUTH_JWK_H

#include "lib/base/strbuf.h"

enum jwk_alg { JWK_NONE, JWK_RS256, JWK_ES256, JWK_EDDSA };

/* JWK_NONE: not one of ours. */
enum jwk_alg jwk_alg_find(struct slice name);

/* Members of a key, as they stand there; "" what is not there. */
struct jwk {
    struct slice kty, crv, n, e, x, y;
};
/* Is this the key's signature? Not if the key is of another kind than the algorithm wants. */
bool jwk_verify(const struct jwk *jwk, enum jwk_alg alg, struct slice text, struct slice signature);

/* base64url without padding (RFC 7515 section 2), appended. 0, or -1: damaged, or no room. */
int jwk_base64url(struct slice text, struct strbuf *out);

#endif
