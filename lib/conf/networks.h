/*
 * lib/conf/networks.h - a setting of IP addresses and networks, ready to look clients up in.
 */
#ifndef POSTHORN_LIB_CONF_NETWORKS_H
#define POSTHORN_LIB_CONF_NETWORKS_H

#include "lib/base/cidr.h"
#include "lib/conf/conf.h"

struct networks {
    struct cidr *items;
    size_t count;
};

/* The value of a CONF_NETWORKS setting, in memory of its own. */
struct networks networks_of(const struct conf *conf, enum conf_id id);
void networks_free(struct networks *networks);
bool networks_have(const struct networks *networks, const struct ip *ip);
/* The same for an address as text; false where it is none. */
bool networks_have_text(const struct networks *networks, struct slice ip);

#endif
