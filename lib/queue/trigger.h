/*
 * lib/queue/trigger.h - what goes through the FIFO queue/trigger to the queue manager.
 *
 * Any byte says "look into new/". One write of '<', a domain and '>' says besides: what waits for
 * that domain is to be tried now (ETRN). Writers see nothing of the queue. Everybody on the machine
 * may write: the reader takes what makes sense and needs no trust.
 */
#ifndef POSTHORN_LIB_QUEUE_TRIGGER_H
#define POSTHORN_LIB_QUEUE_TRIGGER_H

#include "lib/base/slice.h"

#define TRIGGER_DOMAIN_MAX 255 /* bytes (RFC 5321 section 4.5.3.1.2) */

/* Asks, without waiting. 0, or -1 with errno: EINVAL, no domain that can be asked for; EAGAIN, the
 * FIFO is full; or another of write(). */
int trigger_ask(int fd, struct slice domain);

struct trigger_reader { /* zeroed: nothing read yet */
    char domain[TRIGGER_DOMAIN_MAX];
    size_t len;
    bool inside; /* behind a '<' */
};
/* Takes the next bytes, and calls `asked` for each domain that ends in them. */
void trigger_read(struct trigger_reader *reader, struct slice bytes,
                  void (*asked)(void *arg, struct slice domain), void *arg);

#endif
