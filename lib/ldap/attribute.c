/*
 * lib/ldap/attribute.c - the attributes of the directory. No I/O.
 */
#include "lib/ldap/attribute.h"

const struct ldap_attribute_row ldap_attributes[LDAP_ATTR_COUNT] = {
#define ATTRIBUTE(id, names, oid, match, source, field, flags)                                     \
    [LDAP_ATTR_##id] = {(names), (oid), (match), (source), (enum ldap_field)(field), (flags)},
#include "lib/ldap/attribute.def"
#undef ATTRIBUTE
};

static const char *const properties[LDAP_FIELD_COUNT] = {
    [LDAP_FIELD_FULL_NAME] = "full_name",
    [LDAP_FIELD_ADDRESSES] = "addresses",
    [LDAP_FIELD_COMPANY] = "company",
    [LDAP_FIELD_DEPARTMENT] = "department",
    [LDAP_FIELD_TITLE] = "title",
    [LDAP_FIELD_OFFICE] = "office",
    [LDAP_FIELD_PHONE_OFFICE] = "phone_office",
    [LDAP_FIELD_FAX] = "fax",
    [LDAP_FIELD_PAGER] = "pager",
    [LDAP_FIELD_IP_PHONE] = "ip_phone",
    [LDAP_FIELD_STREET] = "street",
    [LDAP_FIELD_CITY] = "city",
    [LDAP_FIELD_STATE] = "state",
    [LDAP_FIELD_POST_CODE] = "post_code",
    [LDAP_FIELD_COUNTRY] = "country",
    [LDAP_FIELD_MOBILE] = "mobile",
    [LDAP_FIELD_PHONE_HOME] = "phone_home",
    [LDAP_FIELD_FAX_HOME] = "fax_home",
    [LDAP_FIELD_ADDRESS_HOME] = "address_home",
    [LDAP_FIELD_DESCRIPTION] = "description",
    [LDAP_FIELD_CREATED] = "created",
    [LDAP_FIELD_MEMBERS] = "members",
    [LDAP_FIELD_OUTSIDE] = "members_outside",
    [LDAP_FIELD_SHOWN] = "shown",
    [LDAP_FIELD_VIEWERS] = "viewers",
    [LDAP_FIELD_MANAGERS] = "managers",
    [LDAP_FIELD_ABOVE] = "parent",
    [LDAP_FIELD_COMPANYS_OWN] = "companys_own",
};

int
ldap_attribute_find(struct slice description)
{
    for (int id = 0; id < LDAP_ATTR_COUNT; id++) {
        struct slice names = slice_of(ldap_attributes[id].names);

        if (slice_eq(description, slice_of(ldap_attributes[id].oid)))
            return id;
        while (names.len > 0)
            if (slice_eq_nocase(slice_split(&names, ' '), description))
                return id;
    }
    return -1;
}

struct slice
ldap_attribute_name(enum ldap_attribute attribute)
{
    struct slice names = slice_of(ldap_attributes[attribute].names);

    return slice_split(&names, ' ');
}

const char *
ldap_field_property(enum ldap_field field)
{
    return properties[field];
}

int
ldap_field_find(struct slice property)
{
    for (int field = 0; field < LDAP_FIELD_COUNT; field++)
        if (slice_eq(property, slice_of(properties[field])))
            return field;
    return -1;
}
