/*
 * lib/oper/sync_call.h - one question to syncd, as root or the suite's owner.
 */
#ifndef POSTHORN_LIB_OPER_SYNC_CALL_H
#define POSTHORN_LIB_OPER_SYNC_CALL_H

#include "lib/conf/instance.h"
#include "lib/ipc/sync.h"

struct sync_call;

/* Waits at most `timeout_ms`. The answer goes into *reply (of RUN and START) or *report (of
 * REPORT); the other one is NULL. It is borrowed from what is returned: sync_call_free(). NULL:
 * syncd does not answer. */
struct sync_call *sync_call_ask(const struct instance *inst, struct strbuf *request, int timeout_ms,
                                struct sync_reply *reply, struct sync_report *report);
void sync_call_free(struct sync_call **callp);

#endif
