/*
 * lib/ldap/fold.h - the form in which two values are compared (RFC 4518, simplified).
 */
#ifndef POSTHORN_LIB_LDAP_FOLD_H
#define POSTHORN_LIB_LDAP_FOLD_H

#include "lib/base/strbuf.h"
#include "lib/ldap/attribute.h"

/* Appends `value` as the matching rule compares it: text without regard to case, as
 * i;unicode-casemap has it, runs of spaces as one and none at the ends; of a part of a value
 * (`is_part`: of a substring filter) one space at an end stays. Telephone numbers without spaces
 * and hyphens, times without their Z and exact text as they are. False if `out` overflowed. */
bool ldap_fold(enum ldap_match match, bool is_part, struct slice value, struct strbuf *out);

#endif
