/*
 * keyd/signer.h - the holder's side: gives messages to readers, signs the digests that come back.
 */
#ifndef POSTHORN_KEYD_SIGNER_H
#define POSTHORN_KEYD_SIGNER_H

#include "keyd/keys.h"
#include "lib/ipc/keyd.h"
#include "lib/sys/loop.h"

struct signer;

/* `fds` are the readers' sockets (owned from here on), `keys` is borrowed. `own_domain_only` as in
 * keyd/reader.h: the holder holds the readers to it. */
struct signer *signer_new(struct loop *loop, const int *fds, unsigned width,
                          const struct keys *keys, bool own_domain_only);
void signer_free(struct signer **signerp); /* runs no done() any more */

/* done() runs exactly once, perhaps before this returns; its argument is borrowed. `request` is
 * copied, `fd` duplicated. */
void signer_sign(struct signer *signer, const struct keyd_sign *request, int fd,
                 void (*done)(void *arg, const struct keyd_signed *answer), void *arg);

#endif
