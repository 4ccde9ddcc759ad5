/*
 * directoryd/store.c - the contacts in memory. No I/O.
 */
#include "directoryd/store.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

/* One contact, group or unit: the book's number, the lengths, the name, the fields. */
struct packed {
    uint32_t fields_len;
    uint16_t book;
    uint8_t name_len;
    uint8_t kind; /* enum ldap_entry_kind */
    char bytes[];
};

struct store {
    struct store_book *books;
    size_t book_count;
    struct packed **contacts; /* by id; NULL: gone */
    uint64_t *serials;        /* by id */
    uint32_t count, room, live;
    uint64_t next_serial;
    uint32_t *names; /* hash table of ids + 1; 0: free */
    uint32_t name_room, name_used;
    uint64_t seed;
};

enum { FIRST_ROOM = 256 };

struct store *
store_new(void)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->next_serial = STORE_FIRST_SERIAL;
    random_bytes(&store->seed, sizeof(store->seed));
    (void)store_domain(store, SLICE(STORE_OUTSIDE), false);
    return store;
}

void
store_free(struct store **storep)
{
    struct store *store = *storep;

    if (store == NULL)
        return;
    for (size_t i = 0; i < store->book_count; i++)
        free(store->books[i].name);
    for (uint32_t i = 0; i < store->count; i++)
        free(store->contacts[i]);
    free(store->books);
    free(store->contacts);
    free(store->serials);
    free(store->names);
    xfree(storep);
}

/* ---- books ---- */

static int
find_book(const struct store *store, struct slice name)
{
    for (size_t i = 0; i < store->book_count; i++)
        if (slice_eq_nocase(slice_of(store->books[i].name), name))
            return (int)i;
    return -1;
}

static int
make_book(struct store *store, struct slice name)
{
    int book = find_book(store, name);

    if (book >= 0)
        return book;
    if (store->book_count == STORE_BOOKS_MAX || name.len > LDAP_BOOK_MAX)
        return -1;
    store->books = xreallocarray(store->books, store->book_count + 1, sizeof(*store->books));
    store->books[store->book_count] =
        (struct store_book){.name = xslicedup(name), .own_users_only = true};
    return (int)store->book_count++;
}

int
store_domain(struct store *store, struct slice name, bool own_users_only)
{
    int book = make_book(store, name);

    if (book < 0)
        return -1;
    store->books[book].exists = true;
    store->books[book].own_users_only = own_users_only;
    return 0;
}

void
store_domain_gone(struct store *store, struct slice name)
{
    int book = find_book(store, name);

    if (book > 0) /* the first one is no domain's */
        store->books[book].exists = false;
}

size_t
store_book_count(const struct store *store)
{
    return store->book_count;
}

const struct store_book *
store_book_at(const struct store *store, size_t book)
{
    return &store->books[book];
}

int
store_book_number(const struct store *store, struct slice name)
{
    return find_book(store, name);
}

int
store_book_find(const struct store *store, struct slice name)
{
    int book = find_book(store, name);

    return book >= 0 && store->books[book].exists ? book : -1;
}

/* ---- names ---- */

static uint32_t
hash_name(const struct store *store, enum ldap_entry_kind kind, int book, struct slice name)
{
    uint64_t hash = store->seed ^ ((uint64_t)book << 8 | kind);

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    return (uint32_t)hash;
}

static struct slice
name_of(const struct packed *packed)
{
    return slice_make(packed->bytes, packed->name_len);
}

/* Where the name's id is, or the free place where it would be. */
static uint32_t
place_of(const struct store *store, enum ldap_entry_kind kind, int book, struct slice name)
{
    uint32_t at = hash_name(store, kind, book, name) & (store->name_room - 1);

    for (; store->names[at] != 0; at = (at + 1) & (store->name_room - 1)) {
        const struct packed *packed = store->contacts[store->names[at] - 1];

        if (packed != NULL && packed->kind == kind && packed->book == book &&
            slice_eq(name_of(packed), name))
            break;
    }
    return at;
}

static void
index_names(struct store *store, uint32_t room)
{
    free(store->names);
    store->names = xcalloc(room, sizeof(*store->names));
    store->name_room = room;
    store->name_used = 0;
    for (uint32_t id = 0; id < store->count; id++) {
        const struct packed *packed = store->contacts[id];

        if (packed == NULL)
            continue;
        store->names[place_of(store, (enum ldap_entry_kind)packed->kind, packed->book,
                              name_of(packed))] = id + 1;
        store->name_used++;
    }
}

/* Places of contacts that are gone stay used until the table is made anew. */
static void
put_name(struct store *store, uint32_t id)
{
    const struct packed *packed = store->contacts[id];
    uint32_t at;

    if (store->name_room == 0 || store->name_used + 1 > store->name_room / 4 * 3)
        index_names(store, store->live < FIRST_ROOM ? FIRST_ROOM * 2
                                                    : 2u << (32 - __builtin_clz(store->live)));
    at = place_of(store, (enum ldap_entry_kind)packed->kind, packed->book, name_of(packed));
    store->name_used += store->names[at] == 0;
    store->names[at] = id + 1;
}

int64_t
store_find(const struct store *store, enum ldap_entry_kind kind, int book, struct slice name)
{
    return store->name_room == 0 ? -1
                                 : (int64_t)store->names[place_of(store, kind, book, name)] - 1;
}

/* ---- contacts ---- */

static void
drop(struct store *store, int64_t id)
{
    if (id < 0)
        return;
    xfree(&store->contacts[id]);
    store->live--;
}

static struct packed *
pack(enum ldap_entry_kind kind, int book, struct slice name, struct slice fields)
{
    struct packed *packed = xmalloc(sizeof(*packed) + name.len + fields.len);

    packed->kind = (uint8_t)kind;
    packed->book = (uint16_t)book;
    packed->name_len = (uint8_t)name.len;
    packed->fields_len = (uint32_t)fields.len;
    if (name.len > 0)
        memcpy(packed->bytes, name.ptr, name.len);
    if (fields.len > 0)
        memcpy(packed->bytes + name.len, fields.ptr, fields.len);
    return packed;
}

static void
grow(struct store *store)
{
    if (store->count < store->room)
        return;
    store->room = store->room == 0 ? FIRST_ROOM : store->room + store->room / 2;
    store->contacts = xreallocarray(store->contacts, store->room, sizeof(struct packed *));
    store->serials = xreallocarray(store->serials, store->room, sizeof(*store->serials));
}

int64_t
store_put(struct store *store, enum ldap_entry_kind kind, struct slice book_name, struct slice name,
          struct slice fields)
{
    int book = make_book(store, book_name);

    if (book < 0 || store->count == STORE_CONTACTS_MAX || name.len > LDAP_NAME_MAX ||
        fields.len > LDAP_FIELDS_BYTES_MAX)
        return -1;
    drop(store, store_find(store, kind, book, name));
    grow(store);
    store->contacts[store->count] = pack(kind, book, name, fields);
    store->serials[store->count] = store->next_serial++;
    store->live++;
    store->count++;
    put_name(store, store->count - 1);
    return (int64_t)store->count - 1;
}

int
store_set_fields(struct store *store, uint32_t id, struct slice fields)
{
    struct packed *old = store->contacts[id];

    if (fields.len > LDAP_FIELDS_BYTES_MAX)
        return -1;
    store->contacts[id] = pack((enum ldap_entry_kind)old->kind, old->book, name_of(old), fields);
    free(old);
    return 0;
}

void
store_remove(struct store *store, enum ldap_entry_kind kind, struct slice book_name,
             struct slice name)
{
    int book = find_book(store, book_name);

    if (book >= 0)
        drop(store, store_find(store, kind, book, name));
}

uint32_t
store_ids(const struct store *store)
{
    return store->count;
}

uint32_t
store_live(const struct store *store)
{
    return store->live;
}

bool
store_entry(const struct store *store, uint32_t id, struct ldap_entry *entry, int *book)
{
    const struct packed *packed = id < store->count ? store->contacts[id] : NULL;

    if (packed == NULL)
        return false;
    *book = packed->book;
    *entry = (struct ldap_entry){
        .kind = (enum ldap_entry_kind)packed->kind,
        .book = slice_of(store->books[packed->book].name),
        .name = name_of(packed),
        .fields = slice_make(packed->bytes + packed->name_len, packed->fields_len)};
    return true;
}

uint64_t
store_serial(const struct store *store, uint32_t id)
{
    return store->serials[id];
}

uint32_t
store_id_behind(const struct store *store, uint64_t serial)
{
    uint32_t low = 0, high = store->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (store->serials[middle] > serial)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void
store_compact(struct store *store)
{
    uint32_t to = 0;

    for (uint32_t id = 0; id < store->count; id++) {
        if (store->contacts[id] == NULL)
            continue;
        store->contacts[to] = store->contacts[id];
        store->serials[to++] = store->serials[id];
    }
    store->count = to;
    if (store->name_room > 0)
        index_names(store, store->name_room);
}
