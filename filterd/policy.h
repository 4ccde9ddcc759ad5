/*
 * filterd/policy.h - one session's connection to one policy service.
 */
#ifndef POSTHORN_FILTERD_POLICY_H
#define POSTHORN_FILTERD_POLICY_H

#include "filterd/endpoint.h"
#include "filterd/facts.h"
#include "filterd/policy_answer.h"
#include "lib/sys/loop.h"

struct policy;

/* `endpoint` and `facts` are borrowed. Connects at the first question. */
struct policy *policy_new(struct loop *loop, struct endpoint *endpoint, const struct facts *facts);
void policy_free(struct policy **policyp);
/* Asks at RCPT (`at_data` false) or at the end of the data. answered() follows from the loop, with
 * the service's answer or its default action. */
void policy_ask(struct policy *policy, bool at_data,
                void (*answered)(void *arg, const struct policy_answer *answer), void *arg);

#endif
