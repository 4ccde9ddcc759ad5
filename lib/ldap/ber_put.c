/*
 * lib/ldap/ber_put.c - writes LDAP's encoding. No I/O.
 */
#include "lib/ldap/ber_put.h"

#include <string.h>

enum { HEADER_MAX = 6 };

/* Tag and length as DER has them. */
static size_t
make_header(unsigned tag, size_t len, char header[HEADER_MAX])
{
    size_t count = 0, at = 0;

    header[at++] = (char)tag;
    if (len < 0x80) {
        header[at++] = (char)len;
        return at;
    }
    while (count < 4 && len >> (8 * count) != 0)
        count++;
    header[at++] = (char)(0x80 | count);
    while (count-- > 0)
        header[at++] = (char)(len >> (8 * count));
    return at;
}

void
ber_put(struct strbuf *out, unsigned tag, struct slice content)
{
    char header[HEADER_MAX];

    (void)strbuf_append(out, slice_make(header, make_header(tag, content.len, header)));
    (void)strbuf_append(out, content);
}

void
ber_put_number(struct strbuf *out, unsigned tag, uint32_t value)
{
    char bytes[5];
    size_t first = 0;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)((uint64_t)value >> (8 * (sizeof(bytes) - 1 - i)));
    while (first < sizeof(bytes) - 1 && bytes[first] == 0 && (bytes[first + 1] & 0x80) == 0)
        first++;
    ber_put(out, tag, slice_make(bytes + first, sizeof(bytes) - first));
}

size_t
ber_begin(struct strbuf *out, unsigned tag)
{
    size_t start = out->len;

    (void)strbuf_char(out, (char)tag);
    return start;
}

/* The length's bytes are put in between when it is known: most contents are short. */
void
ber_end(struct strbuf *out, size_t start)
{
    char header[HEADER_MAX];
    size_t len, header_len;

    if (out->overflow || out->len <= start)
        return;
    len = out->len - start - 1;
    header_len = make_header(0, len, header) - 1;
    if (strbuf_room(out, header_len) == NULL) {
        out->overflow = true;
        return;
    }
    strbuf_grew(out, header_len);
    memmove(out->ptr + start + 1 + header_len, out->ptr + start + 1, len);
    memcpy(out->ptr + start + 1, header + 1, header_len);
}
