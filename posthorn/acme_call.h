/*
 * posthorn/acme_call.h - questions to acmed.
 */
#ifndef POSTHORN_POSTHORN_ACME_CALL_H
#define POSTHORN_POSTHORN_ACME_CALL_H

#include "lib/ipc/acmed.h"
#include "posthorn/command.h"

struct acme_call;

/* Connects at the first question. */
struct acme_call *acme_call_new(const struct instance *inst);
void acme_call_free(struct acme_call **callp);
/* 0, or -1 with errno. The reply borrows until the next call. */
int acme_call_ask(struct acme_call *call, const struct acmed_request *request, int timeout_ms,
                  struct acmed_reply *reply);

#endif
