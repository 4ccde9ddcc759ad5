/*
 * lib/auth/digest.c - the hash functions of authentication: the one wrapper of libcrypto's digests.
 *
 * All inputs fit in memory and all functions are present in OpenSSL's default provider, so a
 * failure here is a broken build or no memory: it ends the process.
 */
#include "lib/auth/digest.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/mem.h"

static EVP_MD *fetched[DIGEST_SM3 + 1]; /* an implicit fetch at each use costs more than the hash */

static const EVP_MD *
method(enum digest digest)
{
    static const char *const names[] = {"MD5", "SHA1", "SHA256", "SHA512", "SM3"};

    if (fetched[digest] == NULL)
        fetched[digest] = EVP_MD_fetch(NULL, names[digest], NULL);
    assert_always(fetched[digest] != NULL);
    return fetched[digest];
}

void
digest_init(void)
{
    /* No openssl.cnf: an administrator's engine or provider has no business in here. */
    assert_always(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
    for (enum digest d = DIGEST_MD5; d <= DIGEST_SM3; d++) {
        unsigned char out[DIGEST_MAX];

        digest_hmac(d, SLICE("k"), SLICE("x"), out);
    }
}

size_t
digest_size(enum digest digest)
{
    static const size_t sizes[] = {16, 20, 32, 64, 32};

    return sizes[digest];
}

void
digest_of(enum digest digest, struct slice a, struct slice b, unsigned char *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_always(ctx != NULL && EVP_DigestInit_ex(ctx, method(digest), NULL) == 1);
    assert_always(EVP_DigestUpdate(ctx, a.ptr, a.len) == 1);
    assert_always(EVP_DigestUpdate(ctx, b.ptr, b.len) == 1);
    assert_always(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx); /* wipes its state */
}

struct digest_stream {
    EVP_MD_CTX *ctx;
};

struct digest_stream *
digest_stream_begin(enum digest digest)
{
    struct digest_stream *stream = xcalloc(1, sizeof(*stream));

    stream->ctx = EVP_MD_CTX_new();
    assert_always(stream->ctx != NULL && EVP_DigestInit_ex(stream->ctx, method(digest), NULL) == 1);
    return stream;
}

void
digest_stream_feed(struct digest_stream *stream, struct slice piece)
{
    assert_always(EVP_DigestUpdate(stream->ctx, piece.ptr, piece.len) == 1);
}

void
digest_stream_end(struct digest_stream **streamp, unsigned char *out)
{
    assert_always(EVP_DigestFinal_ex((*streamp)->ctx, out, NULL) == 1);
    EVP_MD_CTX_free((*streamp)->ctx);
    xfree(streamp);
}

void
digest_hmac(enum digest digest, struct slice key, struct slice data, unsigned char *out)
{
    assert_always(key.len <= INT_MAX);
    assert_always(HMAC(method(digest), key.len > 0 ? key.ptr : "", (int)key.len,
                       (const unsigned char *)data.ptr, data.len, out, NULL) != NULL);
}

void
digest_pbkdf2(enum digest digest, struct slice password, struct slice salt, unsigned iterations,
              unsigned char *out)
{
    assert_always(password.len <= INT_MAX && salt.len <= INT_MAX && iterations <= INT_MAX);
    assert_always(PKCS5_PBKDF2_HMAC(password.len > 0 ? password.ptr : "", (int)password.len,
                                    (const unsigned char *)salt.ptr, (int)salt.len, (int)iterations,
                                    method(digest), (int)digest_size(digest), out) == 1);
}

bool
digest_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}
