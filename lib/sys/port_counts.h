/*
 * lib/sys/port_counts.h - counters for each kind of port of a service: "port_connections.smtps".
 */
#ifndef POSTHORN_LIB_SYS_PORT_COUNTS_H
#define POSTHORN_LIB_SYS_PORT_COUNTS_H

#include "lib/sys/stats.h"

#define PORT_CONNECTIONS "port_connections" /* the name before the dot */

/* What every port has. */
struct port_counts {
    _Atomic uint64_t *connections;    /* everybody who came */
    _Atomic uint64_t *failed;         /* of these: sent away by the parent, or no TLS came about */
    _Atomic uint64_t *login_failures; /* logins on it */
};

void port_counts_open(struct port_counts *counts, struct stats *stats, const char *label);

#endif
