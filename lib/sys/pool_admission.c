/*
 * lib/sys/pool_admission.c - a pool's limits and lists. Reads the configuration alone.
 */
#include "lib/sys/pool_admission.h"

#include "lib/base/mem.h"

static struct admission_list
list_of_setting(const struct daemon *d, enum conf_id id)
{
    size_t count = id == 0 ? 0 : conf_list_count(d->conf, id);
    struct cidr *items = count == 0 ? NULL : xcalloc(count, sizeof(*items));

    for (size_t i = 0; i < count; i++) /* the table has looked at them */
        assert_always(cidr_parse(slice_of(conf_list_item(d->conf, id, i)), &items[i]) == 0);
    return (struct admission_list){.items = items, .count = count};
}

struct admission *
pool_admission(const struct daemon *d, const struct pool_ops *ops)
{
    const struct admission_limits limits = {
        .clients_max = ops->clients_max,
        .per_address_max = ops->per_address_max,
        .per_minute_max = ops->per_minute_max,
    };

    return admission_new(&limits, list_of_setting(d, ops->allow), list_of_setting(d, ops->deny),
                         list_of_setting(d, ops->unlimited));
}
