/*
 * accountd/senders.h - SENDERS: which domains have a sender address of system messages (QUE-16).
 */
#ifndef POSTHORN_ACCOUNTD_SENDERS_H
#define POSTHORN_ACCOUNTD_SENDERS_H

#include "accountd/server.h"

enum outcome senders_request(struct request *request);

#endif
