/*
 * directoryd/book.c - the contacts with their index. No I/O.
 */
#include "directoryd/book.h"

enum { GONE_MIN = 2000 }; /* contacts that are gone before the index is made anew */

struct book
book_new(void)
{
    return (struct book){store_new(), grams_new()};
}

void
book_free(struct book *book)
{
    store_free(&book->store);
    grams_free(&book->grams);
}

static void
split(struct slice name, struct slice *local, struct slice *domain)
{
    size_t at = slice_rindex(name, '@');

    *local = slice_sub(name, 0, at);
    *domain = slice_sub(name, at + 1, name.len);
}

/* A contact, a group or a unit. */
static int
take_entry(struct book *book, enum ldap_entry_kind kind, struct slice name,
           const struct object_field *fields, uint32_t count)
{
    struct strbuf packed = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct slice local, domain;
    struct ldap_entry entry;
    int64_t id;
    int number;

    split(name, &local, &domain);
    for (uint32_t i = 0; i < count; i++) {
        int field = ldap_field_find(fields[i].name);

        if (field >= 0)
            (void)ldap_fields_add(&packed, (enum ldap_field)field, fields[i].value);
    }
    id = store_put(book->store, kind, domain, local, strbuf_slice(&packed));
    strbuf_free(&packed);
    if (id < 0 || !store_entry(book->store, (uint32_t)id, &entry, &number))
        return -1;
    grams_add(book->grams, (uint32_t)id, &entry);
    return 0;
}

int
book_take(struct book *book, const struct object_field *fields, uint32_t count)
{
    struct slice kind = object_get(fields, count, "kind"), name = object_get(fields, count, "name");
    struct slice local, domain;

    if (slice_eq(kind, SLICE("contact")))
        return take_entry(book, LDAP_ENTRY_CONTACT, name, fields, count);
    if (slice_eq(kind, SLICE("group")))
        return take_entry(book, LDAP_ENTRY_GROUP, name, fields, count);
    if (slice_eq(kind, SLICE("unit")))
        return take_entry(book, LDAP_ENTRY_UNIT, name, fields, count);
    if (slice_eq(kind, SLICE("domain")))
        return store_domain(
            book->store, name,
            !slice_eq(object_get(fields, count, "contacts_own_users_only"), SLICE("no")));
    split(name, &local, &domain);
    if (slice_eq(kind, SLICE("group-gone")))
        store_remove(book->store, LDAP_ENTRY_GROUP, domain, local);
    else if (slice_eq(kind, SLICE("unit-gone")))
        store_remove(book->store, LDAP_ENTRY_UNIT, domain, local);
    else if (!slice_eq(kind, SLICE("gone")))
        return -1;
    else if (local.len == 0)
        store_domain_gone(book->store, domain);
    else
        store_remove(book->store, LDAP_ENTRY_CONTACT, domain, local);
    return 0;
}

void
book_tidy(struct book *book)
{
    uint32_t gone = store_ids(book->store) - store_live(book->store);
    struct ldap_entry entry;
    int number;

    if (gone < GONE_MIN || gone < store_live(book->store) / 4)
        return;
    store_compact(book->store);
    grams_free(&book->grams);
    book->grams = grams_new();
    for (uint32_t id = 0; id < store_ids(book->store); id++)
        if (store_entry(book->store, id, &entry, &number))
            grams_add(book->grams, id, &entry);
}
