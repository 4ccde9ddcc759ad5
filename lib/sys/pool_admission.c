/*
 * lib/sys/pool_admission.c - a port's limits and lists. Reads the configuration alone.
 */
#include "lib/sys/pool_admission.h"

#define RESERVED_PART 4 /* where clients are screened, one place of so many is for known ones */

struct admission *
pool_admission(const struct daemon *d, const struct pool_ops *ops, const struct pool_port *port)
{
    unsigned clients_max = (unsigned)conf_u64(d->conf, port->clients_max);
    const struct admission_limits local = {.clients_max = clients_max};
    const struct admission_limits limits = {
        .clients_max = clients_max,
        .listed_only = port->listed_only,
        .reserved = ops->screening == NULL ? 0 : clients_max / RESERVED_PART,
        .per_address_max = (unsigned)conf_u64(d->conf, port->per_address_max),
        .per_minute_max = (unsigned)conf_u64(d->conf, port->per_minute_max),
        .known_ms = ops->screening == NULL ? 0 : ops->screening->known_ms,
    };

    if (port->local)
        return admission_new(&local, (struct networks){0}, (struct networks){0},
                             (struct networks){0});
    return admission_new(&limits, networks_of(d->conf, port->allow),
                         networks_of(d->conf, port->deny), networks_of(d->conf, port->unlimited));
}

enum conf_id
pool_admission_setting(const struct pool_port *port, enum admission_verdict verdict)
{
    switch (verdict) {
    case ADMISSION_OK:
        break;
    case ADMISSION_DENIED:
        return port->deny;
    case ADMISSION_NOT_ALLOWED:
        return port->allow;
    case ADMISSION_FULL:
        return port->clients_max;
    case ADMISSION_ADDRESS_BUSY:
        return port->per_address_max;
    case ADMISSION_TOO_FAST:
        return port->per_minute_max;
    }
    return CONF_NO_SETTING;
}
