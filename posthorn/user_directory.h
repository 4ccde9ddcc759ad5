/*
 * posthorn/user_directory.h - mailboxes for the users of a directory elsewhere (DIR-43).
 */
#ifndef POSTHORN_POSTHORN_USER_DIRECTORY_H
#define POSTHORN_POSTHORN_USER_DIRECTORY_H

#include "posthorn/command.h"

#define USER_IMPORT_DIRECTORY_SYNOPSIS                                                             \
    "URL --domain DOMAIN [--layout ldap|ad] [--account NAME --account-password-file FILE] "        \
    "[--filter FILTER] [--map LIST] [--ca FILE] [--only NAME]... "                                 \
    "[--random-password | --password-file FILE] [--json]"

int user_import_directory(struct cli *cli, int argc, char **argv);

#endif
