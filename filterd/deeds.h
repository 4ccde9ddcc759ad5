/*
 * filterd/deeds.h - what policy services want done to a message that is not there yet.
 */
#ifndef POSTHORN_FILTERD_DEEDS_H
#define POSTHORN_FILTERD_DEEDS_H

#include "filterd/message.h"
#include "filterd/policy_answer.h"

#define DEEDS_MAX 1000 /* for one message */

struct deeds {
    struct arena texts;
    struct deed {
        enum policy_action action;
        struct slice text;
    } * list;
    size_t count;
};

/* HOLD, PREPEND, REDIRECT or BCC; the same again is once. False: too many. */
bool deeds_add(struct deeds *deeds, enum policy_action action, struct slice text);
void deeds_apply(const struct deeds *deeds, struct message *m);
void deeds_clear(struct deeds *deeds);

#endif
