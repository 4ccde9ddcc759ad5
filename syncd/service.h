/*
 * syncd/service.h - when which domain is synchronised: by hand, and by its interval.
 */
#ifndef POSTHORN_SYNCD_SERVICE_H
#define POSTHORN_SYNCD_SERVICE_H

#include "lib/sys/one_shot.h"
#include "syncd/fetch.h"

struct service;

struct service_options {
    struct one_shot_options fetcher, changer; /* the children: one reads the directory, and one asks
                                                 accountd */
    struct fetch_options fetch;
};

/* Listens on the socket that master gave; exits with a message if there is none. `options` is
 * borrowed. */
struct service *service_start(struct daemon *d, const struct service_options *options);
void service_stop(struct service **servicep);

#endif
