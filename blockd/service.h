/*
 * blockd/service.h - run/block.sock: authd tells the list, and the firewall follows it.
 */
#ifndef POSTHORN_BLOCKD_SERVICE_H
#define POSTHORN_BLOCKD_SERVICE_H

#include "blockd/firewall.h"
#include "lib/sys/daemon.h"

struct service;

/* `firewall`: borrowed; NULL: guess.firewall is off, and nobody's list is taken. Exits with a
 * message if master gave us no socket. */
struct service *service_listen(struct daemon *d, struct firewall *firewall);
/* Has this process made the table? Then it is its own to take out. */
bool service_has_built(const struct service *service);
void service_close(struct service **servicep);

#endif
