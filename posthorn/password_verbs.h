/*
 * posthorn/password_verbs.h - verbs of `password` that have a file of their own.
 */
#ifndef POSTHORN_POSTHORN_PASSWORD_VERBS_H
#define POSTHORN_POSTHORN_PASSWORD_VERBS_H

#include "posthorn/command.h"

int password_seal(struct cli *cli, int argc, char **argv);
int password_rotate(struct cli *cli, int argc, char **argv);

#endif
