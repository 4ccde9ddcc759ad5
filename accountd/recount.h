/*
 * accountd/recount.h - has a mailbox counted again by local-deliver and tells who asked.
 */
#ifndef POSTHORN_ACCOUNTD_RECOUNT_H
#define POSTHORN_ACCOUNTD_RECOUNT_H

#include "accountd/server.h"

/* The mailbox `address` (canonical). The request gets its ADMIN reply when the count is there: an
 * object with address, used_bytes and used_messages. Needs server->store. */
void recount_begin(const struct request *request, struct slice address);

#endif
