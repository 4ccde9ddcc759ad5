/*
 * lib/conf/sender_table.c - entries of the list file queue.header_replace.
 *
 * Input: written by the administrator, checked by sender_table_expected. No I/O.
 */
#include "lib/conf/sender_table.h"

#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/mail/address.h"

struct sender_table {
    struct map *by_address; /* "local@domain" in lower case, without quotes -> replacement */
};

struct line {
    struct slice with, scope, addresses;
};

/* ---- one entry ---- */

static struct slice
take_word(struct slice *rest)
{
    struct slice word;
    size_t end = 0;

    while (end < rest->len && rest->ptr[end] != ' ' && rest->ptr[end] != '\t')
        end++;
    word = slice_sub(*rest, 0, end);
    *rest = slice_trim(slice_sub(*rest, end, rest->len));
    return word;
}

static struct line
line_of(struct slice entry)
{
    struct slice with = take_word(&entry), scope = take_word(&entry);

    return (struct line){with, scope, entry};
}

/* 0: none of the words. */
static unsigned
scope_of(struct slice word)
{
    if (slice_eq_nocase(word, SLICE("both")))
        return SENDER_LOCAL | SENDER_REMOTE;
    if (slice_eq_nocase(word, SLICE("local")))
        return SENDER_LOCAL;
    return slice_eq_nocase(word, SLICE("remote")) ? SENDER_REMOTE : 0;
}

/* The replacement is ASCII: it must not make a message one that needs SMTPUTF8. */
const char *
sender_table_expected(struct slice entry)
{
    struct line l = line_of(entry);
    struct address address;

    if (address_parse(l.with, 0, &address) != ADDRESS_OK)
        return "ADDRESS WHERE OLD;OLD..., the first address such as office@example.org";
    if (scope_of(l.scope) == 0)
        return "ADDRESS WHERE OLD;OLD..., the second word local, remote or both";
    do {
        if (address_parse(slice_trim(slice_split(&l.addresses, ';')), ADDRESS_UTF8, &address) !=
            ADDRESS_OK)
            return "ADDRESS WHERE OLD;OLD..., addresses such as alice@example.org behind it";
    } while (l.addresses.len > 0);
    return NULL;
}

/* ---- the table ---- */

/* False: longer than any address of the table. */
static bool
make_key(struct slice local, struct slice domain, struct strbuf *key)
{
    (void)strbuf_append(key, local);
    (void)strbuf_char(key, '@');
    (void)strbuf_append(key, domain);
    for (size_t i = 0; i < key->len; i++)
        if (key->ptr[i] >= 'A' && key->ptr[i] <= 'Z')
            key->ptr[i] = (char)(key->ptr[i] | 0x20);
    return !key->overflow;
}

static void
add(struct sender_table *table, struct slice old, struct slice with)
{
    struct strbuf key = strbuf_new(ADDRESS_MAX), local = strbuf_new(ADDRESS_LOCAL_MAX);
    struct address address;
    void **place = NULL;

    if (address_parse(old, ADDRESS_UTF8, &address) == ADDRESS_OK && /* the entry is right */
        address_local_plain(&address, &local) &&
        make_key(strbuf_slice(&local), address.domain, &key))
        place = map_at(table->by_address, strbuf_slice(&key));
    if (place != NULL && *place == NULL)
        *place = xslicedup(with);
    strbuf_free(&key);
    strbuf_free(&local);
}

struct sender_table *
sender_table_new(const struct list_file *list, enum sender_scope scope)
{
    struct sender_table *table = xcalloc(1, sizeof(*table));

    table->by_address = map_new(SENDER_TABLE_MAX);
    for (size_t i = 0; i < list->count; i++) {
        struct line l = line_of(list->entries[i].text);

        while ((scope_of(l.scope) & scope) != 0 && l.addresses.len > 0)
            add(table, slice_trim(slice_split(&l.addresses, ';')), l.with);
    }
    if (map_count(table->by_address) == 0)
        sender_table_free(&table);
    return table;
}

void
sender_table_free(struct sender_table **tablep)
{
    if (*tablep != NULL)
        map_free(&(*tablep)->by_address, free);
    xfree(tablep);
}

static bool
find(const void *arg, struct slice local, struct slice domain, struct slice *with)
{
    const struct sender_table *table = arg;
    struct strbuf key = strbuf_new(ADDRESS_MAX);
    const char *found = NULL;

    if (make_key(local, domain, &key))
        found = map_get(table->by_address, strbuf_slice(&key));
    strbuf_free(&key);
    *with = slice_of(found);
    return found != NULL;
}

struct sender_rules
sender_table_rules(const struct sender_table *table)
{
    return (struct sender_rules){find, table};
}
