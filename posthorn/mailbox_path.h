/*
 * posthorn/mailbox_path.h - the property that fixes in which storage directory a mailbox is.
 *
 * accountd cannot see the store; the command line can, and refuses here what would fail later.
 */
#ifndef POSTHORN_POSTHORN_MAILBOX_PATH_H
#define POSTHORN_POSTHORN_MAILBOX_PATH_H

#include "lib/account/schema.h"
#include "lib/ipc/object.h"
#include "posthorn/command.h"

/* Before `fields` are given to accountd: is the directory that they name there, and the mailbox of
 * `name`, if it has been made, in it? CLI_OK, also if they name none; CLI_FAILED after the message.
 */
int mailbox_path_check(struct cli *cli, enum account_kind kind, const char *name,
                       const struct object_field *fields, uint32_t count);
/* The mailbox was moved to the directory `id`: the property says so from now on. As above. */
int mailbox_path_set(struct cli *cli, const char *address, const char *id);

#endif
