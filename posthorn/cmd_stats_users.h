/*
 * posthorn/cmd_stats_users.h - `stats users`: how much the users of a domain sent and received.
 */
#ifndef POSTHORN_POSTHORN_CMD_STATS_USERS_H
#define POSTHORN_POSTHORN_CMD_STATS_USERS_H

#include "posthorn/command.h"

#define STATS_USERS_SYNOPSIS "users DOMAIN [--day DATE | --week DATE | --month DATE] [--json]"

/* argv[0] is behind "users". */
int stats_users(struct cli *cli, int argc, char **argv);

#endif
