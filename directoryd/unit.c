/*
 * directoryd/unit.c - organisation units: where in their domain's tree they are. No I/O.
 *
 * accountd lets no loop come about, but each way up ends all the same. A unit whose parent is not
 * here stands at the top: changes may come in two parts.
 */
#include "directoryd/unit.h"

#include "lib/account/canonical.h"

_Static_assert(LDAP_PATH_MAX >= LDAP_UNITS_DEEP_MAX * (LDAP_NAME_MAX + 1), "all names have room");

static void
put_above(const struct store *store, int book, struct slice parent, struct strbuf *above)
{
    struct ldap_entry entry;
    int number;

    for (int i = 1; i < LDAP_UNITS_DEEP_MAX && parent.len > 0; i++) {
        int64_t id = store_find(store, LDAP_ENTRY_UNIT, book, parent);

        if (id < 0 || !store_entry(store, (uint32_t)id, &entry, &number))
            return;
        if (above->len > 0)
            (void)strbuf_char(above, ' ');
        (void)strbuf_append(above, parent); /* LDAP_UNITS_DEEP_MAX names fit */
        parent = ldap_entry_field(&entry, LDAP_FIELD_ABOVE);
    }
}

void
unit_show(const struct store *store, int book, const struct ldap_entry *unit, struct strbuf *fields)
{
    struct strbuf above = strbuf_new(LDAP_PATH_MAX);
    struct slice rest = unit->fields, value;
    enum ldap_field field;

    while (ldap_fields_next(&rest, &field, &value) == 1)
        if (field != LDAP_FIELD_ABOVE)
            (void)ldap_fields_add(fields, field, value); /* no more than there was */
    put_above(store, book, ldap_entry_field(unit, LDAP_FIELD_ABOVE), &above);
    (void)ldap_fields_add(fields, LDAP_FIELD_ABOVE, strbuf_slice(&above));
    strbuf_free(&above);
}

/* As it is in the store. False: something in it can be no unit's name. */
static bool
put_canonical(struct slice path, struct strbuf *out)
{
    while (path.len > 0) {
        if (out->len > 0)
            (void)strbuf_char(out, ' ');
        if (canonical_local(slice_split(&path, ' '), out) < 0)
            return false;
    }
    return !out->overflow;
}

int64_t
unit_find(const struct store *store, int book, struct slice path)
{
    struct strbuf wanted = strbuf_new(LDAP_PATH_MAX), above = strbuf_new(LDAP_PATH_MAX);
    struct slice rest;
    struct ldap_entry entry;
    int64_t id = -1;
    int number;

    if (put_canonical(path, &wanted)) {
        rest = strbuf_slice(&wanted);
        id = store_find(store, LDAP_ENTRY_UNIT, book, slice_split(&rest, ' '));
        if (id >= 0 && store_entry(store, (uint32_t)id, &entry, &number))
            put_above(store, book, ldap_entry_field(&entry, LDAP_FIELD_ABOVE), &above);
        if (!slice_eq(strbuf_slice(&above), rest))
            id = -1;
    }
    strbuf_free(&wanted);
    strbuf_free(&above);
    return id;
}

bool
unit_is_below(const struct ldap_entry *unit, struct slice name, bool next)
{
    struct slice above = ldap_entry_field(unit, LDAP_FIELD_ABOVE), one;

    if (name.len == 0)
        return !next || above.len == 0;
    do {
        one = slice_split(&above, ' ');
        if (slice_eq(one, name))
            return true;
    } while (above.len > 0 && !next);
    return false;
}
