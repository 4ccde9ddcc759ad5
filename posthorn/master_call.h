/*
 * posthorn/master_call.h - questions to the running master.
 */
#ifndef POSTHORN_POSTHORN_MASTER_CALL_H
#define POSTHORN_POSTHORN_MASTER_CALL_H

#include "lib/ipc/master.h"
#include "posthorn/command.h"

struct master_call;

/* A connection to the master of this instance; NULL with errno if there is none. */
struct master_call *master_call_new(const struct instance *inst);
void master_call_free(struct master_call **callp);
/* 0, or -1 with errno. The reply borrows until the next call. */
int master_call_ask(struct master_call *call, const char *verb, const char *name, int timeout_ms,
                    struct master_reply *reply);
/* Appends what master said, with the names of those who have the ports that it could not get. */
void master_call_name_holders(struct slice text, struct strbuf *out);
/* Says, from the errno of master_call_new, why there is no connection. Returns CLI_FAILED. */
int master_call_complain(const struct cli *cli);

#endif
