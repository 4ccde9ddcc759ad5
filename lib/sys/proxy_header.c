/*
 * lib/sys/proxy_header.c - PROXY protocol, versions 1 and 2.
 *
 * Input: bytes from a peer that the configuration trusts to send such a header; parsed as if it
 * were the attacker. The grammar is accepted whole and without kind repairs.
 */
#include "lib/sys/proxy_header.h"

#include <string.h>

#include "lib/base/parse.h"

enum {
    V1_LINE_MAX = 107, /* octets with CRLF (section 2.1) */
    V2_HEAD = 16,      /* signature, version and command, family, length (section 2.2) */
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    V2_ADDRESSES_4 = 12,
    V2_ADDRESSES_6 = 36,
};

static const char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* ---- version 1 ---- */

/* Decimal without leading zeroes. */
static int
parse_port(struct slice text, uint16_t *out)
{
    uint64_t value;

    if ((text.len > 1 && text.ptr[0] == '0') || parse_u64(text, UINT16_MAX, &value) < 0)
        return -1;
    *out = (uint16_t)value;
    return 0;
}

/* One address of the family, no network. */
static int
parse_address(struct slice text, bool v4, struct ip *out)
{
    bool has_colon = slice_index(text, ':') < text.len;
    struct cidr net;

    if (has_colon == v4 || slice_index(text, '/') < text.len || slice_ends(text, SLICE(".")) ||
        cidr_parse(text, &net) < 0)
        return -1;
    *out = net.net;
    return 0;
}

/* What stands behind "PROXY ", without CRLF. */
static enum proxy_status
parse_words(struct slice text, struct proxy_header *out)
{
    struct slice family = slice_split(&text, ' ');
    bool v4 = slice_eq(family, SLICE("TCP4"));

    if (slice_eq(family, SLICE("UNKNOWN"))) { /* the rest is ignored */
        out->is_local = true;
        return PROXY_OK;
    }
    if (!v4 && !slice_eq(family, SLICE("TCP6")))
        return PROXY_BAD;
    if (parse_address(slice_split(&text, ' '), v4, &out->client) < 0 ||
        parse_address(slice_split(&text, ' '), v4, &out->server) < 0 ||
        parse_port(slice_split(&text, ' '), &out->client_port) < 0 ||
        parse_port(text, &out->server_port) < 0)
        return PROXY_BAD;
    return PROXY_OK;
}

static enum proxy_status
parse_v1(struct slice seen, struct proxy_header *out, size_t *len)
{
    struct slice line = slice_sub(seen, 0, V1_LINE_MAX);
    size_t lf = slice_index(line, '\n'); /* the first one ends the line, or it is wrong */

    if (lf == line.len)
        return seen.len >= V1_LINE_MAX ? PROXY_BAD : PROXY_PART;
    if (line.ptr[lf - 1] != '\r') /* it begins with "PROXY " */
        return PROXY_BAD;
    *len = lf + 1;
    return parse_words(slice_sub(line, SLICE("PROXY ").len, lf - 1), out);
}

/* ---- version 2 ---- */

static uint16_t
u16_at(struct slice bytes, size_t at)
{
    return (uint16_t)((unsigned char)bytes.ptr[at] << 8 | (unsigned char)bytes.ptr[at + 1]);
}

static struct ip
mapped_v4(const char *four)
{
    struct ip ip = {{[10] = 0xff, [11] = 0xff}};

    memcpy(ip.bytes + 12, four, 4);
    return ip;
}

/* `block`: what follows the 16 bytes; values behind the addresses (TLV) are not looked at. */
static enum proxy_status
take_addresses(unsigned char family, struct slice block, struct proxy_header *out)
{
    bool v4 = family == V2_TCP4;
    size_t ports = v4 ? 8 : 32;

    if (family != V2_TCP4 && family != V2_TCP6) { /* not by TCP: as for LOCAL */
        out->is_local = true;
        return PROXY_OK;
    }
    if (block.len < (size_t)(v4 ? V2_ADDRESSES_4 : V2_ADDRESSES_6))
        return PROXY_BAD;
    if (v4) {
        out->client = mapped_v4(block.ptr);
        out->server = mapped_v4(block.ptr + 4);
    } else {
        memcpy(out->client.bytes, block.ptr, sizeof(out->client.bytes));
        memcpy(out->server.bytes, block.ptr + 16, sizeof(out->server.bytes));
    }
    out->client_port = u16_at(block, ports);
    out->server_port = u16_at(block, ports + 2);
    return PROXY_OK;
}

static enum proxy_status
parse_v2(struct slice seen, struct proxy_header *out, size_t *len)
{
    unsigned char command, family;

    if (seen.len < V2_HEAD)
        return PROXY_PART;
    command = (unsigned char)seen.ptr[12];
    family = (unsigned char)seen.ptr[13];
    *len = V2_HEAD + (size_t)u16_at(seen, 14);
    if ((command != V2_LOCAL && command != V2_PROXY) || family >> 4 > 3 || (family & 0xf) > 2 ||
        *len > PROXY_HEADER_MAX)
        return PROXY_BAD;
    if (seen.len < *len)
        return PROXY_PART;
    if (command == V2_LOCAL) {
        out->is_local = true;
        return PROXY_OK;
    }
    return take_addresses(family, slice_sub(seen, V2_HEAD, *len), out);
}

/* Is one the beginning of the other? */
static bool
begins(struct slice seen, struct slice mark)
{
    size_t len = seen.len < mark.len ? seen.len : mark.len;

    return slice_eq(slice_sub(seen, 0, len), slice_sub(mark, 0, len));
}

enum proxy_status
proxy_header_parse(struct slice seen, struct proxy_header *out, size_t *len)
{
    struct slice signature = slice_make(v2_signature, sizeof(v2_signature));

    *out = (struct proxy_header){0};
    if (begins(seen, signature))
        return parse_v2(seen, out, len);
    if (begins(seen, SLICE("PROXY ")))
        return seen.len < SLICE("PROXY ").len ? PROXY_PART : parse_v1(seen, out, len);
    return PROXY_BAD;
}
