/*
 * posthorn/admin_totp.h - `admin totp`: an administrator's authenticator.
 */
#ifndef POSTHORN_POSTHORN_ADMIN_TOTP_H
#define POSTHORN_POSTHORN_ADMIN_TOTP_H

#include "posthorn/command.h"

#define ADMIN_TOTP_SYNOPSIS "NAME [--confirm CODE | --clear] [--json]"
int admin_totp(struct cli *cli, int argc, char **argv);

#endif
