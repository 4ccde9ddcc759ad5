/*
 * posthorn/cert_activate.h - puts a certificate of the list in use.
 */
#ifndef POSTHORN_POSTHORN_CERT_ACTIVATE_H
#define POSTHORN_POSTHORN_CERT_ACTIVATE_H

#include "posthorn/cert_place.h"

/* For all clients, or for those that ask for one of its names. CLI_OK, or CLI_FAILED after the
 * message: it does not fit together, or the services did not take it; then nothing has changed. */
int cert_activate_entry(struct cert_place *place, const struct cert_entry *entry, bool by_host);

#endif
