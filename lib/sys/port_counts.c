/*
 * lib/sys/port_counts.c - makes the counters of a port.
 */
#include "lib/sys/port_counts.h"

void
port_counts_open(struct port_counts *counts, struct stats *stats, const char *label)
{
    counts->connections = stats_counter_of(stats, PORT_CONNECTIONS, label);
    counts->failed = stats_counter_of(stats, "port_connections_failed", label);
    counts->login_failures = stats_counter_of(stats, "port_login_failures", label);
}
