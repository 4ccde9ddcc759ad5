/*
 * lib/auth/digest.h - the hash functions of authentication and signatures (OpenSSL's libcrypto
 * behind them).
 */
#ifndef POSTHORN_LIB_AUTH_DIGEST_H
#define POSTHORN_LIB_AUTH_DIGEST_H

#include "lib/base/slice.h"

#define DIGEST_MAX 64 /* bytes of the longest digest */

enum digest { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512, DIGEST_SM3 };

/* Loads what the library loads on first use: before a sandbox closes the file system. */
void digest_init(void);
size_t digest_size(enum digest digest); /* bytes */
/* The digest of `a` followed by `b` into out[digest_size()]. */
void digest_of(enum digest digest, struct slice a, struct slice b, unsigned char *out);
/* The digest of what comes in pieces. _end() frees. */
struct digest_stream;
struct digest_stream *digest_stream_begin(enum digest digest);
void digest_stream_feed(struct digest_stream *stream, struct slice piece);
void digest_stream_end(struct digest_stream **streamp, unsigned char *out);
/* HMAC (RFC 2104). */
void digest_hmac(enum digest digest, struct slice key, struct slice data, unsigned char *out);
/* PBKDF2 with HMAC (RFC 8018 section 5.2), one block of the digest's size: SCRAM's Hi(). */
void digest_pbkdf2(enum digest digest, struct slice password, struct slice salt,
                   unsigned iterations, unsigned char *out);
/* Equal, in a time that does not depend on where they differ. Lengths are no secret. */
bool digest_equal(struct slice a, struct slice b);

#endif
