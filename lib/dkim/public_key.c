/*
 * lib/dkim/public_key.c - the one wrapper of OpenSSL's public keys for DKIM. Input: records that
 * anybody has published. Opens no file.
 */
#include "lib/dkim/public_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/base/mem.h"
#include "lib/dkim/tags.h"

enum { ED25519_BYTES = 32 };

struct dkim_public {
    enum dkim_algorithm algorithm;
    EVP_PKEY *pkey;
};

/* Is `word` one of those between the colons? An absent list allows everything. */
static bool
allows(struct slice list, const char *word)
{
    if (list.ptr == NULL)
        return true;
    while (list.len > 0) {
        struct slice one = slice_trim(slice_split(&list, ':'));

        if (slice_eq(one, slice_of(word)) || slice_eq(one, SLICE("*")))
            return true;
    }
    return false;
}

static bool
is_for_mail(const struct dkim_tags *tags, enum dkim_algorithm algorithm)
{
    struct slice version = dkim_tag(tags, "v"), type = dkim_tag(tags, "k");
    const char *wanted = algorithm == DKIM_RSA_SHA256 ? "rsa" : "ed25519";

    if (version.ptr != NULL &&
        (!slice_eq(version, SLICE("DKIM1")) || !slice_eq(tags->names[0], SLICE("v"))))
        return false;
    if (type.ptr == NULL)
        type = SLICE("rsa");
    return slice_eq(type, slice_of(wanted)) && allows(dkim_tag(tags, "h"), "sha256") &&
           allows(dkim_tag(tags, "s"), "email");
}

static EVP_PKEY *
decode(enum dkim_algorithm algorithm, const struct strbuf *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes->ptr;
    EVP_PKEY *pkey;
    int bits;

    if (algorithm == DKIM_ED25519_SHA256)
        return bytes->len != ED25519_BYTES
                   ? NULL
                   : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, at, bytes->len);
    pkey = d2i_PUBKEY(NULL, &at, (long)bytes->len);
    if (pkey == NULL)
        return NULL;
    bits = EVP_PKEY_get_bits(pkey);
    if (EVP_PKEY_is_a(pkey, "RSA") == 1 && bits >= DKIM_RSA_BITS_MIN && bits <= DKIM_RSA_BITS_MAX)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

struct dkim_public *
dkim_public_parse(struct slice record, enum dkim_algorithm algorithm)
{
    struct strbuf bytes = strbuf_new(DKIM_PUBLIC_KEY_MAX);
    struct dkim_public *key = NULL;
    struct dkim_tags tags;
    EVP_PKEY *pkey = NULL;

    if (dkim_tags_parse(record, &tags) && is_for_mail(&tags, algorithm) &&
        dkim_tag_base64(dkim_tag(&tags, "p"), &bytes)) /* an empty one is revoked */
        pkey = decode(algorithm, &bytes);
    if (pkey != NULL) {
        key = xcalloc(1, sizeof(*key));
        *key = (struct dkim_public){algorithm, pkey};
    }
    ERR_clear_error();
    strbuf_free(&bytes);
    return key;
}

void
dkim_public_free(struct dkim_public **keyp)
{
    if (*keyp == NULL)
        return;
    EVP_PKEY_free((*keyp)->pkey);
    xfree(keyp);
}

/* RFC 6376 section 3.3.2: PKCS#1 v1.5 over the digest. */
static bool
verify_rsa(EVP_PKEY *pkey, const unsigned char *digest, struct slice signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
                EVP_PKEY_verify(ctx, (const unsigned char *)signature.ptr, signature.len, digest,
                                DKIM_DIGEST) == 1;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

/* RFC 8463 section 3: the digest is what is signed. */
static bool
verify_ed25519(EVP_PKEY *pkey, const unsigned char *digest, struct slice signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len, digest,
                                 DKIM_DIGEST) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

bool
dkim_public_verify(const struct dkim_public *key, const unsigned char digest[DKIM_DIGEST],
                   struct slice signature)
{
    bool good = key->algorithm == DKIM_RSA_SHA256 ? verify_rsa(key->pkey, digest, signature)
                                                  : verify_ed25519(key->pkey, digest, signature);

    ERR_clear_error();
    return good;
}
