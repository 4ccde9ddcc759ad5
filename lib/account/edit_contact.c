/*
 * lib/account/edit_contact.c - public contacts: add, set and remove, and following the profiles of
 * mailboxes.
 *
 * Names and values come from administrators and, by ldapd, from who has the write password. Changes
 * only the database.
 */
#include <errno.h>

#include "lib/account/contact.h"
#include "lib/account/edit_internal.h"
#include "lib/account/unit.h"

enum { CODE_EXISTS = 2, CODE_NO_SUCH = 2, CODE_FAILED = 3, CODE_NO_BOOK = 7 };

/* What a contact takes from a profile: the mailbox's property of the same name, and of its
 * organisation unit company and department. */
static const enum account_property from_profile[] = {
    CONTACT_FULL_NAME,    CONTACT_COMPANY, CONTACT_DEPARTMENT, CONTACT_TITLE,        CONTACT_OFFICE,
    CONTACT_PHONE_OFFICE, CONTACT_MOBILE,  CONTACT_PHONE_HOME, CONTACT_ADDRESS_HOME,
};

/* ---- rows ---- */

static int
find_key(struct account_edit *edit, struct slice name, struct strbuf *key)
{
    switch (contact_key(edit->base, name, key)) {
    case ACCOUNT_FOUND:
        return 0;
    case ACCOUNT_TROUBLE:
        return account_fail_db(edit->result);
    case ACCOUNT_FOREIGN:
        return account_fail(edit->result, CODE_NO_BOOK,
                            "%.*s: expected NAME@DOMAIN with a domain of ours, or NAME@%s",
                            (int)name.len, name.ptr, CONTACT_OUTSIDE);
    case ACCOUNT_UNKNOWN:
        break;
    }
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "'%.*s' is no name that a contact can have", (int)name.len, name.ptr);
}

/* 1: loaded, 0: it is not there, -1. */
static int
load(struct account_edit *edit, struct slice key, struct record *contact)
{
    struct slice bytes;

    if (account_db_get(edit->base->db, ACCOUNT_TABLE_CONTACTS, key, &bytes) < 0)
        return errno == ENOENT ? 0 : account_fail_db(edit->result);
    return record_load(contact, bytes) < 0 ? account_fail_db(edit->result) : 1;
}

static int
put(struct account_edit *edit, struct slice key, const struct record *contact)
{
    if (record_get(contact, CONTACT_FULL_NAME).len == 0 &&
        record_get(contact, CONTACT_ADDRESSES).len == 0)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "a contact needs a full_name or an address in addresses");
    return edit_put_record(edit, ACCOUNT_TABLE_CONTACTS, key, contact);
}

/* ---- add, set and remove ---- */

int
edit_contact_add(struct account_edit *edit, struct slice name, const struct object_field *fields,
                 uint32_t count)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record contact = record_new(ACCOUNT_CONTACT), there = record_new(ACCOUNT_CONTACT);
    int rc = find_key(edit, name, &key);

    if (rc == 0)
        rc = load(edit, strbuf_slice(&key), &there);
    if (rc > 0)
        rc =
            account_fail(edit->result, CODE_EXISTS, "%.*s exists already", (int)name.len, name.ptr);
    if (rc == 0 && !edit->restoring)
        edit_put_time(edit, &contact, CONTACT_CREATED);
    if (rc == 0)
        rc = edit_apply(edit, &contact, fields, count);
    if (rc == 0)
        rc = put(edit, strbuf_slice(&key), &contact);
    record_free(&contact);
    record_free(&there);
    strbuf_free(&key);
    return rc;
}

static int
find(struct account_edit *edit, struct slice name, struct strbuf *key, struct record *contact)
{
    int rc = find_key(edit, name, key);

    if (rc == 0)
        rc = load(edit, strbuf_slice(key), contact);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return account_fail(edit->result, CODE_NO_SUCH, "%.*s: no such contact", (int)name.len,
                        name.ptr);
}

int
edit_contact_set(struct account_edit *edit, struct slice name, const struct object_field *fields,
                 uint32_t count)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record contact = record_new(ACCOUNT_CONTACT);
    int rc = find(edit, name, &key, &contact);

    if (rc == 0)
        rc = edit_apply(edit, &contact, fields, count);
    if (rc == 0)
        rc = put(edit, strbuf_slice(&key), &contact);
    record_free(&contact);
    strbuf_free(&key);
    return rc;
}

int
edit_contact_del(struct account_edit *edit, struct slice name)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record contact = record_new(ACCOUNT_CONTACT);
    int rc = find(edit, name, &key, &contact);

    if (rc == 0)
        rc = edit_del_row(edit, ACCOUNT_TABLE_CONTACTS, strbuf_slice(&key));
    record_free(&contact);
    strbuf_free(&key);
    return rc;
}

/* ---- profiles ---- */

/* The mailbox's address goes first; what was added by hand stays behind it. */
static void
put_address_first(struct record *contact, struct slice address)
{
    struct strbuf all = strbuf_new(OBJECT_VALUE_MAX);
    struct slice rest = record_get(contact, CONTACT_ADDRESSES), word;

    (void)strbuf_append(&all, address);
    while ((word = property_next_word(&rest)).len > 0) {
        if (slice_eq(word, address))
            continue;
        (void)strbuf_char(&all, ' ');
        (void)strbuf_append(&all, word); /* the record's own limit is below the buffer's */
    }
    record_set(contact, CONTACT_ADDRESSES, strbuf_slice(&all));
    strbuf_free(&all);
}

/* The user's property behind one of from_profile: of the same name, or the unit. */
static int
profile_property(enum account_property contact)
{
    const char *near;

    if (contact == CONTACT_COMPANY || contact == CONTACT_DEPARTMENT)
        return USER_UNIT;
    return account_property_find(ACCOUNT_USER, slice_of(account_properties[contact].name), &near);
}

struct edit_contact_before
edit_contact_before(const struct record *domain, const struct record *user)
{
    struct edit_contact_before before = {.published = contact_is_published(domain, user)};

    for (size_t i = 0; i < ARRAY_LEN(from_profile); i++)
        if (record_get(user, (enum account_property)profile_property(from_profile[i])).len > 0)
            before.filled |= (uint32_t)1 << i;
    return before;
}

static void
take_profile(struct account_base *base, struct slice domain, struct record *contact,
             const struct record *user, uint32_t filled)
{
    struct strbuf company = strbuf_new(OBJECT_VALUE_MAX), department = strbuf_new(OBJECT_VALUE_MAX);

    unit_place(base, domain, record_get(user, USER_UNIT), &company, &department);
    for (size_t i = 0; i < ARRAY_LEN(from_profile); i++) {
        enum account_property id = from_profile[i];
        struct slice value = record_get(user, (enum account_property)profile_property(id));

        if (value.len == 0 && (filled & (uint32_t)1 << i) == 0)
            continue;
        if (id == CONTACT_COMPANY)
            value = strbuf_slice(&company);
        else if (id == CONTACT_DEPARTMENT)
            value = strbuf_slice(&department);
        record_set(contact, id, value);
    }
    strbuf_free(&company);
    strbuf_free(&department);
}

static int
publish(struct account_edit *edit, struct slice key, const struct record *user, uint32_t filled)
{
    struct slice rest = key, domain = slice_split(&rest, '\0');
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct record contact = record_new(ACCOUNT_CONTACT);
    int rc = load(edit, key, &contact);

    if (rc == 0)
        edit_put_time(edit, &contact, CONTACT_CREATED);
    if (rc >= 0) {
        account_entry_address(key, &address);
        take_profile(edit->base, domain, &contact, user, filled);
        put_address_first(&contact, strbuf_slice(&address));
        record_set(&contact, CONTACT_OF_USER, SLICE("yes"));
        rc = put(edit, key, &contact);
    }
    record_free(&contact);
    strbuf_free(&address);
    return rc;
}

int
edit_contact_user_gone(struct account_edit *edit, struct slice key)
{
    struct record contact = record_new(ACCOUNT_CONTACT);
    int rc = load(edit, key, &contact);

    if (rc > 0)
        rc = record_bool(&contact, CONTACT_OF_USER)
                 ? edit_del_row(edit, ACCOUNT_TABLE_CONTACTS, key)
                 : 0;
    record_free(&contact);
    return rc;
}

int
edit_contact_follow(struct account_edit *edit, const struct record *domain, struct slice key,
                    const struct record *user, struct edit_contact_before before)
{
    struct slice bytes;

    if (edit->restoring)
        return 0; /* the contacts come with their own lines */
    if (!contact_is_published(domain, user))
        return edit_contact_user_gone(edit, key);
    if (before.published && account_db_get(edit->base->db, ACCOUNT_TABLE_CONTACTS, key, &bytes) < 0)
        return errno == ENOENT ? 0 : account_fail_db(edit->result); /* removed by hand */
    return publish(edit, key, user, before.filled);
}

/* ---- whole books ---- */

static void
book_prefix(struct slice book, struct strbuf *prefix)
{
    (void)strbuf_append(prefix, book); /* a domain's name fits */
    (void)strbuf_char(prefix, '\0');
}

int
edit_contact_domain_gone(struct account_edit *edit, struct slice domain)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc;

    if (domain.len > 0)
        book_prefix(domain, &prefix);
    rc = edit_collect(edit, ACCOUNT_TABLE_CONTACTS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = edit_del_row(edit, ACCOUNT_TABLE_CONTACTS, edit_key(&rows.rows[i]));
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc;
}

struct repair {
    struct account_edit *edit;
    unsigned long long published, removed, damaged;
    struct record domain, record;
};

/* Contacts of mailboxes that are no more or not public, and what cannot be read. */
static int
remove_wrong(struct repair *repair, const struct edit_row *row)
{
    struct account_edit *edit = repair->edit;
    struct slice bytes, key = edit_key(row);
    bool public;

    if (record_load(&repair->record, edit_value(row)) < 0 ||
        repair->record.kind != ACCOUNT_CONTACT) {
        repair->damaged++;
        return edit_del_row(edit, ACCOUNT_TABLE_CONTACTS, key);
    }
    if (!record_bool(&repair->record, CONTACT_OF_USER))
        return 0;
    if (account_db_get(edit->base->db, ACCOUNT_TABLE_ENTRIES, key, &bytes) < 0) {
        if (errno != ENOENT)
            return account_fail_db(edit->result);
        public = false;
    } else {
        if (record_load(&repair->record, bytes) < 0)
            return account_fail_db(edit->result);
        public = repair->record.kind == ACCOUNT_USER &&
                 contact_is_published(&repair->domain, &repair->record);
    }
    if (public)
        return 0;
    repair->removed++;
    return edit_del_row(edit, ACCOUNT_TABLE_CONTACTS, key);
}

static int
publish_entry(struct repair *repair, const struct edit_row *row)
{
    if (record_load(&repair->record, edit_value(row)) < 0)
        return account_fail_db(repair->edit->result);
    if (repair->record.kind != ACCOUNT_USER ||
        !contact_is_published(&repair->domain, &repair->record))
        return 0;
    repair->published++;
    return publish(repair->edit, edit_key(row), &repair->record, 0);
}

static int
for_each(struct repair *repair, enum account_table table, struct slice prefix,
         int (*run)(struct repair *repair, const struct edit_row *row))
{
    struct edit_rows rows;
    int rc = edit_collect(repair->edit, table, prefix, &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = run(repair, &rows.rows[i]);
    edit_rows_free(&rows);
    return rc;
}

/* repair->domain is the domain's record; of the outside book an empty one, which publishes nobody.
 */
static int
repair_book(struct repair *repair, struct slice book)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    int rc;

    book_prefix(book, &prefix);
    rc = for_each(repair, ACCOUNT_TABLE_CONTACTS, strbuf_slice(&prefix), remove_wrong);
    if (rc == 0 && !record_is(&repair->domain, DOMAIN_PUBLISH_USERS, "no"))
        rc = for_each(repair, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&prefix), publish_entry);
    strbuf_free(&prefix);
    return rc;
}

static int
repair_domain(struct repair *repair, const struct edit_row *row)
{
    if (record_load(&repair->domain, edit_value(row)) < 0)
        return account_fail_db(repair->edit->result);
    return repair->domain.kind == ACCOUNT_DOMAIN ? repair_book(repair, edit_key(row)) : 0;
}

static struct repair
repair_new(struct account_edit *edit)
{
    return (struct repair){
        .edit = edit, .domain = record_new(ACCOUNT_DOMAIN), .record = record_new(ACCOUNT_CONTACT)};
}

static void
repair_free(struct repair *repair)
{
    record_free(&repair->domain);
    record_free(&repair->record);
}

/* `domain` is canonical. */
static int
repair_one(struct repair *repair, struct slice domain)
{
    struct slice bytes;

    if (account_db_get(repair->edit->base->db, ACCOUNT_TABLE_DOMAINS, domain, &bytes) < 0 ||
        record_load(&repair->domain, bytes) < 0)
        return account_fail_db(repair->edit->result);
    return repair_book(repair, domain);
}

int
edit_contact_domain_set(struct account_edit *edit, struct slice domain)
{
    struct repair repair = repair_new(edit);
    int rc = edit->restoring ? 0 : repair_one(&repair, domain);

    repair_free(&repair);
    return rc;
}

/* The canonical name of the book that somebody typed. */
static int
find_book(struct account_edit *edit, struct slice given, struct strbuf *book)
{
    enum account_found found = contact_book(edit->base, given, book);

    if (found == ACCOUNT_FOUND)
        return 0;
    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    return account_fail(edit->result, CODE_NO_BOOK,
                        "%.*s: expected a domain of ours, or " CONTACT_OUTSIDE, (int)given.len,
                        given.ptr);
}

int
contact_repair(struct account_edit *edit, struct slice given)
{
    struct repair repair = repair_new(edit);
    struct strbuf book = strbuf_new(ACCOUNT_KEY_MAX);
    int rc = given.len == 0 ? 0 : find_book(edit, given, &book);

    if (rc == 0 && given.len == 0)
        rc = for_each(&repair, ACCOUNT_TABLE_DOMAINS, SLICE(""), repair_domain);
    if (rc == 0 && (given.len == 0 || slice_eq(strbuf_slice(&book), SLICE(CONTACT_OUTSIDE)))) {
        record_free(&repair.domain);
        repair.domain = record_new(ACCOUNT_DOMAIN);
        rc = repair_book(&repair, SLICE(CONTACT_OUTSIDE));
    } else if (rc == 0) {
        rc = repair_one(&repair, strbuf_slice(&book));
    }
    if (rc == 0) {
        strbuf_clear(&edit->result->text);
        (void)strbuf_printf(&edit->result->text, "%llu published, %llu removed, %llu damaged",
                            repair.published, repair.removed, repair.damaged);
    }
    repair_free(&repair);
    strbuf_free(&book);
    return rc;
}

int
contact_clear(struct account_edit *edit, struct slice given)
{
    struct strbuf book = strbuf_new(ACCOUNT_KEY_MAX);
    int rc = given.len == 0 ? 0 : find_book(edit, given, &book);

    if (rc == 0)
        rc = edit_contact_domain_gone(edit, strbuf_slice(&book));
    strbuf_free(&book);
    return rc;
}
