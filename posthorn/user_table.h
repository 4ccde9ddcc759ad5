/*
 * posthorn/user_table.h - users as a table of text, in and out, and changes of many at once (DIR-42
 * to DIR-45).
 */
#ifndef POSTHORN_POSTHORN_USER_TABLE_H
#define POSTHORN_POSTHORN_USER_TABLE_H

#include "posthorn/command.h"

/* `user import`, `user export` and `user update`: whole verbs. */
int user_import(struct cli *cli, int argc, char **argv);
int user_export(struct cli *cli, int argc, char **argv);
int user_update(struct cli *cli, int argc, char **argv);

#endif
