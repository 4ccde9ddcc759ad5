/*
 * lib/oper/sessions.h - who is connected to the services of an instance, and that they go.
 *
 * The tables may have been written by a session that was taken over: they are shown, and whoever is
 * to be ended has to be a process below our master.
 */
#ifndef POSTHORN_LIB_OPER_SESSIONS_H
#define POSTHORN_LIB_OPER_SESSIONS_H

#include "lib/conf/instance.h"
#include "lib/ipc/object.h"

struct sessions_wanted {
    const char *service, *user, *client; /* NULL or "" counts for all */
    struct slice sessions;               /* ids, separated by spaces; empty: all */
};

/* Runs each() for those that are wanted, with fields of kind "connection" (lib/oper/kinds.def),
 * borrowed for the call. 0, or -1 with errno: there are no tables. */
int sessions_each(const struct instance *inst, const struct sessions_wanted *wanted,
                  void (*each)(void *arg, const struct object_field *fields, uint32_t count),
                  void *arg);
/* Tells them to end. *ended: how many were told. 0, or -1 with errno. */
int sessions_end(const struct instance *inst, const struct sessions_wanted *wanted,
                 unsigned *ended);

#endif
