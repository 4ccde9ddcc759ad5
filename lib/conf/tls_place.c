/*
 * lib/conf/tls_place.c - where certificates and their keys are. No I/O.
 */
#include "lib/conf/tls_place.h"

#include "lib/base/mem.h"

char *
tls_place(const struct conf *conf, const struct instance *inst, enum conf_id id)
{
    const char *name = conf_str(conf, id);

    return name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", inst->etc, name);
}
