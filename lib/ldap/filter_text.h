/*
 * lib/ldap/filter_text.h - a search filter as text (RFC 4515) to what goes over the wire (RFC 4511
 * section 4.5.1.7).
 */
#ifndef POSTHORN_LIB_LDAP_FILTER_TEXT_H
#define POSTHORN_LIB_LDAP_FILTER_TEXT_H

#include "lib/base/strbuf.h"

#define LDAP_FILTER_TEXT_MAX 2000 /* bytes of the text */

/* Appends the encoded filter to `out`. NULL, or what is wrong, a constant. */
const char *ldap_filter_text_encode(struct slice text, struct strbuf *out);

#endif
