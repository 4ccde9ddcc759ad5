/*
 * lib/base/cidr.c - IP addresses as 16 bytes, and networks of them. No I/O.
 */
#include "lib/base/cidr.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/parse.h"

static const unsigned char v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static struct ip
map_v4(const void *four)
{
    struct ip ip;

    memcpy(ip.bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(ip.bytes + sizeof(v4_prefix), four, 4);
    return ip;
}

int
ip_of_sockaddr(const struct sockaddr_storage *address, struct ip *out)
{
    if (address->ss_family == AF_INET) {
        *out = map_v4(&((const struct sockaddr_in *)address)->sin_addr);
        return 0;
    }
    if (address->ss_family == AF_INET6) {
        memcpy(out->bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(out->bytes));
        return 0;
    }
    return -1;
}

bool
ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool
ip_is_loopback(const struct ip *ip)
{
    static const struct ip v6 = {{[15] = 1}};

    if (ip_is_v4(ip))
        return ip->bytes[12] == 127;
    return memcmp(ip, &v6, sizeof(v6)) == 0;
}

void
ip_text(const struct ip *ip, char out[INET6_ADDRSTRLEN])
{
    bool v4 = ip_is_v4(ip);

    /* cannot fail: the family is known and the room is enough */
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, ip->bytes + (v4 ? 12 : 0), out, INET6_ADDRSTRLEN);
}

struct ip
ip_masked(const struct ip *ip, unsigned bits)
{
    struct ip masked = {{0}};

    memcpy(masked.bytes, ip->bytes, bits / 8);
    if (bits % 8 != 0)
        masked.bytes[bits / 8] = (unsigned char)(ip->bytes[bits / 8] & (0xff00 >> (bits % 8)));
    return masked;
}

bool
cidr_has(const struct cidr *net, const struct ip *ip)
{
    struct ip masked = ip_masked(ip, net->bits);

    return memcmp(&masked, &net->net, sizeof(masked)) == 0;
}

bool
cidr_overlap(const struct cidr *a, const struct cidr *b)
{
    return cidr_has(a, &b->net) || cidr_has(b, &a->net);
}

/* "192.0.2.": one to three octets, each with its dot. */
static int
parse_octets(struct slice text, struct cidr *out)
{
    unsigned char four[4] = {0};
    unsigned count = 0;

    while (text.len > 0) {
        uint64_t octet;

        if (count == 3 || parse_u64(slice_split(&text, '.'), 255, &octet) < 0)
            return -1;
        four[count++] = (unsigned char)octet;
    }
    *out = (struct cidr){.net = map_v4(four), .bits = 96 + 8 * count};
    return 0;
}

static int
parse_address(struct slice text, struct ip *out, unsigned *max_bits)
{
    char name[INET6_ADDRSTRLEN];
    struct in_addr v4;

    if (text.len == 0 || text.len >= sizeof(name) || memchr(text.ptr, '\0', text.len) != NULL)
        return -1;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    if (inet_pton(AF_INET, name, &v4) == 1) {
        *out = map_v4(&v4);
        *max_bits = 32;
        return 0;
    }
    *max_bits = 128;
    return inet_pton(AF_INET6, name, out->bytes) == 1 ? 0 : -1;
}

int
cidr_parse(struct slice text, struct cidr *out)
{
    bool has_bits = slice_index(text, '/') < text.len;
    struct slice address = slice_split(&text, '/');
    struct cidr parsed;
    unsigned max_bits;
    uint64_t bits;

    if (!has_bits && slice_ends(address, SLICE(".")))
        return parse_octets(address, out);
    if (parse_address(address, &parsed.net, &max_bits) < 0)
        return -1;
    bits = max_bits;
    if (has_bits && parse_u64(text, max_bits, &bits) < 0)
        return -1;
    parsed.bits = (unsigned)bits + (128 - max_bits);
    if (!cidr_has(&parsed, &parsed.net))
        return -1;
    *out = parsed;
    return 0;
}
