/*
 * posthorn/oper_columns.c - the columns of a kind of lib/oper/kinds.def.
 */
#include "posthorn/oper_columns.h"

#include "lib/base/mem.h"

static enum column_type
column_type(enum oper_type type)
{
    switch (type) {
    case OPER_NUMBER:
        return COLUMN_NUMBER;
    case OPER_BOOL:
        return COLUMN_BOOL;
    case OPER_LIST:
        return COLUMN_LIST;
    case OPER_TEXT:
        break;
    }
    return COLUMN_TEXT;
}

const struct columns *
oper_columns(enum oper_kind kind)
{
    static struct columns all[OPER_KIND_COUNT];
    struct columns *out = &all[kind];
    size_t count;
    const struct oper_field *fields = oper_fields_of(kind, &count);

    assert_always(count <= ACCOUNTS_FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        out->items[i] =
            (struct column){fields[i].name, column_type(fields[i].type), fields[i].wide};
    out->count = count;
    return out;
}

struct table *
oper_table(enum oper_kind kind)
{
    const struct columns *columns = oper_columns(kind);

    return table_new(columns->items, columns->count);
}

void
oper_add_row(void *table, const struct object_field *fields, uint32_t count)
{
    table_add(table, fields, count);
}
