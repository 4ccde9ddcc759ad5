/*
 * lib/base/txt_record.c - takes "v=...;" records apart. No I/O.
 */
#include "lib/base/txt_record.h"

bool
txt_record_is(struct slice *record, struct slice version)
{
    return slice_eq(slice_trim(slice_split(record, ';')), version);
}

int
txt_record_next(struct slice *record, struct slice *name, struct slice *value)
{
    struct slice field;

    if (record->len == 0)
        return 0;
    field = slice_trim(slice_split(record, ';'));
    if (field.len == 0 && record->len == 0)
        return 0;
    if (slice_index(field, '=') == field.len)
        return -1;
    *name = slice_split(&field, '=');
    *value = field;
    return 1;
}
