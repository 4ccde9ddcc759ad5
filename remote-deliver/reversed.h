/*
 * remote-deliver/reversed.h - the connection of a customer who fetches mail (ATRN, RFC 2645): made
 * by the other side, which is the server now.
 */
#ifndef POSTHORN_REMOTE_DELIVER_REVERSED_H
#define POSTHORN_REMOTE_DELIVER_REVERSED_H

#include "lib/ipc/queue_manager.h"
#include "lib/remote/remote_settings.h"

struct reversed {               /* zeroed: there is none */
    uint64_t number;            /* 0: none */
    struct smtp_client *client; /* NULL: it is lost, */
    struct smtp_verdict why;    /* by this */
};

/* Takes `fd` over: waits for the customer's greeting and says EHLO. One of before is ended. */
void reversed_begin(struct reversed *r, const struct remote_settings *settings,
                    const struct queue_connection *connection, int fd);
/* The client on connection `number`, which takes another message. NULL with *why. */
struct smtp_client *reversed_client(struct reversed *r, uint64_t number, struct smtp_verdict *why);
/* QUIT, if it is still there. */
void reversed_end(struct reversed *r);

#endif
