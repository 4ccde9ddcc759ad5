/*
 * stsd/service.h - run/sts.sock: questions in, policies out; starts what is to be fetched, and
 * takes TLS outcomes in.
 */
#ifndef POSTHORN_STSD_SERVICE_H
#define POSTHORN_STSD_SERVICE_H

#include "stsd/cache.h"
#include "stsd/fetch.h"
#include "stsd/reporter.h"

struct service;

/* Answers processes of `asking_uid`. Exits with a message if master gave us no socket. Everything
 * is borrowed. */
struct service *service_start(struct daemon *d, struct cache *cache,
                              const struct fetch_options *options, struct reporter *reporter,
                              uid_t asking_uid);
/* Ends the fetching; whoever waits gets no answer but the end of the connection. */
void service_stop(struct service **servicep);

#endif
