/*
 * accountd/sync.h - SYNC: operations of syncd, on domains that are synchronised with a directory.
 */
#ifndef POSTHORN_ACCOUNTD_SYNC_H
#define POSTHORN_ACCOUNTD_SYNC_H

#include "accountd/server.h"

enum outcome sync_request(struct request *request);

#endif
