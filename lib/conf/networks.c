/*
 * lib/conf/networks.c - a setting of IP addresses and networks. Reads the configuration alone.
 */
#include "lib/conf/networks.h"

#include <stdlib.h>

#include "lib/base/mem.h"

struct networks
networks_of(const struct conf *conf, enum conf_id id)
{
    size_t count = conf_list_count(conf, id);
    struct cidr *items = count == 0 ? NULL : xcalloc(count, sizeof(*items));

    for (size_t i = 0; i < count; i++) /* the table has looked at them */
        assert_always(cidr_parse(slice_of(conf_list_item(conf, id, i)), &items[i]) == 0);
    return (struct networks){.items = items, .count = count};
}

void
networks_free(struct networks *networks)
{
    free(networks->items);
    *networks = (struct networks){0};
}

bool
networks_have(const struct networks *networks, const struct ip *ip)
{
    for (size_t i = 0; i < networks->count; i++)
        if (cidr_has(&networks->items[i], ip))
            return true;
    return false;
}

bool
networks_have_text(const struct networks *networks, struct slice ip)
{
    struct cidr one; /* an address is a network of all its bits */

    return cidr_parse(ip, &one) == 0 && networks_have(networks, &one.net);
}
