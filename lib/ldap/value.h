/*
 * lib/ldap/value.h - a value that a client asserts, in the form in which ours are written.
 */
#ifndef POSTHORN_LIB_LDAP_VALUE_H
#define POSTHORN_LIB_LDAP_VALUE_H

#include "lib/base/strbuf.h"
#include "lib/ldap/attribute.h"

/* Appends a whole value as our entries would have it: an object class by its name, names of entries
 * with our names of attributes and our escapes, times in UTC (RFC 4517 sections 4.2.15, 4.2.16 and
 * 4.2.26), text as it is. False: it is not of that syntax, and matches nothing and not nothing. */
bool ldap_value_put(enum ldap_match match, struct slice value, struct strbuf *out);

#endif
