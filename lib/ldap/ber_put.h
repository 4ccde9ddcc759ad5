/*
 * lib/ldap/ber_put.h - writes LDAP's encoding (RFC 4511 section 5.1).
 */
#ifndef POSTHORN_LIB_LDAP_BER_PUT_H
#define POSTHORN_LIB_LDAP_BER_PUT_H

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

/* Appends to `out`; overflow is remembered by the buffer. Elements that hold others are put
 * together from their content. */
void ber_put(struct strbuf *out, unsigned tag, struct slice content);
void ber_put_number(struct strbuf *out, unsigned tag, uint32_t value);
/* An element whose content is still to come: its start for ber_end. */
size_t ber_begin(struct strbuf *out, unsigned tag);
void ber_end(struct strbuf *out, size_t start);

#endif
