/*
 * lib/tls/key_channel.h - asks keyd for the signature of a handshake. For lib/tls.
 *
 * OpenSSL calls for a signature deep inside a handshake and passes nothing of the connection on. So
 * the channel and the deadline are this process's: it shakes hands with one client at a time.
 */
#ifndef POSTHORN_LIB_TLS_KEY_CHANNEL_H
#define POSTHORN_LIB_TLS_KEY_CHANNEL_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/ipc/tls_key.h"

/* Until then keyd may be away: it is being started anew. */
#define KEY_CHANNEL_PATIENCE_MS 5000

/* A datagram socket that is connected to keyd's (borrowed), or -1. */
void key_channel_use(int fd);
/* A handshake begins that has to end then. Forgets the reason of the last failure. */
void key_channel_begin(int64_t deadline_mono_ms);
/* Blocks, at most for KEY_CHANNEL_PATIENCE_MS and until the handshake's deadline. The length of the
 * signature, or -1. */
ssize_t key_channel_sign(const struct tls_key_ask *ask, unsigned char *signature, size_t cap);
const char *key_channel_failure(void); /* why there was no signature, in words; NULL: there was */

#endif
