/*
 * lib/ldap/ber.h - LDAP's encoding (RFC 4511 section 5.1) by liblber.
 *
 * Reading takes one element after the other off a slice and copies nothing; lengths that lead past
 * the slice, or have no end, are refused.
 */
#ifndef POSTHORN_LIB_LDAP_BER_H
#define POSTHORN_LIB_LDAP_BER_H

#include <stdint.h>

#include "lib/base/strbuf.h"

enum ber_tag {
    BER_BOOLEAN = 0x01,
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_ENUMERATED = 0x0a,
    BER_SEQUENCE = 0x30,
    BER_SET = 0x31
};

/* Takes the next element off *rest. 1, 0 at the end, -1: it is malformed. */
int ber_take_any(struct slice *rest, unsigned *tag, struct slice *content);
/* The same, and another tag than this or the end is -1. 0: taken. */
int ber_take(struct slice *rest, unsigned tag, struct slice *content);
/* Of type INTEGER or ENUMERATED, within [0, max]. */
int ber_take_number(struct slice *rest, unsigned tag, uint32_t max, uint32_t *value);
int ber_take_bool(struct slice *rest, bool *value);
/* True if the next element has that tag. */
bool ber_next_is(struct slice rest, unsigned tag);

/* Appends to `out`; overflow is remembered by the buffer. Elements that hold others are put
 * together from their content. */
void ber_put(struct strbuf *out, unsigned tag, struct slice content);
void ber_put_number(struct strbuf *out, unsigned tag, uint32_t value);
/* An element whose content is still to come: its start for ber_end. */
size_t ber_begin(struct strbuf *out, unsigned tag);
void ber_end(struct strbuf *out, size_t start);

#endif
