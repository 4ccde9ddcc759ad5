/*
 * accountd/auto_reply.h - what a user's automatic reply says, and whether it is wanted (DIR-34).
 */
#ifndef POSTHORN_ACCOUNTD_AUTO_REPLY_H
#define POSTHORN_ACCOUNTD_AUTO_REPLY_H

#include "accountd/server.h"

enum outcome auto_reply_request(struct request *request); /* AUTO_REPLY */

#endif
