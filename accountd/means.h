/*
 * accountd/means.h - what proves who a user is besides the password record.
 */
#ifndef POSTHORN_ACCOUNTD_MEANS_H
#define POSTHORN_ACCOUNTD_MEANS_H

#include "accountd/server.h"

/* Is there more than the record for authd to ask for? */
bool means_more(struct server *server, const struct account_hit *hit);
enum outcome means_request(struct request *request);
enum outcome means_code_used(struct request *request);

#endif
