/*
 * lib/oper/master_call.h - questions to the running master.
 */
#ifndef POSTHORN_LIB_OPER_MASTER_CALL_H
#define POSTHORN_LIB_OPER_MASTER_CALL_H

#include "lib/conf/instance.h"
#include "lib/ipc/master.h"

struct master_call;

/* A connection to the master of this instance; NULL with errno if there is none. */
struct master_call *master_call_new(const struct instance *inst);
void master_call_free(struct master_call **callp);
/* 0, or -1 with errno. The reply borrows until the next call. */
int master_call_ask(struct master_call *call, const char *verb, const char *name, int timeout_ms,
                    struct master_reply *reply);
/* Appends what master said, with the names of those who have the ports that it could not get. */
void master_call_name_holders(struct slice text, struct strbuf *out);

#endif
