/*
 * posthorn/store_commands.h - the verbs of `posthorn store`, one file each.
 */
#ifndef POSTHORN_POSTHORN_STORE_COMMANDS_H
#define POSTHORN_POSTHORN_STORE_COMMANDS_H

#include "posthorn/command.h"

int store_cmd_check(struct cli *cli, int argc, char **argv);
int store_cmd_undelete(struct cli *cli, int argc, char **argv);
int store_cmd_export(struct cli *cli, int argc, char **argv);
int store_cmd_import(struct cli *cli, int argc, char **argv);
int store_cmd_empty(struct cli *cli, int argc, char **argv);
int store_cmd_move(struct cli *cli, int argc, char **argv);
int store_cmd_dirs(struct cli *cli, int argc, char **argv);
int store_cmd_recount(struct cli *cli, int argc, char **argv);

#endif
