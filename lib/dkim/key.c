/*
 * lib/dkim/key.c - the one wrapper of OpenSSL's private keys for DKIM. Opens no file.
 */
#include "lib/dkim/key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/base/mem.h"

enum { ED25519_BYTES = 32 };

struct dkim_key {
    enum dkim_algorithm algorithm;
    EVP_PKEY *pkey;
};

static struct dkim_key *
wrap(EVP_PKEY *pkey, enum dkim_algorithm algorithm)
{
    struct dkim_key *key;

    if (pkey == NULL)
        return NULL;
    key = xcalloc(1, sizeof(*key));
    key->algorithm = algorithm;
    key->pkey = pkey;
    return key;
}

struct dkim_key *
dkim_key_make(enum dkim_algorithm algorithm, unsigned rsa_bits)
{
    EVP_PKEY *pkey = algorithm == DKIM_RSA_SHA256 ? EVP_RSA_gen(rsa_bits)
                                                  : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    return wrap(pkey, algorithm);
}

static bool
is_usable(const EVP_PKEY *pkey, enum dkim_algorithm algorithm)
{
    int bits = EVP_PKEY_get_bits(pkey);

    if (algorithm == DKIM_ED25519_SHA256)
        return EVP_PKEY_is_a(pkey, "ED25519") == 1;
    return EVP_PKEY_is_a(pkey, "RSA") == 1 && bits >= DKIM_RSA_BITS_MIN &&
           bits <= DKIM_RSA_BITS_MAX;
}

/* Instead of the library's own question on the terminal: an encrypted key is no key here. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

struct dkim_key *
dkim_key_parse(struct slice pem, enum dkim_algorithm algorithm)
{
    EVP_PKEY *pkey = NULL;
    BIO *bio;

    if (pem.len == 0 || pem.len > DKIM_PEM_MAX)
        return NULL;
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio != NULL)
        pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (pkey != NULL && !is_usable(pkey, algorithm)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return wrap(pkey, algorithm);
}

void
dkim_key_free(struct dkim_key **keyp)
{
    if (*keyp == NULL)
        return;
    EVP_PKEY_free((*keyp)->pkey); /* wipes the numbers */
    xfree(keyp);
}

bool
dkim_key_write(const struct dkim_key *key, struct strbuf *pem)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *bytes;
    long len = 0;
    bool done = false;

    if (bio != NULL && PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1)
        len = BIO_get_mem_data(bio, &bytes);
    if (len > 0)
        done = strbuf_append(pem, slice_make(bytes, (size_t)len));
    BIO_free(bio);
    return done;
}

bool
dkim_key_public(const struct dkim_key *key, struct strbuf *bytes)
{
    unsigned char raw[ED25519_BYTES], *der = NULL;
    size_t raw_len = sizeof(raw);
    int der_len;
    bool done;

    if (key->algorithm == DKIM_ED25519_SHA256)
        return EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) == 1 &&
               strbuf_append(bytes, slice_make(raw, raw_len));
    der_len = i2d_PUBKEY(key->pkey, &der);
    done = der_len > 0 && strbuf_append(bytes, slice_make(der, (size_t)der_len));
    OPENSSL_free(der);
    return done;
}

/* RSASSA-PKCS1-v1_5 over a SHA-256 digest (RFC 6376 section 3.3.2). */
static bool
sign_rsa(EVP_PKEY *pkey, const unsigned char *digest, unsigned char *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool done = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
                EVP_PKEY_sign(ctx, out, len, digest, DKIM_DIGEST) == 1;

    EVP_PKEY_CTX_free(ctx);
    return done;
}

/* PureEdDSA over the digest (RFC 8463 section 3). */
static bool
sign_ed25519(EVP_PKEY *pkey, const unsigned char *digest, unsigned char *out, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(ctx, out, len, digest, DKIM_DIGEST) == 1;

    EVP_MD_CTX_free(ctx);
    return done;
}

bool
dkim_key_sign(const struct dkim_key *key, const unsigned char digest[DKIM_DIGEST],
              struct strbuf *signature)
{
    unsigned char out[DKIM_SIGNATURE_MAX];
    size_t len = sizeof(out);
    bool done = key->algorithm == DKIM_RSA_SHA256 ? sign_rsa(key->pkey, digest, out, &len)
                                                  : sign_ed25519(key->pkey, digest, out, &len);

    return done && strbuf_append(signature, slice_make(out, len));
}
