/*
 * posthorn/user_verbs.h - verbs of `posthorn user` that have a file of their own.
 */
#ifndef POSTHORN_POSTHORN_USER_VERBS_H
#define POSTHORN_POSTHORN_USER_VERBS_H

#include "posthorn/command.h"

#define USER_CODE_SYNOPSIS                                                                         \
    "create ADDRESS [PROPERTY=VALUE...] | list [ADDRESS] | revoke ADDRESS ID [--json]"

#define USER_RECENT_SYNOPSIS                                                                       \
    "ADDRESS [--sent | --received | --deleted | --access] [--export FILE [--force]] [--json]"

int user_code(struct cli *cli, int argc, char **argv);
int user_recent(struct cli *cli, int argc, char **argv);

#endif
