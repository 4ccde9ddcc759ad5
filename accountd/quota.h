/*
 * accountd/quota.h - QUOTA: administrators set quotas from their own mailbox.
 */
#ifndef POSTHORN_ACCOUNTD_QUOTA_H
#define POSTHORN_ACCOUNTD_QUOTA_H

#include "accountd/server.h"

enum outcome quota_request(struct request *request);

#endif
