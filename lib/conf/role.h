/*
 * lib/conf/role.h - the user behind a setting of [users]: a name from passwd, or "uid:gid".
 */
#ifndef POSTHORN_LIB_CONF_ROLE_H
#define POSTHORN_LIB_CONF_ROLE_H

#include <sys/types.h>

#include "lib/conf/conf.h"

struct role {
    uid_t uid;
    gid_t gid; /* the primary group */
};

/* 0, or -1: there is no such user. */
int role_find(const struct conf *conf, enum conf_id user, struct role *out);

#endif
