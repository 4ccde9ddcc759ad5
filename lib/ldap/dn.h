/*
 * lib/ldap/dn.h - names of entries as text (RFC 4514).
 */
#ifndef POSTHORN_LIB_LDAP_DN_H
#define POSTHORN_LIB_LDAP_DN_H

#include "lib/base/strbuf.h"

#define LDAP_DN_MAX 4096 /* bytes of a name as text */
#define LDAP_RDNS_MAX 32 /* a unit's units, its book, and the top */

/* One part: `ou=d.test`. Parts with several values are not ours. */
struct ldap_rdn {
    int attribute;       /* enum ldap_attribute, or -1: none of ours */
    struct slice value;  /* without escapes */
    struct slice folded; /* as it is compared */
};

struct ldap_dn {
    struct ldap_rdn rdns[LDAP_RDNS_MAX]; /* the entry's own first */
    size_t count;
    struct strbuf bytes; /* what the slices borrow from */
};

struct ldap_dn ldap_dn_new(void);
void ldap_dn_free(struct ldap_dn *dn);
/* 0, or -1: it is no name, too long, has too many parts, or parts with several values. */
int ldap_dn_parse(struct slice text, struct ldap_dn *dn);
/* Does the name end with all of `base`? *above: how many parts stand in front. */
bool ldap_dn_is_within(const struct ldap_dn *dn, const struct ldap_dn *base, size_t *above);
/* Appends `type=value`, the value escaped. */
void ldap_dn_put_rdn(struct strbuf *out, const char *type, struct slice value);

#endif
