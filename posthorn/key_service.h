/*
 * posthorn/key_service.h - does services.conf give keyd what it needs?
 */
#ifndef POSTHORN_POSTHORN_KEY_SERVICE_H
#define POSTHORN_POSTHORN_KEY_SERVICE_H

#include "lib/conf/services.h"

/* What is wrong and what to do, one line, or NULL: a services.conf of before keyd had the TLS keys
 * lacks a line, and keyd does not start. */
const char *key_service_trouble(const struct services *services);

#endif
