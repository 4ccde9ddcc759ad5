/*
 * lib/ldap/ber.c - reads LDAP's encoding, by liblber. Bytes come from strangers; no I/O.
 */
#include "lib/ldap/ber.h"

#include <lber.h>

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
