/*
 * lib/base/cidr.h - IP addresses as 16 bytes (IPv4 mapped into IPv6), and networks of them.
 */
#ifndef POSTHORN_LIB_BASE_CIDR_H
#define POSTHORN_LIB_BASE_CIDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/slice.h"

struct ip {
    unsigned char bytes[16];
};
struct cidr {
    struct ip net;
    unsigned bits; /* of the 128 */
};

/* 0, or -1: neither AF_INET nor AF_INET6. */
int ip_of_sockaddr(const struct sockaddr_storage *address, struct ip *out);
bool ip_is_v4(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip);
void ip_text(const struct ip *ip, char out[INET6_ADDRSTRLEN]); /* mapped ones as IPv4 */
struct ip ip_masked(const struct ip *ip, unsigned bits);       /* the rest is zero */

/* "192.0.2.1", "192.0.2.0/24", "192.0.2." (whole octets), "2001:db8::/32". 0, or -1: *out is
 * untouched. Bits behind the prefix must be zero. */
int cidr_parse(struct slice text, struct cidr *out);
/* Is there an address in both? */
bool cidr_overlap(const struct cidr *a, const struct cidr *b);
bool cidr_has(const struct cidr *net, const struct ip *ip);

#endif
