/*
 * syncd/locals.c - what the domain has.
 */
#include "syncd/locals.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define ADDRESSES_MAX 4000000u

struct reading {
    struct locals *locals;
    const struct sync_source *source;
    enum account_kind kind;
};

/* Of all the properties of a mailbox those that are compared. */
static struct slice
keep(const struct sync_source *source, bool of_group, const struct object_field *fields,
     uint32_t count)
{
    struct object_field kept[SYNC_ROWS_MAX];
    struct strbuf packed = strbuf_new((size_t)SYNC_ROWS_MAX * 8192);
    uint32_t kept_count = 0;
    struct slice out;

    for (size_t i = 0; i < source->count; i++)
        if (source->rows[i].of_group == of_group)
            for (uint32_t k = 0; k < count; k++)
                if (slice_eq(fields[k].name, source->rows[i].name))
                    kept[kept_count++] = fields[k];
    object_add(&packed, kept, kept_count);
    out = slice_make(xslicedup(strbuf_slice(&packed)), packed.len);
    strbuf_free(&packed);
    return out;
}

static void
put(struct map *map, struct slice key, struct local *l)
{
    void **at = key.len > 0 ? map_at(map, key) : NULL;

    if (at != NULL)
        *at = l;
}

static void
take(void *arg, const struct object_field *fields, uint32_t count)
{
    struct reading *r = arg;
    struct locals *locals = r->locals;
    struct local *l = xcalloc(1, sizeof(*l));
    bool of_group = r->kind == ACCOUNT_GROUP;

    l->kind = r->kind;
    l->address = xslicedup(object_get(fields, count, "address"));
    l->sync_id = xslicedup(object_get(fields, count, "sync_id"));
    l->target = xslicedup(object_get(fields, count, "mailbox"));
    l->synced = slice_eq(object_get(fields, count, "synced"), SLICE("yes"));
    l->active = slice_eq(object_get(fields, count, "status"), SLICE("normal"));
    l->sync_disabled = slice_eq(object_get(fields, count, "sync_disabled"), SLICE("yes")) &&
                       slice_eq(object_get(fields, count, "status"), SLICE("disabled"));
    l->kept = keep(r->source, of_group, fields, count);
    *locals->last = l;
    locals->last = &l->next;
    put(locals->by_address, slice_of(l->address), l);
    if (l->sync_id[0] == '\0')
        return;
    put(of_group ? locals->group_by_id : locals->user_by_id, slice_of(l->sync_id), l);
    *(of_group ? &locals->groups : &locals->users) += 1;
}

int
locals_read(struct locals *locals, struct ask *ask, struct slice domain,
            const struct sync_source *source)
{
    static const enum account_kind kinds[] = {ACCOUNT_USER, ACCOUNT_ALIAS, ACCOUNT_GROUP};
    struct reading r = {.locals = locals, .source = source};
    int rc = 0;

    *locals = (struct locals){.by_address = map_new(ADDRESSES_MAX),
                              .user_by_id = map_new(ADDRESSES_MAX),
                              .group_by_id = map_new(ADDRESSES_MAX)};
    locals->last = &locals->first;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && rc == 0; i++) {
        r.kind = kinds[i];
        rc = ask_list(ask, account_kind_name(r.kind), domain, take, &r);
    }
    return rc;
}

void
locals_free(struct locals *locals)
{
    struct local *l, *next;

    for (l = locals->first; l != NULL; l = next) {
        next = l->next;
        free(l->address);
        free(l->sync_id);
        free(l->target);
        free((void *)(uintptr_t)l->kept.ptr);
        free(l);
    }
    map_free(&locals->by_address, NULL);
    map_free(&locals->user_by_id, NULL);
    map_free(&locals->group_by_id, NULL);
}

struct slice
local_value(const struct local *local, struct slice property)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice rest = local->kept;
    int count = object_next(&rest, fields);

    for (int i = 0; i < count; i++)
        if (slice_eq(fields[i].name, property))
            return fields[i].value;
    return SLICE("");
}
