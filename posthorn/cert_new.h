/*
 * posthorn/cert_new.h - verbs of `posthorn cert` that put something into the list: request,
 * self-signed, import.
 */
#ifndef POSTHORN_POSTHORN_CERT_NEW_H
#define POSTHORN_POSTHORN_CERT_NEW_H

#include "posthorn/cert_place.h"

int cert_new_request(struct cli *cli, int argc, char **argv);
int cert_new_self_signed(struct cli *cli, int argc, char **argv);
int cert_new_import(struct cli *cli, int argc, char **argv);

/* The key and the request of a new entry, for those host names, without "*". CLI_OK, or CLI_FAILED
 * after the message. */
int cert_new_for_acme(struct cert_place *place, const struct cert_entry *entry,
                      const char *key_type, int argc, char **argv);

#endif
