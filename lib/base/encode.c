/*
 * lib/base/encode.c - hex and base64 (RFC 4648 sections 4 and 5).
 */
#include "lib/base/encode.h"

#include <stdint.h>

static const char alphabet64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits16[] = "0123456789abcdef";

bool
base64_encode(struct slice in, struct strbuf *out)
{
    size_t need = (in.len + 2) / 3 * 4;
    char *to = strbuf_room(out, need);

    if (to == NULL)
        return false;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t v = (uint32_t)(unsigned char)in.ptr[i] << 16;

        if (left > 1)
            v |= (uint32_t)(unsigned char)in.ptr[i + 1] << 8;
        if (left > 2)
            v |= (uint32_t)(unsigned char)in.ptr[i + 2];
        *to++ = alphabet64[v >> 18];
        *to++ = alphabet64[(v >> 12) & 63];
        *to++ = left > 1 ? alphabet64[(v >> 6) & 63] : '=';
        *to++ = left > 2 ? alphabet64[v & 63] : '=';
    }
    strbuf_grew(out, need);
    return true;
}

bool
base64url_encode(struct slice in, struct strbuf *out)
{
    struct strbuf padded = strbuf_new((in.len + 2) / 3 * 4);
    bool ok = base64_encode(in, &padded);

    for (size_t i = 0; i < padded.len; i++)
        if (padded.ptr[i] == '+' || padded.ptr[i] == '/')
            padded.ptr[i] = padded.ptr[i] == '+' ? '-' : '_';
    while (padded.len > 0 && padded.ptr[padded.len - 1] == '=')
        strbuf_truncate(&padded, padded.len - 1);
    ok = ok && strbuf_append(out, strbuf_slice(&padded));
    strbuf_free(&padded);
    return ok;
}

static int
value64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* One group of four; `pads` of them are '='. The unused bits must be zero (RFC 4648 section 3.5).
 */
static int
decode_group(const char *in, size_t pads, char *to)
{
    uint32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = i >= 4 - pads ? 0 : value64(in[i]);

        if (digit < 0)
            return -1;
        v = v << 6 | (uint32_t)digit;
    }
    if ((pads == 1 && (v & 0xff) != 0) || (pads == 2 && (v & 0xffff) != 0))
        return -1;
    to[0] = (char)(v >> 16);
    if (pads < 2)
        to[1] = (char)(v >> 8);
    if (pads < 1)
        to[2] = (char)v;
    return 0;
}

int
base64_decode(struct slice in, struct strbuf *out)
{
    size_t start = out->len;

    if (in.len % 4 != 0)
        return -1;
    for (size_t i = 0; i < in.len; i += 4) {
        size_t pads = 0;
        char group[3];

        if (i + 4 == in.len && in.ptr[i + 3] == '=')
            pads = in.ptr[i + 2] == '=' ? 2 : 1;
        if (decode_group(in.ptr + i, pads, group) < 0 ||
            !strbuf_append(out, slice_make(group, 3 - pads))) {
            strbuf_truncate(out, start);
            return -1;
        }
    }
    return 0;
}

bool
base32_encode(struct slice in, struct strbuf *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char *to = strbuf_room(out, (in.len * 8 + 4) / 5);
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    if (to == NULL)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        bits = bits << 8 | (unsigned char)in.ptr[i]; /* what is shifted out was written */
        for (have += 8; have >= 5; have -= 5)
            to[n++] = alphabet[(bits >> (have - 5)) & 31];
    }
    if (have > 0)
        to[n++] = alphabet[(bits << (5 - have)) & 31];
    strbuf_grew(out, n);
    return true;
}

bool
hex_encode(struct slice in, struct strbuf *out)
{
    char *to = strbuf_room(out, in.len * 2);

    if (to == NULL)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        *to++ = digits16[(unsigned char)in.ptr[i] >> 4];
        *to++ = digits16[(unsigned char)in.ptr[i] & 15];
    }
    strbuf_grew(out, in.len * 2);
    return true;
}

int
hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

int
hex_decode(struct slice in, struct strbuf *out)
{
    size_t start = out->len;

    if (in.len % 2 != 0)
        return -1;
    for (size_t i = 0; i < in.len; i += 2) {
        int high = hex_value(in.ptr[i]), low = hex_value(in.ptr[i + 1]);

        if (high < 0 || low < 0 || !strbuf_char(out, (char)(high << 4 | low))) {
            strbuf_truncate(out, start);
            return -1;
        }
    }
    return 0;
}
