/*
 * accountd/greetings.h - new mailboxes that are to be greeted, until alertd has done it.
 */
#ifndef POSTHORN_ACCOUNTD_GREETINGS_H
#define POSTHORN_ACCOUNTD_GREETINGS_H

#include "accountd/server.h"

/* At the start: without account.welcome nobody waits any more. */
void greetings_start(struct server *server);
/* Within the transaction that has made the mailbox `name`. 0, or -1 with errno. */
int greetings_add(struct server *server, struct slice name);
enum outcome greetings_request(struct request *request);

#endif
