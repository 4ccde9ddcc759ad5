/*
 * keyd/tls_expiry.h - tells the log of certificates that are about to expire, at the start and then
 * daily.
 */
#ifndef POSTHORN_KEYD_TLS_EXPIRY_H
#define POSTHORN_KEYD_TLS_EXPIRY_H

#include "lib/sys/daemon.h"

struct tls_expiry;

/* Reads the certificates: before the sandbox. */
struct tls_expiry *tls_expiry_watch(const struct daemon *d);
void tls_expiry_free(struct tls_expiry **expiryp);

#endif
