/*
 * lib/ipc/object.h - lists of objects in a reply: each a row of name = value pairs.
 *
 * The command line prints them as a table or as JSON without knowing what they mean.
 */
#ifndef POSTHORN_LIB_IPC_OBJECT_H
#define POSTHORN_LIB_IPC_OBJECT_H

#include "lib/base/strbuf.h"

#define OBJECT_FIELDS_MAX 256
#define OBJECT_NAME_MAX 64
#define OBJECT_VALUE_MAX 65536

struct object_field {
    struct slice name, value;
};

/* Appends one object to `data` (overflow is remembered by the buffer). */
void object_add(struct strbuf *data, const struct object_field *fields, uint32_t count);
/* Takes the next object off *data: its number of fields, 0 at the end, -1 damaged. The fields
 * borrow from *data. */
int object_next(struct slice *data, struct object_field fields[OBJECT_FIELDS_MAX]);
/* Takes an object off *data that object_next() refused for its limits. 0, or -1: damaged, nothing
 * was taken. */
int object_skip(struct slice *data);
bool object_has(const struct object_field *fields, uint32_t count, const char *name);
/* The value of a field by name, or the empty slice. */
struct slice object_get(const struct object_field *fields, uint32_t count, const char *name);

#endif
