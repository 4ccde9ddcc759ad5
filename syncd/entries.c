/*
 * syncd/entries.c - what the directory has. No I/O.
 *
 * Input: objects that the process made which talked to the directory: untrusted.
 */
#include "syncd/entries.h"

#include <stdlib.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/base/mem.h"
#include "lib/sync/entry.h"

#define DN_BYTES_MAX 8192

/* ---- the address ---- */

/* "ann", or "ann@d.test" of this domain. */
static void
find_address(struct entry *e, struct slice given, struct slice domain)
{
    struct strbuf address = strbuf_new(CANONICAL_ADDRESS_MAX),
                  other = strbuf_new(CANONICAL_DOMAIN_MAX);
    size_t at = slice_rindex(given, '@');

    if (given.len == 0) {
        e->trouble = "the entry has no user name";
    } else if (at < given.len &&
               (canonical_domain(slice_sub(given, at + 1, given.len), &other) < 0 ||
                !slice_eq(strbuf_slice(&other), domain))) {
        e->trouble = "its address is in another domain";
    } else if (canonical_local(slice_sub(given, 0, at), &address) < 0 ||
               !canonical_local_usable(strbuf_slice(&address))) {
        e->trouble = "its name cannot be that of a mailbox";
    } else {
        (void)strbuf_char(&address, '@');
        (void)strbuf_append(&address, domain);
        e->address = xslicedup(strbuf_slice(&address));
    }
    strbuf_free(&address);
    strbuf_free(&other);
}

/* ---- reading ---- */

static void
begin_entry(struct entries *entries, const struct object_field *fields, uint32_t count,
            struct slice domain)
{
    struct entry *e = &entries->list[entries->count++];

    *e = (struct entry){.of_group = slice_eq(object_get(fields, count, "kind"), SLICE("group")),
                        .disabled = slice_eq(object_get(fields, count, "disabled"), SLICE("yes")),
                        .dn = object_get(fields, count, "dn"),
                        .id = object_get(fields, count, "id")};
    find_address(e, object_get(fields, count, "address"), domain);
    if (e->id.len == 0 && e->trouble == NULL)
        e->trouble = "the entry has no ID";
    *(e->of_group ? &entries->groups : &entries->users) += 1;
}

/* The objects of one entry follow each other. */
static bool
goes_on(const struct entries *entries, const struct object_field *fields, uint32_t count)
{
    const struct entry *last = entries->count > 0 ? &entries->list[entries->count - 1] : NULL;

    return last != NULL && slice_eq(last->dn, object_get(fields, count, "dn")) &&
           last->of_group == slice_eq(object_get(fields, count, "kind"), SLICE("group"));
}

static int
read_all(struct entries *entries, struct slice fetched, struct slice domain)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    size_t room = 0;
    int count;

    for (struct slice rest = fetched; (count = object_next(&rest, fields)) > 0; fetched = rest) {
        size_t len = fetched.len - rest.len;

        if (entries->count == ENTRIES_MAX)
            break;
        if (entries->count == room) {
            room = room == 0 ? 256 : room * 2;
            entries->list = xreallocarray(entries->list, room, sizeof(*entries->list));
        }
        if (goes_on(entries, fields, (uint32_t)count)) {
            entries->list[entries->count - 1].objects.len += len; /* they lie one after the other */
            continue;
        }
        begin_entry(entries, fields, (uint32_t)count, domain);
        entries->list[entries->count - 1].objects = slice_sub(fetched, 0, len);
    }
    free(fields);
    return count == 0 ? 0 : -1;
}

static void
put(struct map *map, struct slice key, struct entry *e, const char *twice)
{
    void **at = map_at(map, key);

    if (at != NULL && *at == NULL)
        *at = e;
    else if (e->trouble == NULL)
        e->trouble = twice;
}

static void
put_dn(struct entries *entries, struct entry *e)
{
    struct strbuf folded = strbuf_new(DN_BYTES_MAX);
    void **at;

    sync_entry_fold(e->dn, &folded);
    at = map_at(entries->by_dn, strbuf_slice(&folded));
    if (at != NULL)
        *at = e;
    strbuf_free(&folded);
}

int
entries_read(struct entries *entries, struct slice fetched, struct slice domain)
{
    *entries = (struct entries){.by_dn = map_new(ENTRIES_MAX),
                                .user_by_id = map_new(ENTRIES_MAX),
                                .group_by_id = map_new(ENTRIES_MAX),
                                .user_by_address = map_new(ENTRIES_MAX)};
    if (read_all(entries, fetched, domain) < 0)
        return -1;
    for (size_t i = 0; i < entries->count; i++) { /* the list does not move any more */
        struct entry *e = &entries->list[i];

        put_dn(entries, e);
        if (e->id.len > 0)
            put(e->of_group ? entries->group_by_id : entries->user_by_id, e->id, e,
                "another entry has the same ID");
        if (e->address != NULL)
            put(entries->user_by_address, slice_of(e->address), e,
                "another entry has the same name");
    }
    return 0;
}

void
entries_free(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->list[i].address);
    free(entries->list);
    map_free(&entries->by_dn, NULL);
    map_free(&entries->user_by_id, NULL);
    map_free(&entries->group_by_id, NULL);
    map_free(&entries->user_by_address, NULL);
}

void
entry_fields(const struct entry *entry, void (*each)(void *arg, const struct object_field *field),
             void *arg)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct slice rest = entry->objects;
    int count;

    while ((count = object_next(&rest, fields)) > 0)
        for (int i = 0; i < count; i++)
            each(arg, &fields[i]);
    free(fields);
}

struct entry *
entries_by_dn(const struct entries *entries, struct slice dn)
{
    struct strbuf folded = strbuf_new(DN_BYTES_MAX);
    struct entry *e;

    sync_entry_fold(dn, &folded);
    e = map_get(entries->by_dn, strbuf_slice(&folded));
    strbuf_free(&folded);
    return e;
}
