/*
 * keyd/tls_signer.h - the processes that hold the TLS keys and answer run/tls-keys.sock.
 */
#ifndef POSTHORN_KEYD_TLS_SIGNER_H
#define POSTHORN_KEYD_TLS_SIGNER_H

#include "lib/sys/keeper.h"

struct tls_signers;

/* Opens the key files and forks the processes that read them; returns when they have. Exits with a
 * message when there is no key for the configured certificate. */
struct tls_signers *tls_signers_start(const struct daemon *d);
/* From here on the loop ends when they are gone. */
void tls_signers_watch(struct tls_signers *signers, struct loop *loop);
void tls_signers_free(struct tls_signers **signersp);

#endif
