/*
 * lib/conf/networks.c - a setting that lists addresses and networks.
 */
#include "lib/conf/networks.h"

#include "lib/base/mem.h"

struct conf_networks
conf_networks_load(const struct conf *conf, enum conf_id id)
{
    struct conf_networks networks = {.count = conf_list_count(conf, id)};

    networks.items = xcalloc(networks.count + 1, sizeof(*networks.items));
    for (size_t i = 0; i < networks.count; i++) /* the table has looked at them */
        assert_always(cidr_parse(slice_of(conf_list_item(conf, id, i)), &networks.items[i]) == 0);
    return networks;
}

bool
conf_networks_have(const struct conf_networks *networks, struct slice ip)
{
    struct cidr one; /* an address is a network of all its bits */

    if (cidr_parse(ip, &one) < 0)
        return false;
    for (size_t i = 0; i < networks->count; i++)
        if (cidr_has(&networks->items[i], &one.net))
            return true;
    return false;
}
