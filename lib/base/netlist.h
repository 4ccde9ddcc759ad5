/*
 * lib/base/netlist.h - a list of IP addresses and networks, and whether an address is in it.
 */
#ifndef POSTHORN_LIB_BASE_NETLIST_H
#define POSTHORN_LIB_BASE_NETLIST_H

#include <stdint.h>

#include "lib/base/slice.h"

struct netlist_entry {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;     /* of the prefix, 0 to 128 */
};

struct netlist {
    struct netlist_entry *entries;
    size_t count;
};

/* Adds "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". 0, or -1: neither address nor network, or
 * bits set behind the prefix. */
int netlist_add(struct netlist *list, struct slice text);
bool netlist_has(const struct netlist *list, const char *ip);
void netlist_free(struct netlist *list);

#endif
