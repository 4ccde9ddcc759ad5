/*
 * keyd/service.h - run/keyd.sock: messages to sign in, signatures out.
 */
#ifndef POSTHORN_KEYD_SERVICE_H
#define POSTHORN_KEYD_SERVICE_H

#include "keyd/signer.h"
#include "lib/sys/daemon.h"

struct service;

/* Exits with a message if master gave us no socket. `signer` and `keys` are borrowed. To be called
 * before the sandbox: it remembers who the suite's owner is. */
struct service *service_listen(const struct daemon *d, struct signer *signer, struct keys *keys);
void service_close(struct service **servicep);

#endif
