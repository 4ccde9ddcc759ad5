/*
 * keyd/tls_keys.h - TLS keys in memory, and signatures by them. For the TLS signers alone.
 */
#ifndef POSTHORN_KEYD_TLS_KEYS_H
#define POSTHORN_KEYD_TLS_KEYS_H

#include "keyd/tls_files.h"

struct tls_keys;

/* Reads every file. One that is no good is logged and left out; NULL with one line in `error` if it
 * is required. */
struct tls_keys *tls_keys_load(const struct tls_files *files, struct strbuf *error);
void tls_keys_free(struct tls_keys **keysp);
size_t tls_keys_count(const struct tls_keys *keys);

/* The signature goes into `buf` of TLS_KEY_SIGNATURE_MAX bytes, which the answer borrows.
 * `old_too`: handshakes of TLS 1.0 and 1.1 are signed as well. */
struct tls_key_answer tls_keys_sign(const struct tls_keys *keys, const struct tls_key_ask *ask,
                                    bool old_too, unsigned char *buf);

#endif
