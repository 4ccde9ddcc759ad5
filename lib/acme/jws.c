/*
 * lib/acme/jws.c - keys of ACME accounts, and what they sign. No I/O.
 */
#include "lib/acme/jws.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/json_writer.h"
#include "lib/base/mem.h"

enum { NUMBER = 32, POINT = 1 + 2 * NUMBER, DER_MAX = 80 };

struct jws_key {
    EVP_PKEY *pair;
};

/* ---- keys ---- */

/* Takes `pair`. */
static struct jws_key *
wrap(EVP_PKEY *pair)
{
    struct jws_key *key;
    char group[32];

    ERR_clear_error();
    if (pair == NULL || EVP_PKEY_is_a(pair, "EC") != 1 ||
        EVP_PKEY_get_group_name(pair, group, sizeof(group), NULL) != 1 ||
        strcmp(group, SN_X9_62_prime256v1) != 0) {
        EVP_PKEY_free(pair);
        return NULL;
    }
    key = xcalloc(1, sizeof(*key));
    key->pair = pair;
    return key;
}

struct jws_key *
jws_key_new(void)
{
    return wrap(EVP_EC_gen("P-256"));
}

/* An encrypted key has nobody here to ask. */
static int
no_password(char *buf, int size, int for_writing, void *arg)
{
    (void)buf, (void)size, (void)for_writing, (void)arg;
    return -1;
}

struct jws_key *
jws_key_parse(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *pair = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

    BIO_free(bio);
    return wrap(pair);
}

void
jws_key_free(struct jws_key **keyp)
{
    if (*keyp != NULL)
        EVP_PKEY_free((*keyp)->pair);
    xfree(keyp);
}

int
jws_key_pem(const struct jws_key *key, struct strbuf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *bytes = NULL;
    bool ok =
        bio != NULL && PEM_write_bio_PrivateKey(bio, key->pair, NULL, NULL, 0, NULL, NULL) == 1;
    long len = ok ? BIO_get_mem_data(bio, &bytes) : 0;

    ok = len > 0 && strbuf_append(out, slice_make(bytes, (size_t)len));
    BIO_free(bio);
    return ok ? 0 : -1;
}

int
jws_key_jwk(const struct jws_key *key, struct strbuf *out)
{
    struct json_writer w = {out, false};
    unsigned char point[POINT];
    size_t len = 0;
    struct strbuf x = strbuf_new(JWS_JWK_MAX), y = strbuf_new(JWS_JWK_MAX);
    bool ok = EVP_PKEY_get_octet_string_param(key->pair, OSSL_PKEY_PARAM_PUB_KEY, point,
                                              sizeof(point), &len) == 1 &&
              len == POINT && base64url_encode(slice_make(point + 1, NUMBER), &x) &&
              base64url_encode(slice_make(point + 1 + NUMBER, NUMBER), &y);

    json_writer_open(&w, NULL, '{');
    json_writer_text(&w, "crv", SLICE("P-256"));
    json_writer_text(&w, "kty", SLICE("EC"));
    json_writer_text(&w, "x", strbuf_slice(&x));
    json_writer_text(&w, "y", strbuf_slice(&y));
    json_writer_close(&w, '}');
    strbuf_free(&x);
    strbuf_free(&y);
    return ok && !out->overflow ? 0 : -1;
}

int
jws_key_thumbprint(const struct jws_key *key, struct strbuf *out)
{
    unsigned char digest[DIGEST_MAX];
    struct strbuf jwk = strbuf_new(JWS_JWK_MAX);
    int rc = jws_key_jwk(key, &jwk);

    if (rc == 0) {
        digest_of(DIGEST_SHA256, strbuf_slice(&jwk), SLICE(""), digest);
        rc = base64url_encode(slice_make(digest, digest_size(DIGEST_SHA256)), out) ? 0 : -1;
    }
    strbuf_free(&jwk);
    return rc;
}

/* ---- signing ---- */

/* RFC 7518 section 3.4: the two numbers one behind the other, not as OpenSSL writes them. */
static bool
plain_signature(const unsigned char *der, size_t len, unsigned char out[2 * NUMBER])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = signature != NULL &&
              BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, NUMBER) == NUMBER &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + NUMBER, NUMBER) == NUMBER;

    ECDSA_SIG_free(signature);
    return ok;
}

static bool
sign(const struct jws_key *key, struct slice text, unsigned char out[2 * NUMBER])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char der[DER_MAX];
    size_t len = sizeof(der);
    bool ok = ctx != NULL &&
              EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key->pair, NULL) == 1 &&
              EVP_DigestSign(ctx, der, &len, (const unsigned char *)text.ptr, text.len) == 1 &&
              plain_signature(der, len, out);

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

/* RFC 7515 section 5.1: both parts in base64url, with a dot between them, are what is signed. */
static bool
text_to_sign(struct slice header, struct slice payload, struct strbuf *out)
{
    return base64url_encode(header, out) && strbuf_char(out, '.') && base64url_encode(payload, out);
}

/* Appends the whole in the flattened form (RFC 7515 section 7.2.2). */
static int
write_flattened(struct slice signed_text, struct slice signature, struct strbuf *out)
{
    struct json_writer w = {out, false};
    struct strbuf encoded = strbuf_new(2 * DIGEST_MAX);
    bool ok = base64url_encode(signature, &encoded);

    json_writer_open(&w, NULL, '{');
    json_writer_text(&w, "protected", slice_split(&signed_text, '.'));
    json_writer_text(&w, "payload", signed_text);
    json_writer_text(&w, "signature", strbuf_slice(&encoded));
    json_writer_close(&w, '}');
    strbuf_free(&encoded);
    return ok && !out->overflow ? 0 : -1;
}

static int
write_header(const struct jws_key *key, const struct jws_header *header, struct strbuf *out)
{
    struct json_writer w = {out, false};
    struct strbuf jwk = strbuf_new(JWS_JWK_MAX);
    int rc = 0;

    json_writer_open(&w, NULL, '{');
    json_writer_text(&w, "alg", SLICE("ES256"));
    if (header->kid.len > 0) {
        json_writer_text(&w, "kid", header->kid);
    } else {
        rc = jws_key_jwk(key, &jwk);
        (void)strbuf_printf(out, ",\"jwk\":%s", strbuf_cstr(&jwk));
    }
    if (header->nonce.len > 0)
        json_writer_text(&w, "nonce", header->nonce);
    json_writer_text(&w, "url", header->url);
    json_writer_close(&w, '}');
    strbuf_free(&jwk);
    return rc == 0 && !out->overflow ? 0 : -1;
}

int
jws_sign(const struct jws_key *key, const struct jws_header *header, struct slice payload,
         struct strbuf *out)
{
    struct strbuf head = strbuf_new(JWS_MAX), text = strbuf_new(JWS_MAX);
    unsigned char signature[2 * NUMBER];
    int rc = write_header(key, header, &head);

    if (rc == 0 && text_to_sign(strbuf_slice(&head), payload, &text) &&
        sign(key, strbuf_slice(&text), signature))
        rc = write_flattened(strbuf_slice(&text), slice_make(signature, sizeof(signature)), out);
    else
        rc = -1;
    strbuf_free(&head);
    strbuf_free(&text);
    return rc;
}

int
jws_bind(struct slice mac_key, struct slice kid, struct slice url, struct slice payload,
         struct strbuf *out)
{
    struct strbuf head = strbuf_new(JWS_MAX), text = strbuf_new(JWS_MAX);
    struct json_writer w = {&head, false};
    unsigned char mac[DIGEST_MAX];
    int rc = -1;

    json_writer_open(&w, NULL, '{');
    json_writer_text(&w, "alg", SLICE("HS256"));
    json_writer_text(&w, "kid", kid);
    json_writer_text(&w, "url", url);
    json_writer_close(&w, '}');
    if (!head.overflow && text_to_sign(strbuf_slice(&head), payload, &text)) {
        digest_hmac(DIGEST_SHA256, mac_key, strbuf_slice(&text), mac);
        rc = write_flattened(strbuf_slice(&text), slice_make(mac, digest_size(DIGEST_SHA256)), out);
    }
    strbuf_free(&head);
    strbuf_free(&text);
    return rc;
}
