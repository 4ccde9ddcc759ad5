/*
 * filterd/endpoint.h - where a milter or policy service listens, looked up once at the start.
 */
#ifndef POSTHORN_FILTERD_ENDPOINT_H
#define POSTHORN_FILTERD_ENDPOINT_H

#include <sys/socket.h>

#include "lib/conf/filter_spec.h"

struct endpoint {
    char name[128]; /* for the log */
    struct sockaddr_storage address;
    socklen_t len; /* 0: the name is not known */
    uint64_t connect_ms, command_ms, content_ms;
    enum filter_default action;
    unsigned whom, at;
    int64_t rests_until_ms; /* mono: could not be connected to; not tried before */
};

/* Asks the system's resolver for a host name: only before the sandbox. What cannot be found is
 * logged; connecting to it fails then. */
void endpoint_open(struct endpoint *endpoint, const struct filter_spec *spec);
/* A socket that is connected or on its way (EINPROGRESS is success). -1 with errno. */
int endpoint_connect(const struct endpoint *endpoint);

#endif
