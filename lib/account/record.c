/*
 * lib/account/record.c - one account's properties in memory and as bytes. No I/O.
 */
#include "lib/account/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define KIND_FIELD "kind"

struct record
record_new(enum account_kind kind)
{
    return (struct record){.kind = kind, .bytes = strbuf_new(RECORD_BYTES_MAX)};
}

static void
clear(struct record *record)
{
    for (size_t i = 0; record->owns && i < RECORD_PROPERTIES_MAX; i++)
        xfree(&record->owned[i]);
    record->owns = false;
    memset(record->values, 0, sizeof(record->values));
    strbuf_clear(&record->bytes);
}

void
record_free(struct record *record)
{
    clear(record);
    strbuf_free(&record->bytes);
}

/* Where a property's value is: its place among those of its kind. */
static size_t
place(const struct record *record, enum account_property id)
{
    size_t first, count = account_properties_of(record->kind, &first);

    assert_always(id >= first && id < first + count && count <= RECORD_PROPERTIES_MAX);
    return id - first;
}

/* Fields come in the schema's order: the search goes on where the last one ended. A name that the
 * schema no longer has is dropped. */
static void
take_fields(struct record *record, const struct object_field *fields, int count)
{
    size_t first, total = account_properties_of(record->kind, &first), at = 0;

    for (int i = 1; i < count; i++) {
        for (size_t tried = 0; tried < total; tried++) {
            size_t slot = (at + tried) % total;

            const struct property *p = &account_properties[first + slot];

            if (slice_eq(fields[i].name, slice_make(p->name, p->name_len))) {
                record->values[slot] = fields[i].value;
                at = slot + 1;
                break;
            }
        }
    }
}

int
record_load(struct record *record, struct slice bytes)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice rest;
    int count = -1, kind = -1;

    clear(record);
    if (strbuf_append(&record->bytes, bytes)) {
        rest = strbuf_slice(&record->bytes);
        count = object_next(&rest, fields);
    }
    if (count > 0 && slice_eq(fields[0].name, SLICE(KIND_FIELD)))
        kind = account_kind_find(fields[0].value);
    if (kind < 0) {
        errno = EBADMSG;
        return -1;
    }
    record->kind = (enum account_kind)kind;
    take_fields(record, fields, count);
    return 0;
}

void
record_save(const struct record *record, struct strbuf *out)
{
    struct object_field fields[RECORD_PROPERTIES_MAX + 1];
    size_t first, total = account_properties_of(record->kind, &first);
    uint32_t count = 0;

    fields[count++] =
        (struct object_field){SLICE(KIND_FIELD), slice_of(account_kind_name(record->kind))};
    for (size_t i = 0; i < total; i++)
        if (record->values[i].ptr != NULL)
            fields[count++] = (struct object_field){slice_of(account_properties[first + i].name),
                                                    record->values[i]};
    object_add(out, fields, count);
}

struct slice
record_get(const struct record *record, enum account_property id)
{
    struct slice value = record->values[place(record, id)];

    return value.ptr != NULL ? value : slice_of(account_properties[id].dflt);
}

bool
record_bool(const struct record *record, enum account_property id)
{
    return slice_eq(record_get(record, id), SLICE("yes"));
}

uint64_t
record_u64(const struct record *record, enum account_property id)
{
    uint64_t value = 0;

    (void)parse_u64(record_get(record, id), UINT64_MAX, &value); /* stored ones are numbers */
    return value;
}

bool
record_is(const struct record *record, enum account_property id, const char *value)
{
    return slice_eq(record_get(record, id), slice_of(value));
}

void
record_set(struct record *record, enum account_property id, struct slice value)
{
    size_t at = place(record, id);
    char *copy = NULL;

    if (value.len > 0 && !slice_eq(value, slice_of(account_properties[id].dflt)))
        copy = xslicedup(value);
    free(record->owned[at]); /* after the copy: `value` may be the old one */
    record->owned[at] = copy;
    record->owns = true;
    record->values[at] = slice_make(copy, copy == NULL ? 0 : value.len);
}
