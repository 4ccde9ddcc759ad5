/*
 * filterd/client_name.h - the client's name by DNS: what its address leads to, and whether that
 * leads back (RFC 8601 section 2.7.3 calls this iprev).
 */
#ifndef POSTHORN_FILTERD_CLIENT_NAME_H
#define POSTHORN_FILTERD_CLIENT_NAME_H

#include "lib/base/slice.h"
#include "lib/ipc/peer.h"

struct client_name;

/* Asks dnsd. found() runs once, from the loop: `reverse` is the first name of the address, `name`
 * the same if it has that address; each empty if not, or not in time. */
struct client_name *
client_name_find(struct ipc_async *dns, struct slice ip,
                 void (*found)(void *arg, struct slice name, struct slice reverse), void *arg);
/* found() will not run. NULL is fine. */
void client_name_cancel(struct client_name **lookupp);

#endif
