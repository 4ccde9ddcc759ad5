/*
 * lib/ldap/ber.h - reads LDAP's encoding (RFC 4511 section 5.1) by liblber: the one module that
 * includes it. lib/ldap/ber_put.h writes it.
 *
 * One element after the other is taken off a slice, and nothing copied; lengths that lead past the
 * slice, or have no end, are refused.
 */
#ifndef POSTHORN_LIB_LDAP_BER_H
#define POSTHORN_LIB_LDAP_BER_H

#include "lib/ldap/ber_put.h"

/* Takes the next element off *rest. 1, 0 at the end, -1: it is malformed. */
int ber_take_any(struct slice *rest, unsigned *tag, struct slice *content);
/* The same, and another tag than this or the end is -1. 0: taken. */
int ber_take(struct slice *rest, unsigned tag, struct slice *content);
/* Of type INTEGER or ENUMERATED, within [0, max]. */
int ber_take_number(struct slice *rest, unsigned tag, uint32_t max, uint32_t *value);
int ber_take_bool(struct slice *rest, bool *value);
/* True if the next element has that tag. */
bool ber_next_is(struct slice rest, unsigned tag);

#endif
