/*
 * posthorn/cert_new.h - verbs of `posthorn cert` that put something into the list: request,
 * self-signed, import.
 */
#ifndef POSTHORN_POSTHORN_CERT_NEW_H
#define POSTHORN_POSTHORN_CERT_NEW_H

#include "posthorn/command.h"

int cert_new_request(struct cli *cli, int argc, char **argv);
int cert_new_self_signed(struct cli *cli, int argc, char **argv);
int cert_new_import(struct cli *cli, int argc, char **argv);

#endif
