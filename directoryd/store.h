/*
 * directoryd/store.h - the contacts in memory, packed, with their books, by number and by name.
 *
 * A contact gets a new id when it changes: ids ascend with time, which is what the index needs. A
 * serial number names it from outside; serials ascend with the ids and survive store_compact.
 */
#ifndef POSTHORN_DIRECTORYD_STORE_H
#define POSTHORN_DIRECTORYD_STORE_H

#include <stdint.h>

#include "lib/ldap/entry.h"

#define STORE_BOOKS_MAX 65535
#define STORE_CONTACTS_MAX 4000000u
#define STORE_OUTSIDE "outside" /* lib/account: book of people outside; there from the start */
#define STORE_FIRST_SERIAL (1u << 20) /* of a contact: smaller ones are of the entries above */

struct store;

struct store_book {
    char *name;
    bool exists;         /* its domain is there */
    bool own_users_only; /* who reads it */
};

struct store *store_new(void);
void store_free(struct store **storep);

/* The domain is there, or no more. 0, or -1: too many. */
int store_domain(struct store *store, struct slice name, bool own_users_only);
void store_domain_gone(struct store *store, struct slice name);
size_t store_book_count(const struct store *store);
const struct store_book *store_book_at(const struct store *store, size_t book);
/* -1: there is none. */
int store_book_number(const struct store *store, struct slice name);
/* -1: there is none that exists. */
int store_book_find(const struct store *store, struct slice name);

/* A contact, a group or a unit is there, in place of an older one of the same name. Its id, or -1:
 * too many. */
int64_t store_put(struct store *store, enum ldap_entry_kind kind, struct slice book,
                  struct slice name, struct slice fields);
/* Other fields for an id that is there, where the index knows nothing of the difference. 0, or -1:
 * too long. */
int store_set_fields(struct store *store, uint32_t id, struct slice fields);
void store_remove(struct store *store, enum ldap_entry_kind kind, struct slice book,
                  struct slice name);
/* The id, or -1. */
int64_t store_find(const struct store *store, enum ldap_entry_kind kind, int book,
                   struct slice name);

uint32_t store_ids(const struct store *store);  /* ids are below this */
uint32_t store_live(const struct store *store); /* contacts, groups and units */
/* False: nothing is there any more. The slices are borrowed until the next change. */
bool store_entry(const struct store *store, uint32_t id, struct ldap_entry *entry, int *book);
uint64_t store_serial(const struct store *store, uint32_t id);
/* The first id whose serial is above `serial`. */
uint32_t store_id_behind(const struct store *store, uint64_t serial);
/* Ids without a contact go: all ids are new. */
void store_compact(struct store *store);

#endif
