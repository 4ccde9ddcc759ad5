/*
 * ldapd/target.h - what a name of an entry leads to.
 */
#ifndef POSTHORN_LDAPD_TARGET_H
#define POSTHORN_LDAPD_TARGET_H

#include "lib/ldap/dn.h"
#include "lib/ldap/entry.h"

#define TARGET_WRITER "write" /* cn of who may change contacts */

enum target_kind {
    TARGET_ROOT, /* the empty name: the server itself */
    TARGET_SUBSCHEMA,
    TARGET_BASE,
    TARGET_BOOK,
    TARGET_CONTACT,
    TARGET_GROUP,
    TARGET_UNIT,    /* of a domain's organisation */
    TARGET_WRITE,   /* who may change contacts */
    TARGET_NOTHING, /* a good name that nothing has */
    TARGET_MALFORMED
};

struct target {
    enum target_kind kind;
    struct slice book;
    struct slice name; /* of a unit: as a directory_search has it; of NOTHING: the unit above it */
    size_t found; /* NOTHING: how many parts of the name, counted from its end, do name something */
};

struct names {
    const char *base_text; /* ldap.base */
    struct ldap_dn base;
    struct ldap_dn dn;  /* the name at hand: a target borrows from it */
    struct strbuf path; /* of a unit: likewise */
};

/* -1: ldap.base is no name. */
int names_init(struct names *names, const char *base);
struct target names_find(struct names *names, struct slice text);
/* Appends the name of an entry. */
void names_put(const struct names *names, const struct ldap_entry *entry, struct strbuf *out);

#endif
