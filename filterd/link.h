/*
 * filterd/link.h - a connection of ours to a milter or policy service, inside the event loop.
 *
 * Nothing blocks. What is sent waits in memory up to LINK_OUTPUT_MAX; the caller sends more when
 * drained() says so. After broken() the link is dead and is only to be closed.
 */
#ifndef POSTHORN_FILTERD_LINK_H
#define POSTHORN_FILTERD_LINK_H

#include "filterd/endpoint.h"
#include "lib/base/strbuf.h"
#include "lib/sys/loop.h"

#define LINK_OUTPUT_MAX (1u << 20) /* bytes */
#define LINK_INPUT_MAX (256u << 10)

struct link;

/* Callbacks may close the link. */
struct link_ops {
    /* The connection stands (or was given up: broken). */
    void (*connected)(void *arg);
    /* All that has come and is not yet taken; what remains of *input comes again with more. */
    void (*input)(void *arg, struct slice *input);
    void (*drained)(void *arg); /* all that was sent is on its way */
    /* Refused, closed by the other side, an error, or the deadline has passed. */
    void (*broken)(void *arg, const char *why);
};

/* Begins to connect; connected() or broken() follows from the loop, never from inside. `endpoint`
 * and `ops` are borrowed. */
struct link *link_new(struct loop *loop, const struct endpoint *endpoint,
                      const struct link_ops *ops, void *arg);
/* Within this time from now something has to be reached, else broken(). 0: none. */
void link_deadline(struct link *link, uint64_t in_ms);
/* Appends what is finished in `bytes` and clears it. False: over LINK_OUTPUT_MAX. */
bool link_send(struct link *link, struct strbuf *bytes);
size_t link_waiting(const struct link *link); /* bytes not yet sent */
/* Sends what the socket takes at once and closes. NULL is fine. */
void link_close(struct link **linkp);

#endif
