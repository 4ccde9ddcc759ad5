/*
 * authd/client_address.c - what fairness and back-off need to know of a client's address.
 */
#include "authd/client_address.h"

#include <arpa/inet.h>
#include <string.h>

static uint64_t
be64(const unsigned char *bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

int
client_address_parse(struct slice ip, struct client_address *out)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;

    if (ip.len >= sizeof(text) || slice_index(ip, '\0') < ip.len)
        return -1;
    memcpy(text, ip.ptr, ip.len);
    text[ip.len] = '\0';
    if (inet_pton(AF_INET, text, &four) == 1) {
        /* no allocated IPv6 prefix begins with zeros: the two kinds cannot meet */
        *out = (struct client_address){.share = ntohl(four.s_addr),
                                       .loopback = ntohl(four.s_addr) >> 24 == 127};
        return 0;
    }
    if (inet_pton(AF_INET6, text, &six) != 1)
        return -1;
    /* a customer has a /64 at least: single addresses cost an attacker nothing */
    *out =
        (struct client_address){.share = be64(six.s6_addr), .loopback = IN6_IS_ADDR_LOOPBACK(&six)};
    return 0;
}
