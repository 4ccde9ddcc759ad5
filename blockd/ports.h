/*
 * blockd/ports.h - the TCP ports at which a blocked address has nothing to look for.
 *
 * Of the services' ports those where nothing happens without a login. Port 25 is not among them: a
 * blocked address may hand in mail there (authd(8)), nor are the ports for certificates and
 * figures, which know no login. Of a service that does not start with the suite the port may be
 * another program's: it is left alone.
 */
#ifndef POSTHORN_BLOCKD_PORTS_H
#define POSTHORN_BLOCKD_PORTS_H

#include "lib/conf/services.h"

#define PORTS_MAX ((size_t)SERVICES_MAX * SERVICE_LISTENS_MAX)

struct ports {
    uint16_t logins[PORTS_MAX], admins[PORTS_MAX]; /* each once */
    size_t login_count, admin_count;
};

/* What lies above 65535 with system.port_offset is left out. */
void ports_find(struct ports *ports, const struct services *services, const struct conf *conf);

#endif
