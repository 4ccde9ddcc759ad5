/*
 * lib/auth/jwk.c - the public keys of JSON Web Key sets, and signatures by them.
 */
#include "lib/auth/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"

enum { NUMBER_MAX = 1024 /* bytes: RSA up to 8192 bits */, RSA_BITS_MIN = 2048, P256_BYTES = 32 };

int
jwk_base64url(struct slice text, struct strbuf *out)
{
    struct strbuf plain = strbuf_new(text.len + 3);
    int rc;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '+' || c == '/' || c == '=') {
            strbuf_free(&plain);
            return -1;
        }
        (void)strbuf_char(&plain, (char)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    while (plain.len % 4 != 0 && plain.len < text.len + 3)
        (void)strbuf_char(&plain, '=');
    rc = base64_decode(strbuf_slice(&plain), out);
    strbuf_free(&plain);
    return rc;
}

enum jwk_alg
jwk_alg_find(struct slice name)
{
    if (slice_eq(name, SLICE("RS256")))
        return JWK_RS256;
    if (slice_eq(name, SLICE("ES256")))
        return JWK_ES256;
    return slice_eq(name, SLICE("EdDSA")) ? JWK_EDDSA : JWK_NONE;
}

static EVP_PKEY *
key_from(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static BIGNUM *
number_of(struct slice text)
{
    struct strbuf bytes = strbuf_new(NUMBER_MAX);
    BIGNUM *number = NULL;

    if (jwk_base64url(text, &bytes) == 0 && bytes.len > 0)
        number = BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
    strbuf_free(&bytes);
    return number;
}

static EVP_PKEY *
rsa_key(const struct jwk *jwk)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = number_of(jwk->n), *e = number_of(jwk->e);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (builder != NULL && n != NULL && e != NULL && BN_num_bits(n) >= RSA_BITS_MIN &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e)) {
        params = OSSL_PARAM_BLD_to_param(builder);
        key = key_from("RSA", params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

static EVP_PKEY *
p256_key(const struct jwk *jwk)
{
    struct strbuf point = strbuf_new(1 + 2 * P256_BYTES);
    char group[] = "P-256";
    OSSL_PARAM params[3];
    EVP_PKEY *key = NULL;

    (void)strbuf_char(&point, 4); /* an uncompressed point (SEC 1 section 2.3.3) */
    if (slice_eq(jwk->crv, SLICE("P-256")) && jwk_base64url(jwk->x, &point) == 0 &&
        point.len == 1 + P256_BYTES && jwk_base64url(jwk->y, &point) == 0 &&
        point.len == 1 + 2 * P256_BYTES) {
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
        params[1] =
            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.ptr, point.len);
        params[2] = OSSL_PARAM_construct_end();
        key = key_from("EC", params);
    }
    strbuf_free(&point);
    return key;
}

static EVP_PKEY *
ed25519_key(const struct jwk *jwk)
{
    struct strbuf bytes = strbuf_new(P256_BYTES);
    EVP_PKEY *key = NULL;

    if (slice_eq(jwk->crv, SLICE("Ed25519")) && jwk_base64url(jwk->x, &bytes) == 0)
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)bytes.ptr,
                                          bytes.len);
    strbuf_free(&bytes);
    return key;
}

static EVP_PKEY *
key_of(const struct jwk *jwk, enum jwk_alg alg)
{
    if (alg == JWK_RS256 && slice_eq(jwk->kty, SLICE("RSA")))
        return rsa_key(jwk);
    if (alg == JWK_ES256 && slice_eq(jwk->kty, SLICE("EC")))
        return p256_key(jwk);
    if (alg == JWK_EDDSA && slice_eq(jwk->kty, SLICE("OKP")))
        return ed25519_key(jwk);
    return NULL;
}

/* R and S side by side (RFC 7518 section 3.4), as OpenSSL wants them. */
static int
der_of(struct slice signature, unsigned char **der)
{
    const unsigned char *bytes = (const unsigned char *)signature.ptr;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = NULL, *s = NULL;
    int len = -1;

    if (signature.len == 2 * (size_t)P256_BYTES) {
        r = BN_bin2bn(bytes, P256_BYTES, NULL);
        s = BN_bin2bn(bytes + P256_BYTES, P256_BYTES, NULL);
    }
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        len = i2d_ECDSA_SIG(sig, der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return len;
}

static bool
verify(EVP_PKEY *key, enum jwk_alg alg, struct slice text, const unsigned char *signature,
       size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good =
        ctx != NULL &&
        EVP_DigestVerifyInit(ctx, NULL, alg == JWK_EDDSA ? NULL : EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestVerify(ctx, signature, len, (const unsigned char *)text.ptr, text.len) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

bool
jwk_verify(const struct jwk *jwk, enum jwk_alg alg, struct slice text, struct slice signature)
{
    EVP_PKEY *key = key_of(jwk, alg);
    unsigned char *der = NULL;
    bool good = false;
    int len;

    if (key != NULL && alg == JWK_ES256) {
        len = der_of(signature, &der);
        good = len > 0 && verify(key, alg, text, der, (size_t)len);
        OPENSSL_free(der);
    } else if (key != NULL) {
        good = verify(key, alg, text, (const unsigned char *)signature.ptr, signature.len);
    }
    EVP_PKEY_free(key);
    return good;
}
