/*
 * posthorn/acme_service.h - does services.conf give acmed what ACME needs?
 */
#ifndef POSTHORN_POSTHORN_ACME_SERVICE_H
#define POSTHORN_POSTHORN_ACME_SERVICE_H

#include "lib/conf/services.h"

/* What is wrong and what to do, one line, or NULL; also where no authority is configured. */
const char *acme_service_trouble(const struct conf *conf, const struct services *services);
/* The port of the challenge, port_offset included; 0: acmed has none. */
uint16_t acme_service_port(const struct conf *conf, const struct services *services);

#endif
