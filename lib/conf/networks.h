/*
 * lib/conf/networks.h - a setting that lists addresses and networks, for asking whether it has one.
 */
#ifndef POSTHORN_LIB_CONF_NETWORKS_H
#define POSTHORN_LIB_CONF_NETWORKS_H

#include "lib/base/cidr.h"
#include "lib/conf/conf.h"

struct conf_networks {
    struct cidr *items; /* free() */
    size_t count;
};

/* `id` is of type CONF_NETWORKS or CONF_ADDRESSES. */
struct conf_networks conf_networks_load(const struct conf *conf, enum conf_id id);
/* False for what is no address, too. */
bool conf_networks_have(const struct conf_networks *networks, struct slice ip);

#endif
