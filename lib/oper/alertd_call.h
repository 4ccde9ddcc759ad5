/*
 * lib/oper/alertd_call.h - one question to alertd, as root or the suite's owner.
 */
#ifndef POSTHORN_LIB_OPER_ALERTD_CALL_H
#define POSTHORN_LIB_OPER_ALERTD_CALL_H

#include "lib/conf/instance.h"
#include "lib/ipc/alertd.h"

struct alertd_call;

/* Waits at most `timeout_ms`. The reply is borrowed from what is returned: alertd_call_free().
 * NULL: alertd does not answer. */
struct alertd_call *alertd_call_ask(const struct instance *inst, struct strbuf *request,
                                    int timeout_ms, struct alertd_reply *reply);
void alertd_call_free(struct alertd_call **callp);

#endif
