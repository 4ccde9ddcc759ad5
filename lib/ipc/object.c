/*
 * lib/ipc/object.c - lists of objects in a reply. Untrusted input, no I/O.
 */
#include "lib/ipc/object.h"

#include "lib/ipc/frame.h"

void
object_add(struct strbuf *data, const struct object_field *fields, uint32_t count)
{
    struct writer w = {.out = data, .start = data->len};

    writer_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        writer_bytes(&w, fields[i].name);
        writer_bytes(&w, fields[i].value);
    }
}

int
object_next(struct slice *data, struct object_field fields[OBJECT_FIELDS_MAX])
{
    struct reader r = reader_begin(*data);
    uint32_t count;

    if (data->len == 0)
        return 0;
    count = reader_count(&r, OBJECT_FIELDS_MAX);
    for (uint32_t i = 0; i < count && !r.failed; i++) {
        fields[i].name = reader_bytes(&r, OBJECT_NAME_MAX);
        fields[i].value = reader_bytes(&r, OBJECT_VALUE_MAX);
    }
    if (r.failed || count == 0)
        return -1;
    *data = r.rest;
    return (int)count;
}

int
object_skip(struct slice *data)
{
    struct reader r = reader_begin(*data);
    uint32_t count = reader_u32(&r);

    for (uint32_t i = 0; i < count && !r.failed; i++) {
        (void)reader_bytes(&r, SIZE_MAX);
        (void)reader_bytes(&r, SIZE_MAX);
    }
    if (r.failed)
        return -1;
    *data = r.rest;
    return 0;
}

bool
object_has(const struct object_field *fields, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(fields[i].name, slice_of(name)))
            return true;
    return false;
}

struct slice
object_get(const struct object_field *fields, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(fields[i].name, slice_of(name)))
            return fields[i].value;
    return slice_make("", 0);
}
