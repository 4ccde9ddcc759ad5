/*
 * ldapd/target.c - what a name of an entry leads to. Names come from clients. No I/O.
 */
#include "ldapd/target.h"

int
names_init(struct names *names, const char *base)
{
    *names = (struct names){.base_text = base, .base = ldap_dn_new(), .dn = ldap_dn_new()};
    return ldap_dn_parse(slice_of(base), &names->base) < 0 || names->base.count == 0 ? -1 : 0;
}

static bool
is_rdn(const struct ldap_rdn *rdn, enum ldap_attribute attribute)
{
    return rdn->attribute == (int)attribute;
}

static struct target
below_base(const struct names *names, size_t above)
{
    const struct ldap_rdn *own = &names->dn.rdns[0];
    struct target target = {.kind = TARGET_NOTHING, .found = names->base.count};

    if (above == 0)
        target.kind = TARGET_BASE;
    else if (above == 1 && is_rdn(own, LDAP_ATTR_CN) &&
             slice_eq_nocase(own->value, SLICE(TARGET_WRITER)))
        target.kind = TARGET_WRITE;
    else if (above == 1 && is_rdn(own, LDAP_ATTR_OU) && own->value.len <= LDAP_BOOK_MAX)
        target = (struct target){.kind = TARGET_BOOK, .book = own->value};
    else if (above == 2 && is_rdn(&own[1], LDAP_ATTR_OU) && own[1].value.len <= LDAP_BOOK_MAX) {
        target = (struct target){.kind = TARGET_NOTHING,
                                 .book = own[1].value,
                                 .name = own->value,
                                 .found = names->base.count + 1};
        if (is_rdn(own, LDAP_ATTR_UID) && own->value.len <= LDAP_NAME_MAX)
            target.kind = TARGET_CONTACT;
        else if (is_rdn(own, LDAP_ATTR_CN) && own->value.len <= LDAP_NAME_MAX)
            target.kind = TARGET_GROUP;
    }
    return target;
}

struct target
names_find(struct names *names, struct slice text)
{
    size_t above;

    if (ldap_dn_parse(text, &names->dn) < 0)
        return (struct target){.kind = TARGET_MALFORMED};
    if (names->dn.count == 0)
        return (struct target){.kind = TARGET_ROOT};
    if (names->dn.count == 1 && is_rdn(&names->dn.rdns[0], LDAP_ATTR_CN) &&
        slice_eq_nocase(names->dn.rdns[0].value, SLICE("Subschema")))
        return (struct target){.kind = TARGET_SUBSCHEMA};
    if (!ldap_dn_is_within(&names->dn, &names->base, &above))
        return (struct target){.kind = TARGET_NOTHING};
    return below_base(names, above);
}

void
names_put(const struct names *names, const struct ldap_entry *entry, struct strbuf *out)
{
    if (entry->kind == LDAP_ENTRY_CONTACT || entry->kind == LDAP_ENTRY_GROUP) {
        ldap_dn_put_rdn(out, entry->kind == LDAP_ENTRY_GROUP ? "cn" : "uid", entry->name);
        (void)strbuf_char(out, ',');
    }
    if (entry->kind != LDAP_ENTRY_BASE) {
        ldap_dn_put_rdn(out, "ou", entry->book);
        (void)strbuf_char(out, ',');
    }
    (void)strbuf_str(out, names->base_text);
}
