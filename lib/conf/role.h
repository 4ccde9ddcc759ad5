/*
 * lib/conf/role.h - the user behind a setting of [users]: a name from passwd, or "uid:gid".
 */
#ifndef POSTHORN_LIB_CONF_ROLE_H
#define POSTHORN_LIB_CONF_ROLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/conf/conf.h"

struct role {
    uid_t uid;
    gid_t gid; /* the primary group */
};

/* 0, or -1: there is no such user, or it is root, as which no service runs. */
int role_find(const struct conf *conf, enum conf_id user, struct role *out);

/* The next setting of [users], from *id on, for which role_find() fails; false: there is none. A
 * user of a service that came later (alertd) may be missing where nothing names it. */
bool role_find_bad(const struct conf *conf, int *id);

#endif
