/*
 * posthorn/admin_passwords.h - passwords of administrators that were written by hand, for who has
 * lost them all (ADM-14): db/admin.passwords, a line 'NAME PASSWORD' for each.
 */
#ifndef POSTHORN_POSTHORN_ADMIN_PASSWORDS_H
#define POSTHORN_POSTHORN_ADMIN_PASSWORDS_H

#include "posthorn/command.h"

#define ADMIN_PASSWORDS_FILE "admin.passwords"

/* Before the suite starts: sets them, hashed, and takes the lines out of the file; the last one
 * takes the file along. What is wrong is told with its line and stays there. */
void admin_passwords_take(struct cli *cli);

#endif
