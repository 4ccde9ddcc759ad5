/*
 * ldapd/target.c - what a name of an entry leads to. Names come from clients. No I/O.
 */
#include "ldapd/target.h"

int
names_init(struct names *names, const char *base)
{
    *names = (struct names){.base_text = base,
                            .base = ldap_dn_new(),
                            .dn = ldap_dn_new(),
                            .path = strbuf_new(LDAP_PATH_MAX)};
    return ldap_dn_parse(slice_of(base), &names->base) < 0 || names->base.count == 0 ? -1 : 0;
}

static bool
is_rdn(const struct ldap_rdn *rdn, enum ldap_attribute attribute)
{
    return rdn->attribute == (int)attribute;
}

/* Can a unit be called that? */
static bool
is_unit_rdn(const struct ldap_rdn *rdn)
{
    return is_rdn(rdn, LDAP_ATTR_OU) && rdn->value.len <= LDAP_NAME_MAX &&
           slice_index(rdn->value, ' ') == rdn->value.len;
}

/* ou=north,ou=sales,ou=d.test: the last one, at above - 1, is the book. The path of the units next
 * to it; where it begins: at 0 when the name is all of units. */
static size_t
put_path(struct names *names, size_t above)
{
    const struct ldap_rdn *rdns = names->dn.rdns;
    size_t first = above - 1;

    while (first > 0 && above - 1 - first < LDAP_UNITS_DEEP_MAX && is_unit_rdn(&rdns[first - 1]))
        first--;
    strbuf_clear(&names->path);
    for (size_t i = first; i + 1 < above; i++) {
        if (i > first)
            (void)strbuf_char(&names->path, ' ');
        (void)strbuf_append(&names->path, rdns[i].value); /* the buffer has room for all */
    }
    return first;
}

static struct target
below_book(struct names *names, size_t above)
{
    const struct ldap_rdn *own = &names->dn.rdns[0], *book = &own[above - 1];
    struct target target = {
        .kind = TARGET_NOTHING, .book = book->value, .found = names->base.count + 1};
    size_t first = put_path(names, above);

    target.name = strbuf_slice(&names->path);
    if (first == 0) {
        target.kind = TARGET_UNIT;
    } else if (above == 2 && own->value.len <= LDAP_NAME_MAX) {
        if (is_rdn(own, LDAP_ATTR_UID))
            target.kind = TARGET_CONTACT;
        else if (is_rdn(own, LDAP_ATTR_CN))
            target.kind = TARGET_GROUP;
        if (target.kind != TARGET_NOTHING)
            target.name = own->value;
    }
    return target;
}

static struct target
below_base(struct names *names, size_t above)
{
    const struct ldap_rdn *own = &names->dn.rdns[0], *book = &own[above > 0 ? above - 1 : 0];
    struct target target = {.kind = TARGET_NOTHING, .found = names->base.count};

    if (above == 0)
        target.kind = TARGET_BASE;
    else if (above == 1 && is_rdn(own, LDAP_ATTR_CN) &&
             slice_eq_nocase(own->value, SLICE(TARGET_WRITER)))
        target.kind = TARGET_WRITE;
    else if (is_rdn(book, LDAP_ATTR_OU) && book->value.len <= LDAP_BOOK_MAX)
        return above == 1 ? (struct target){.kind = TARGET_BOOK, .book = book->value}
                          : below_book(names, above);
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

static void
put_part(struct strbuf *out, const char *type, struct slice value)
{
    ldap_dn_put_rdn(out, type, value);
    (void)strbuf_char(out, ','); /* overflow is remembered by the buffer */
}

void
names_put(const struct names *names, const struct ldap_entry *entry, struct strbuf *out)
{
    static const char *const types[LDAP_ENTRY_KINDS] = {
        [LDAP_ENTRY_CONTACT] = "uid", [LDAP_ENTRY_GROUP] = "cn", [LDAP_ENTRY_UNIT] = "ou"};
    struct slice above = ldap_entry_field(entry, LDAP_FIELD_ABOVE);

    if (types[entry->kind] != NULL)
        put_part(out, types[entry->kind], entry->name);
    while (entry->kind == LDAP_ENTRY_UNIT && above.len > 0)
        put_part(out, "ou", slice_split(&above, ' '));
    if (entry->kind != LDAP_ENTRY_BASE)
        put_part(out, "ou", entry->book);
    (void)strbuf_str(out, names->base_text);
}
