/*
 * lib/tls/remote_key.h - private keys for OpenSSL that are not here: keyd signs with them.
 *
 * A provider inside this program (OpenSSL's provider(7)), in a library context of its own, so that
 * it can never be chosen for any other key.
 */
#ifndef POSTHORN_LIB_TLS_REMOTE_KEY_H
#define POSTHORN_LIB_TLS_REMOTE_KEY_H

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* A key that signs by lib/tls/key_channel, for a public key of type RSA, EC or Ed25519 (borrowed).
 * The caller frees it. NULL: another type, or no memory. */
struct evp_pkey_st *remote_key_new(const struct evp_pkey_st *public);

#endif
