/*
 * posthorn/cert_acme.h - `cert acme`: certificates that acmed has an authority sign.
 */
#ifndef POSTHORN_POSTHORN_CERT_ACME_H
#define POSTHORN_POSTHORN_CERT_ACME_H

#include "posthorn/command.h"

#define CERT_ACME_SYNOPSIS                                                                         \
    "status [--json] | request NAME HOST... [--key TYPE] [--activate | --by-host] [--no-wait] | "  \
    "renew NAME | revoke NAME [--reason REASON] | rollover"

int cert_acme(struct cli *cli, int argc, char **argv);

#endif
