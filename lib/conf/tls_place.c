/*
 * lib/conf/tls_place.c - where certificates and their keys are. No I/O.
 */
#include "lib/conf/tls_place.h"

#include <string.h>

#include "lib/base/mem.h"

char *
tls_place(const struct conf *conf, const struct instance *inst, enum conf_id id)
{
    const char *name = conf_str(conf, id);

    return instance_etc_path(inst, name);
}

char *
tls_place_listed(const struct instance *inst, const char *name, const char *ending)
{
    return xasprintf("%s/" TLS_PLACE_DIR "/%s.%s", inst->etc, name, ending);
}

bool
tls_place_is_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strlen(name) <= TLS_PLACE_NAME_MAX &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0';
}
