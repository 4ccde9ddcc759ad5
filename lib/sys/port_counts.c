/*
 * lib/sys/port_counts.c - makes the counters of a port.
 */
#include "lib/sys/port_counts.h"

#include <stdio.h>

_Atomic uint64_t *
port_counter(struct stats *stats, const char *name, const char *label)
{
    char full[STATS_NAME_MAX + 1];

    (void)snprintf(full, sizeof(full), "%s.%s", name, label); /* names of ours: they fit */
    return stats_counter(stats, full);
}

void
port_counts_open(struct port_counts *counts, struct stats *stats, const char *label)
{
    counts->connections = port_counter(stats, PORT_CONNECTIONS, label);
    counts->failed = port_counter(stats, "port_connections_failed", label);
    counts->login_failures = port_counter(stats, "port_login_failures", label);
}
