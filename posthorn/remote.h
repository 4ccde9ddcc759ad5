/*
 * posthorn/remote.h - commands at a server elsewhere: the operations that they ask of accountd, and
 * those of lib/oper, as calls of the administrative API.
 */
#ifndef POSTHORN_POSTHORN_REMOTE_H
#define POSTHORN_POSTHORN_REMOTE_H

#include "lib/ipc/accountd.h"
#include "lib/oper/kinds.h"
#include "posthorn/api_profile.h"
#include "posthorn/command.h"

struct remote;

/* Takes the profile over. Connects with the first operation. */
struct remote *remote_new(const struct api_profile *profile);
void remote_free(struct remote **remotep);

/* One operation. The reply is borrowed until the next one; a refusal is an answer. CLI_OK, or
 * CLI_FAILED after the message: there was no answer, or the API has no such call. */
int remote_ask(struct cli *cli, const struct accountd_admin *request,
               struct accountd_admin_reply *reply);
/* The same, and a refusal is a failure with its text as the message. */
int remote_do(struct cli *cli, const struct accountd_admin *request,
              struct accountd_admin_reply *reply);
/* A verb on a kind of lib/oper/kinds.def whose answer has no content. */
int remote_order(struct cli *cli, enum oper_kind kind, const char *verb, const char *name);

/* The administrator's own password: the one that was logged in with becomes `password`. */
int remote_own_password(struct cli *cli, struct slice password);

/* Runs each() for all of a kind over all pages. CLI_OK, or an exit code after the message. */
int remote_each(struct cli *cli, enum oper_kind kind, const struct object_field *fields,
                uint32_t field_count,
                void (*each)(void *arg, const struct object_field *fields, uint32_t count),
                void *arg);

#endif
