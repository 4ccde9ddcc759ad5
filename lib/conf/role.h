/*
 * lib/conf/role.h - the user behind a setting of [users]: a name from passwd, or "uid:gid".
 */
#ifndef POSTHORN_LIB_CONF_ROLE_H
#define POSTHORN_LIB_CONF_ROLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/conf/services.h"

struct role {
    uid_t uid;
    gid_t gid; /* the primary group */
};

/* Of a value of such a setting. 0, or -1: there is no such user, or it is root, as which no service
 * runs. */
int role_parse(const char *text, struct role *out);
int role_find(const struct conf *conf, enum conf_id user, struct role *out);

/* The next setting of [users], from *id on, for which role_find() fails; false: there is none. With
 * `services` (or NULL) those that no service has are left out: an installation of before lacks the
 * users of programs that it does not start. */
bool role_find_bad(const struct conf *conf, const struct services *services, int *id);

#endif
