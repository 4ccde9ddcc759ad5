/*
 * lib/auth/jwt.h - JSON Web Tokens (RFC 7519) signed by RS256, ES256 or EdDSA (RFC 7518, RFC 8037),
 * checked against a set of keys (RFC 7517), and answers of token introspection (RFC 7662).
 *
 * Tokens come from strangers, key sets and answers from the issuer. Jansson reads the JSON, OpenSSL
 * checks the signatures. No I/O.
 */
#ifndef POSTHORN_LIB_AUTH_JWT_H
#define POSTHORN_LIB_AUTH_JWT_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define JWT_TOKEN_MAX 8192
#define JWT_CLAIM_MAX 1024

/* What a token has to say. */
struct jwt_rules {
    struct slice issuer;   /* "iss", exactly; introspection: only if the answer has one */
    struct slice audience; /* in "aud"; "": whatever it is */
    struct slice claim;    /* whose value is the user's */
    int64_t now_s;         /* "exp" is later, "nbf" not */
};

enum jwt_verdict {
    JWT_GOOD, /* the claim's value was appended */
    JWT_BAD,
    JWT_UNKNOWN_KEY, /* no key of the set has its name: there may be a newer set */
};
/* `why`: for the log, a constant. */
enum jwt_verdict jwt_check(struct slice token, struct slice keys, const struct jwt_rules *rules,
                           struct strbuf *value, const char **why);
/* Is this a token of that form at all? */
bool jwt_is_one(struct slice token);
/* The answer of RFC 7662 section 2.2. */
enum jwt_verdict jwt_check_introspection(struct slice answer, const struct jwt_rules *rules,
                                         struct strbuf *value, const char **why);

#endif
