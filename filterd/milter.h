/*
 * filterd/milter.h - one session's conversation with one milter.
 *
 * It connects when it is first asked, tells the milter what it has missed (a milter that failed is
 * tried again with the next MAIL), and follows what was negotiated. Whatever the milter does, each
 * question is answered within its time: by the milter, or by the endpoint's default action.
 */
#ifndef POSTHORN_FILTERD_MILTER_H
#define POSTHORN_FILTERD_MILTER_H

#include "filterd/endpoint.h"
#include "filterd/facts.h"
#include "filterd/message.h"
#include "filterd/outcome.h"
#include "lib/sys/loop.h"

struct milter;

enum stage {
    STAGE_CONNECT,
    STAGE_HELO,
    STAGE_UNKNOWN,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA,
    STAGE_CONTENT
};

/* `endpoint`, `facts` and `memory` are borrowed. Connects later. */
struct milter *milter_new(struct loop *loop, struct endpoint *endpoint, const struct facts *facts,
                          struct body_memory *memory);
void milter_free(struct milter **mp); /* says QUIT */

/* Asks about a stage; the facts tell the rest. `message`: with STAGE_CONTENT, which the milter may
 * change. True: *out is the answer. False: answered() gets it later, from the loop. */
bool milter_ask(struct milter *m, enum stage stage, struct message *message,
                void (*answered)(void *arg, const struct outcome *outcome), void *arg,
                struct outcome *out);
/* The transaction is over. */
void milter_reset(struct milter *m);
/* Does it want to be told of recipients that were refused already? */
bool milter_wants_rejected(const struct milter *m);
/* It failed in this transaction and its default action is to quarantine: why. NULL: no. */
const char *milter_hold_reason(const struct milter *m);

#endif
