/*
 * lib/ldap/attribute.h - the attributes of the directory: names, matching, and where values are.
 */
#ifndef POSTHORN_LIB_LDAP_ATTRIBUTE_H
#define POSTHORN_LIB_LDAP_ATTRIBUTE_H

#include <stdint.h>

#include "lib/base/slice.h"

#define LDAP_OUR_ARC "2.25.104263442545044455630870522633355139062"
#define LDAP_SUBSCHEMA_DN "cn=Subschema"

/* What a contact has (lib/account: the kind `contact`). The values are on the wire between our
 * programs: new ones go to the end. */
enum ldap_field {
    LDAP_FIELD_FULL_NAME,
    LDAP_FIELD_ADDRESSES, /* separated by one space */
    LDAP_FIELD_COMPANY,
    LDAP_FIELD_DEPARTMENT,
    LDAP_FIELD_TITLE,
    LDAP_FIELD_OFFICE,
    LDAP_FIELD_PHONE_OFFICE,
    LDAP_FIELD_FAX,
    LDAP_FIELD_PAGER,
    LDAP_FIELD_IP_PHONE,
    LDAP_FIELD_STREET,
    LDAP_FIELD_CITY,
    LDAP_FIELD_STATE,
    LDAP_FIELD_POST_CODE,
    LDAP_FIELD_COUNTRY,
    LDAP_FIELD_MOBILE,
    LDAP_FIELD_PHONE_HOME,
    LDAP_FIELD_FAX_HOME,
    LDAP_FIELD_ADDRESS_HOME,
    LDAP_FIELD_DESCRIPTION,
    LDAP_FIELD_CREATED,
    /* of groups alone */
    LDAP_FIELD_MEMBERS,  /* names of entries, each with a line end behind it */
    LDAP_FIELD_OUTSIDE,  /* addresses of members elsewhere, separated by one space */
    LDAP_FIELD_SHOWN,    /* to all, those listed, members: a letter each, of no, group, members */
    LDAP_FIELD_VIEWERS,  /* separated by one space: those listed */
    LDAP_FIELD_MANAGERS, /* likewise */
    /* of organisation units alone */
    LDAP_FIELD_ABOVE, /* names of the units above, the nearest first, separated by one space */
    /* of contacts alone */
    LDAP_FIELD_COMPANYS_OWN, /* yes: the department is none, but the company to be shown */
    LDAP_FIELD_COUNT
};

enum ldap_match {
    LDAP_MATCH_TEXT,  /* caseIgnoreMatch and its kin */
    LDAP_MATCH_PHONE, /* telephoneNumberMatch: without spaces and hyphens */
    LDAP_MATCH_OID,   /* objectIdentifierMatch: equality alone */
    LDAP_MATCH_DN,    /* distinguishedNameMatch: equality alone */
    LDAP_MATCH_TIME,  /* generalizedTimeMatch: no substrings */
    LDAP_MATCH_EXACT  /* caseExactMatch: by an extensible filter alone */
};

enum ldap_source {
    SOURCE_FIELD,
    SOURCE_POSTAL,      /* the field as one line of a Postal Address (RFC 4517 3.3.28) */
    SOURCE_WORDS,       /* each word of the field */
    SOURCE_SECOND_WORD, /* of the field */
    SOURCE_NAME,        /* the contact's own */
    SOURCE_FULL_NAME,   /* or the name */
    SOURCE_LAST_WORD,   /* of the full name */
    SOURCE_FIRST_WORDS, /* all before that */
    SOURCE_RDN,         /* of the top of the tree */
    SOURCE_CLASSES,
    SOURCE_STRUCTURAL,
    SOURCE_CREATED,
    SOURCE_SUBSCHEMA,
    SOURCE_LINES /* of a group: each line of the field */
};

enum ldap_attribute_flag {
    LDAP_INDEXED = 1,
    LDAP_OPERATIONAL = 2,
    LDAP_COVERED = 4 /* each value is one of another indexed attribute, too */
};

enum ldap_attribute {
#define ATTRIBUTE(id, names, oid, match, source, field, flags) LDAP_ATTR_##id,
#include "lib/ldap/attribute.def"
#undef ATTRIBUTE
    LDAP_ATTR_COUNT
};

struct ldap_attribute_row {
    const char *names; /* separated by one space */
    const char *oid;
    enum ldap_match match;
    enum ldap_source source;
    enum ldap_field field;
    unsigned flags;
};
extern const struct ldap_attribute_row ldap_attributes[LDAP_ATTR_COUNT];

/* By a name or the OID, without options; any case. -1: there is none. */
int ldap_attribute_find(struct slice description);
struct slice ldap_attribute_name(enum ldap_attribute attribute);
/* The property of a contact behind a field. */
const char *ldap_field_property(enum ldap_field field);
int ldap_field_find(struct slice property); /* -1: none */

#endif
