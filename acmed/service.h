/*
 * acmed/service.h - which job is due when, and run/acme.sock.
 */
#ifndef POSTHORN_ACMED_SERVICE_H
#define POSTHORN_ACMED_SERVICE_H

#include "acmed/clerk.h"

struct service;

/* `options` and `list` are borrowed. `taken_ms`: real time at which the services have last loaded
 * their certificates. */
struct service *service_start(const struct clerk_options *options, struct managed_list *list,
                              int64_t taken_ms);
void service_stop(struct service **servicep);

#endif
