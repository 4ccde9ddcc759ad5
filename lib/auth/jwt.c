/*
 * lib/auth/jwt.c - JSON Web Tokens: parts, claims, and which key of a set is meant.
 *
 * Input:  tokens of strangers, at most JWT_TOKEN_MAX bytes; nothing in them is believed before the
 *         signature. An algorithm is never the token's choice alone: the key has to be of its kind,
 *         and "none" and the symmetric ones are not there at all (RFC 8725 section 3.1).
 */
#include "lib/auth/jwt.h"

#include <jansson.h>

#include "lib/auth/jwk.h"
#include "lib/base/mem.h"

enum { LEEWAY_S = 60, KEYS_MAX = 64 };

static json_t *
load(struct slice text)
{
    return json_loadb(text.ptr == NULL ? "" : text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
}

static json_t *
load_part(struct slice part)
{
    struct strbuf text = strbuf_new(JWT_TOKEN_MAX);
    json_t *json = jwk_base64url(part, &text) < 0 ? NULL : load(strbuf_slice(&text));

    strbuf_free(&text);
    if (json != NULL && !json_is_object(json)) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

static struct slice
member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? slice_make(json_string_value(value), json_string_length(value))
                                 : slice_make(NULL, 0);
}

/* ---- claims ---- */

static bool
names_audience(const json_t *claims, struct slice audience)
{
    const json_t *aud = json_object_get(claims, "aud");

    if (audience.len == 0)
        return true;
    if (json_is_string(aud))
        return slice_eq(member(claims, "aud"), audience);
    for (size_t i = 0; json_is_array(aud) && i < json_array_size(aud); i++) {
        const json_t *one = json_array_get(aud, i);

        if (json_is_string(one) &&
            slice_eq(slice_make(json_string_value(one), json_string_length(one)), audience))
            return true;
    }
    return false;
}

/* A point in time, or `otherwise` if there is none. */
static double
time_of(const json_t *claims, const char *name, double otherwise)
{
    const json_t *value = json_object_get(claims, name);

    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static enum jwt_verdict
bad(const char **why, const char *text)
{
    *why = text;
    return JWT_BAD;
}

static enum jwt_verdict
check_claims(const json_t *claims, const struct jwt_rules *rules, bool is_introspection,
             struct strbuf *value, const char **why)
{
    struct slice issuer = member(claims, "iss"), claim;
    char *name = xslicedup(rules->claim);

    claim = member(claims, name);
    xfree(&name);
    if (!slice_eq(issuer, rules->issuer) && !(is_introspection && issuer.ptr == NULL))
        return bad(why, "the token is another issuer's");
    if (!names_audience(claims, rules->audience))
        return bad(why, "the token is for another audience");
    if (time_of(claims, "exp", is_introspection ? 1e18 : 0) <= (double)rules->now_s)
        return bad(why, "the token has expired");
    if (time_of(claims, "nbf", 0) > (double)(rules->now_s + LEEWAY_S))
        return bad(why, "the token is not valid yet");
    if (claim.len == 0 || claim.len > JWT_CLAIM_MAX || slice_index(claim, '\0') < claim.len ||
        !strbuf_append(value, claim))
        return bad(why, "the token does not name the user");
    return JWT_GOOD;
}

/* ---- signatures ---- */

struct parts {
    struct slice header, claims, signature, signed_text;
};

static bool
split(struct slice token, struct parts *parts)
{
    struct slice rest = token;

    parts->header = slice_split(&rest, '.');
    parts->claims = slice_split(&rest, '.');
    parts->signature = rest;
    parts->signed_text = slice_sub(token, 0, parts->header.len + 1 + parts->claims.len);
    return token.len <= JWT_TOKEN_MAX && parts->header.len > 0 && parts->claims.len > 0 &&
           rest.len > 0 && slice_index(rest, '.') == rest.len;
}

/* By the key that the token names; one that names none, by each that can be meant. */
static enum jwt_verdict
check_signature(const struct parts *parts, const json_t *header, struct slice keys_text,
                const char **why)
{
    struct slice kid = member(header, "kid");
    struct strbuf signature = strbuf_new(JWT_TOKEN_MAX);
    json_t *set = load(keys_text);
    const json_t *keys = json_object_get(set, "keys");
    enum jwt_verdict verdict = JWT_UNKNOWN_KEY;
    enum jwk_alg alg = jwk_alg_find(member(header, "alg"));

    *why = "no key of the issuer's has signed it";
    if (alg == JWK_NONE || json_object_get(header, "crit") != NULL ||
        jwk_base64url(parts->signature, &signature) < 0)
        verdict = bad(why, "the token's algorithm is not one of ours");
    for (size_t i = 0; verdict == JWT_UNKNOWN_KEY && json_is_array(keys) &&
                       i < json_array_size(keys) && i < KEYS_MAX;
         i++) {
        const json_t *key = json_array_get(keys, i);
        struct slice use = member(key, "use");
        const struct jwk jwk = {
            .kty = member(key, "kty"),
            .crv = member(key, "crv"),
            .n = member(key, "n"),
            .e = member(key, "e"),
            .x = member(key, "x"),
            .y = member(key, "y"),
        };

        if ((kid.len > 0 && !slice_eq(kid, member(key, "kid"))) ||
            (use.len > 0 && !slice_eq(use, SLICE("sig"))))
            continue;
        if (jwk_verify(&jwk, alg, parts->signed_text, strbuf_slice(&signature)))
            verdict = JWT_GOOD;
        else if (kid.len > 0)
            verdict = bad(why, "the signature is wrong");
    }
    json_decref(set);
    strbuf_free(&signature);
    return verdict;
}

bool
jwt_is_one(struct slice token)
{
    struct parts parts;
    json_t *header = split(token, &parts) ? load_part(parts.header) : NULL;
    bool is_one = header != NULL && member(header, "alg").len > 0;

    json_decref(header);
    return is_one;
}

enum jwt_verdict
jwt_check(struct slice token, struct slice keys, const struct jwt_rules *rules,
          struct strbuf *value, const char **why)
{
    enum jwt_verdict verdict = JWT_BAD;
    struct parts parts;
    json_t *header = NULL, *claims = NULL;

    *why = "this is no JSON Web Token";
    if (split(token, &parts)) {
        header = load_part(parts.header);
        claims = load_part(parts.claims);
    }
    if (header != NULL && claims != NULL) {
        verdict = check_signature(&parts, header, keys, why);
        if (verdict == JWT_GOOD)
            verdict = check_claims(claims, rules, false, value, why);
    }
    json_decref(header);
    json_decref(claims);
    return verdict;
}

enum jwt_verdict
jwt_check_introspection(struct slice answer, const struct jwt_rules *rules, struct strbuf *value,
                        const char **why)
{
    json_t *json = load(answer);
    enum jwt_verdict verdict = JWT_BAD;

    *why = "the issuer says that the token is not active";
    if (json_is_true(json_object_get(json, "active")))
        verdict = check_claims(json, rules, true, value, why);
    json_decref(json);
    return verdict;
}
