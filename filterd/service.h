/*
 * filterd/service.h - run/filterd.sock: each connection is one SMTP session.
 */
#ifndef POSTHORN_FILTERD_SERVICE_H
#define POSTHORN_FILTERD_SERVICE_H

#include "filterd/filters.h"

struct service;

/* Exits with a message if master gave us no socket. `filters` is borrowed. */
struct service *service_listen(struct daemon *d, struct filters *filters);
void service_close(struct service **servicep);

#endif
