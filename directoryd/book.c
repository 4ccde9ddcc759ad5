/*
 * directoryd/book.c - the contacts with their index. No I/O.
 */
#include "directoryd/book.h"

#include <stdint.h>

#include "lib/base/map.h"

#define TOO_MANY "*" /* in place of all members of a group */

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

static uint32_t
gone_of(const struct book *book)
{
    return store_ids(book->store) - store_live(book->store);
}

/* All ids are new. */
static void
make_anew(struct book *book)
{
    struct ldap_entry entry;
    int number;

    store_compact(book->store);
    grams_free(&book->grams);
    book->grams = grams_new();
    for (uint32_t id = 0; id < store_ids(book->store); id++)
        if (store_entry(book->store, id, &entry, &number))
            grams_add(book->grams, id, &entry);
}

/* What is gone has no place when there is no other. */
static void
make_room(struct book *book)
{
    if (store_ids(book->store) == STORE_CONTACTS_MAX && gone_of(book) >= GONE_MIN)
        make_anew(book);
}

static void
split(struct slice name, struct slice *local, struct slice *domain)
{
    size_t at = slice_rindex(name, '@');

    *local = slice_sub(name, 0, at);
    *domain = slice_sub(name, at + 1, name.len);
}

static int64_t
group_find(const struct book *book, struct slice domain, struct slice local)
{
    int number = store_book_number(book->store, domain);

    return number < 0 ? -1 : store_find(book->store, LDAP_ENTRY_GROUP, number, local);
}

/* What is known of them stays when the group changes. */
static struct slice
members_of(const struct book *book, struct slice domain, struct slice local)
{
    struct ldap_entry entry;
    int64_t id = group_find(book, domain, local);
    int number;

    return id >= 0 && store_entry(book->store, (uint32_t)id, &entry, &number)
               ? ldap_entry_field(&entry, LDAP_FIELD_MEMBERS)
               : SLICE("");
}

/* False: they are too long. */
static bool
pack_fields(const struct object_field *fields, uint32_t count, struct strbuf *packed)
{
    for (uint32_t i = 0; i < count; i++) {
        int field = ldap_field_find(fields[i].name);

        if (field >= 0 && !ldap_fields_add(packed, (enum ldap_field)field, fields[i].value))
            return false;
    }
    return true;
}

/* A contact, a group or a unit. One that cannot be taken goes, and so does its older version: it
 * may have let others see more. Of a group the members stay, seen by nobody. */
static int
take_entry(struct book *book, enum ldap_entry_kind kind, struct slice name,
           const struct object_field *fields, uint32_t count)
{
    struct strbuf packed = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct slice local, domain;
    struct ldap_entry entry;
    bool fits = pack_fields(fields, count, &packed);
    int64_t id = -1;
    int number;

    split(name, &local, &domain);
    if (!fits)
        strbuf_clear(&packed);
    if (kind == LDAP_ENTRY_GROUP &&
        !ldap_fields_add(&packed, LDAP_FIELD_MEMBERS, members_of(book, domain, local))) {
        fits = false;
        if (!ldap_fields_add(&packed, LDAP_FIELD_MEMBERS, SLICE(TOO_MANY)))
            strbuf_clear(&packed); /* nobody sees it */
    }
    make_room(book);
    if (fits || kind == LDAP_ENTRY_GROUP)
        id = store_put(book->store, kind, domain, local, strbuf_slice(&packed));
    strbuf_free(&packed);
    if (id < 0)
        store_remove(book->store, kind, domain, local);
    else if (store_entry(book->store, (uint32_t)id, &entry, &number))
        grams_add(book->grams, (uint32_t)id, &entry);
    return fits && id >= 0 ? 0 : -1;
}

/* ---- members of groups ---- */

static struct slice
address_of(const struct book_member *change)
{
    return change->is_gone ? change->member : slice_sub(change->member, 1, change->member.len);
}

/* Where the last change of each address is among them, plus 1. */
static struct map *
last_changes(const struct book_member *changes, uint32_t count)
{
    struct map *last = map_new(count);

    for (uint32_t i = 0; i < count; i++) {
        void **at = map_at(last, address_of(&changes[i]));

        if (at != NULL)
            *at = (void *)((intptr_t)i + 1); /* a number in the pointer's place */
    }
    return last;
}

static void
put_word(struct slice word, struct strbuf *out)
{
    if (out->len > 0)
        (void)strbuf_char(out, ' ');
    (void)strbuf_append(out, word); /* overflow is remembered by the buffer */
}

/* What is there after the changes, each new one at the end. */
static void
put_changed(struct slice words, const struct book_member *changes, uint32_t count,
            struct strbuf *out)
{
    struct map *last = last_changes(changes, count);

    while (words.len > 0) {
        struct slice word = slice_split(&words, ' ');

        if (map_get(last, slice_sub(word, 1, word.len)) == NULL)
            put_word(word, out);
    }
    for (uint32_t i = 0; i < count; i++)
        if (!changes[i].is_gone &&
            (intptr_t)map_get(last, address_of(&changes[i])) == (intptr_t)i + 1)
            put_word(changes[i].member, out);
    map_free(&last, NULL);
}

static int
set_members(struct book *book, uint32_t id, const struct ldap_entry *group, struct slice members)
{
    struct strbuf packed = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct slice rest = group->fields, value;
    enum ldap_field field;
    int rc;

    while (ldap_fields_next(&rest, &field, &value) == 1)
        if (field != LDAP_FIELD_MEMBERS)
            (void)ldap_fields_add(&packed, field, value); /* no more than there was */
    rc = ldap_fields_add(&packed, LDAP_FIELD_MEMBERS, members) ? 0 : -1;
    if (rc < 0)
        (void)ldap_fields_add(&packed, LDAP_FIELD_MEMBERS, SLICE(TOO_MANY));
    if (store_set_fields(book->store, id, strbuf_slice(&packed)) < 0)
        rc = -1;
    strbuf_free(&packed);
    return rc;
}

/* The group's id, made if there is none. -1: no room. */
static int64_t
group_for_members(struct book *book, struct slice domain, struct slice local)
{
    int64_t id = group_find(book, domain, local);

    if (id >= 0)
        return id;
    make_room(book);
    return store_put(book->store, LDAP_ENTRY_GROUP, domain, local, SLICE(""));
}

/* Words that join those that are there, or changes. A group may come behind its members. */
static int
take_members(struct book *book, struct slice name, struct slice words,
             const struct book_member *changes, uint32_t count)
{
    struct strbuf all = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct slice local, domain, before;
    struct ldap_entry entry;
    int64_t id;
    int number, rc = 0;

    split(name, &local, &domain);
    id = group_for_members(book, domain, local);
    if (id < 0 || !store_entry(book->store, (uint32_t)id, &entry, &number))
        return -1;
    before = ldap_entry_field(&entry, LDAP_FIELD_MEMBERS);
    if (slice_eq(before, SLICE(TOO_MANY)))
        return 0;
    if (count > 0)
        put_changed(before, changes, count, &all);
    else
        (void)strbuf_append(&all, before);
    if (words.len > 0)
        put_word(words, &all);
    rc = set_members(book, (uint32_t)id, &entry,
                     all.overflow ? SLICE(TOO_MANY) : strbuf_slice(&all));
    if (all.overflow)
        rc = -1;
    strbuf_free(&all);
    return rc;
}

int
book_take_members(struct book *book, struct slice name, const struct book_member *changes,
                  uint32_t count)
{
    struct slice local, domain;
    bool any = false;

    split(name, &local, &domain);
    for (uint32_t i = 0; i < count && !any; i++)
        any = !changes[i].is_gone;
    if (!any && group_find(book, domain, local) < 0)
        return 0; /* of a group that is gone */
    return take_members(book, name, SLICE(""), changes, count);
}

int
book_take(struct book *book, const struct object_field *fields, uint32_t count)
{
    struct slice kind = object_get(fields, count, "kind"), name = object_get(fields, count, "name");
    struct slice word = object_get(fields, count, "members"), local, domain;

    if (slice_eq(kind, SLICE("contact")))
        return take_entry(book, LDAP_ENTRY_CONTACT, name, fields, count);
    if (slice_eq(kind, SLICE("group")))
        return take_entry(book, LDAP_ENTRY_GROUP, name, fields, count);
    if (slice_eq(kind, SLICE("members")))
        return take_members(book, name, word, NULL, 0);
    if (slice_eq(kind, SLICE("member")))
        return book_take_members(book, name, &(struct book_member){word, false}, 1);
    if (slice_eq(kind, SLICE("member-gone")))
        return book_take_members(book, name, &(struct book_member){word, true}, 1);
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
    uint32_t gone = gone_of(book);

    if (gone >= GONE_MIN && gone >= store_live(book->store) / 4)
        make_anew(book);
}
