/*
 * dnsd/service.h - run/dnsd.sock: questions of our programs in, answers out.
 */
#ifndef POSTHORN_DNSD_SERVICE_H
#define POSTHORN_DNSD_SERVICE_H

#include "dnsd/question.h"
#include "lib/sys/daemon.h"

struct service;

/* Exits with a message if master gave us no socket. `questions` is borrowed. */
struct service *service_listen(const struct daemon *d, struct questions *questions);
void service_close(struct service **servicep);

#endif
