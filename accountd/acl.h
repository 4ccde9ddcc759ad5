/*
 * accountd/acl.h - ACL: what users share with each other.
 */
#ifndef POSTHORN_ACCOUNTD_ACL_H
#define POSTHORN_ACCOUNTD_ACL_H

#include "accountd/server.h"

enum outcome acl_request(struct request *request);

#endif
