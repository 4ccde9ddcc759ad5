/*
 * filterd/policy_answer.h - the answer of a policy service: an action of Postfix's access(5).
 */
#ifndef POSTHORN_FILTERD_POLICY_ANSWER_H
#define POSTHORN_FILTERD_POLICY_ANSWER_H

#include "filterd/outcome.h"

#define POLICY_ANSWER_MAX 8192 /* bytes with the empty line */

enum policy_action {
    POLICY_DUNNO,
    POLICY_OK,     /* no other service is asked */
    POLICY_REFUSE, /* outcome */
    POLICY_DEFER_IF_PERMIT,
    POLICY_DEFER_IF_REJECT,
    POLICY_DISCARD,
    POLICY_HOLD,     /* text: why */
    POLICY_PREPEND,  /* text: "Name: value" */
    POLICY_REDIRECT, /* text: an address */
    POLICY_BCC,      /* the same */
    POLICY_WARN,     /* text: for the log */
    POLICY_UNKNOWN,  /* not supported; text: the action. Counts as DUNNO */
};

struct policy_answer {
    enum policy_action action;
    struct outcome outcome;
    struct slice text; /* borrows from the answer */
};

/* Length of the answer at the front of `input`, with its empty line; 0: not yet whole. */
size_t policy_answer_len(struct slice input);
/* A whole answer. 0, or -1: no action in it. */
int policy_answer_parse(struct slice lines, struct policy_answer *out);

#endif
