/*
 * lib/ldap/ber.c - LDAP's encoding, by liblber. Bytes come from clients; no I/O.
 */
#include "lib/ldap/ber.h"

#include <lber.h>
#include <string.h>

#include "lib/base/mem.h"

/* ---- reading ---- */

int
ber_take_any(struct slice *rest, unsigned *tag, struct slice *content)
{
    struct berval all = {rest->len, (char *)(uintptr_t)rest->ptr}, found = {0, NULL};
    BerElement *element;
    ber_tag_t got;
    size_t end;

    if (rest->len == 0)
        return 0;
    element = ber_alloc_t(LBER_USE_DER);
    if (element == NULL)
        return -1;
    ber_init2(element, &all, LBER_USE_DER);
    got = ber_skip_element(element, &found);
    ber_free(element, 0);
    if (got == LBER_ERROR || got > 0xff || found.bv_val == NULL)
        return -1; /* no tag of LDAP has more than one byte */
    end = (size_t)(found.bv_val - rest->ptr) + found.bv_len;
    *tag = (unsigned)got;
    *content = slice_make(found.bv_val, found.bv_len);
    *rest = slice_sub(*rest, end, rest->len);
    return 1;
}

int
ber_take(struct slice *rest, unsigned tag, struct slice *content)
{
    unsigned got;

    return ber_take_any(rest, &got, content) == 1 && got == tag ? 0 : -1;
}

int
ber_take_number(struct slice *rest, unsigned tag, uint32_t max, uint32_t *value)
{
    struct slice content;
    uint64_t number = 0;

    if (ber_take(rest, tag, &content) < 0 || content.len == 0 || content.len > 5 ||
        (content.ptr[0] & 0x80) != 0)
        return -1;
    for (size_t i = 0; i < content.len; i++)
        number = number << 8 | (unsigned char)content.ptr[i];
    if (number > max)
        return -1;
    *value = (uint32_t)number;
    return 0;
}

int
ber_take_bool(struct slice *rest, bool *value)
{
    struct slice content;

    if (ber_take(rest, BER_BOOLEAN, &content) < 0 || content.len != 1)
        return -1;
    *value = content.ptr[0] != 0;
    return 0;
}

bool
ber_next_is(struct slice rest, unsigned tag)
{
    return rest.len > 0 && (unsigned char)rest.ptr[0] == tag;
}

/* ---- writing ---- */

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
