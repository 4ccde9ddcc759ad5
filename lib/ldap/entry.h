/*
 * lib/ldap/entry.h - an entry of the directory, packed, and the values of its attributes.
 *
 *     BASE                     the top: o=posthorn
 *     ou=BOOK,BASE             a domain's public contacts, or those of people outside
 *     uid=NAME,ou=BOOK,BASE    a contact
 *     cn=NAME,ou=BOOK,BASE     a group
 *     ou=NAME,ou=BOOK,BASE     a unit of the domain's organisation; those below it are below its
 * name
 */
#ifndef POSTHORN_LIB_LDAP_ENTRY_H
#define POSTHORN_LIB_LDAP_ENTRY_H

#include "lib/base/strbuf.h"
#include "lib/ldap/attribute.h"

#define LDAP_FIELDS_BYTES_MAX (6u << 20) /* packed fields of an entry: 100,000 members */
#define LDAP_NAME_MAX 64                 /* bytes of a contact's name */
#define LDAP_BOOK_MAX 253                /* of a book's */
#define LDAP_UNITS_DEEP_MAX 16           /* from a unit of a domain up to its top */
#define LDAP_PATH_MAX 1040               /* the names of so many, with a blank each */

enum ldap_entry_kind {
    LDAP_ENTRY_BASE,
    LDAP_ENTRY_BOOK,
    LDAP_ENTRY_CONTACT,
    LDAP_ENTRY_GROUP,
    LDAP_ENTRY_UNIT,
    LDAP_ENTRY_KINDS
};

struct ldap_entry {
    enum ldap_entry_kind kind;
    struct slice book;   /* of BASE: the type of its RDN */
    struct slice name;   /* of BASE: the value of its RDN */
    struct slice fields; /* of CONTACT, GROUP and UNIT: packed, each u8 field, its length (7 bits a
                            byte, the lowest first), bytes */
};

/* Appends one field to packed ones; an empty value is none. False: too long, or no room. */
bool ldap_fields_add(struct strbuf *fields, enum ldap_field field, struct slice value);
/* Takes the next field off *rest: 1, 0 at the end, -1 damaged. */
int ldap_fields_next(struct slice *rest, enum ldap_field *field, struct slice *value);

struct slice ldap_entry_field(const struct ldap_entry *entry, enum ldap_field field);

/* Calls each(arg, value) for every value of the attribute until it does not return 0; the values
 * are borrowed for the call. Returns what each() returned last, or 0. */
int ldap_entry_values(const struct ldap_entry *entry, enum ldap_attribute attribute,
                      int (*each)(void *arg, struct slice value), void *arg);

#endif
