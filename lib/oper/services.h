/*
 * lib/oper/services.h - master's answer about the services, completed: objects of kind "service"
 * (lib/oper/kinds.def).
 */
#ifndef POSTHORN_LIB_OPER_SERVICES_H
#define POSTHORN_LIB_OPER_SERVICES_H

#include "lib/conf/instance.h"
#include "lib/ipc/object.h"

struct service_reader {
    /* Fields are borrowed for the call. */
    void (*use)(void *arg, const struct object_field *fields, uint32_t count);
    void *arg;
};

/* `data`: of the reply to "status". 0, or -1: it is damaged. */
int services_each(const struct instance *inst, struct slice data,
                  const struct service_reader *reader);

#endif
