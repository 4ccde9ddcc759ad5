/*
 * lib/dns/name.c - domain names in text form. No I/O.
 */
#include "lib/dns/name.h"

#include <arpa/inet.h>
#include <string.h>

enum { NAME_MAX_TEXT = 253 }; /* 255 octets on the wire, RFC 1035 section 3.1 */

static bool
label_char_valid(char c)
{
    return c > ' ' && c < 0x7f && strchr("\\\";()$@", c) == NULL;
}

bool
dns_name_valid(struct slice name)
{
    if (name.len == 0 || name.len > NAME_MAX_TEXT)
        return false;
    for (;;) {
        size_t end = slice_index(name, '.');

        if (end == 0 || end > DNS_LABEL_MAX)
            return false;
        for (size_t i = 0; i < end; i++)
            if (!label_char_valid(name.ptr[i]))
                return false;
        if (end == name.len)
            return true;
        name = slice_sub(name, end + 1, name.len);
    }
}

static int
reverse_v4(const unsigned char b[4], struct strbuf *out)
{
    return strbuf_printf(out, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]) ? 0 : -1;
}

static int
reverse_v6(const unsigned char b[16], struct strbuf *out)
{
    for (int i = 15; i >= 0; i--)
        if (!strbuf_printf(out, "%x.%x.", b[i] & 15U, b[i] >> 4))
            return -1;
    return strbuf_str(out, "ip6.arpa") ? 0 : -1;
}

int
dns_name_reverse(struct slice ip, struct strbuf *out)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];

    if (ip.len >= sizeof(text) || slice_index(ip, '\0') < ip.len)
        return -1;
    memcpy(text, ip.ptr, ip.len);
    text[ip.len] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        return reverse_v4(bytes, out);
    return inet_pton(AF_INET6, text, bytes) == 1 ? reverse_v6(bytes, out) : -1;
}
