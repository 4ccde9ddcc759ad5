/*
 * lib/dns/name.h - domain names in text form, as our programs exchange them.
 */
#ifndef POSTHORN_LIB_DNS_NAME_H
#define POSTHORN_LIB_DNS_NAME_H

#include "lib/base/strbuf.h"

#define DNS_NAME_TEXT_MAX 255
#define DNS_LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

/* A name that a query may hold: labels of 1 to 63 printable ASCII characters other than '.', '\\',
 * '"', ';', '(', ')', '$' and '@', at most 253 in all, no trailing dot. */
bool dns_name_valid(struct slice name);

/* "192.0.2.1" to "1.2.0.192.in-addr.arpa" (RFC 1035 section 3.5), "2001:db8::1" to
 * "1.0...8.b.d.0.1.0.0.2.ip6.arpa" (RFC 3596 section 2.5). 0, or -1: no address. */
int dns_name_reverse(struct slice ip, struct strbuf *out);

#endif
