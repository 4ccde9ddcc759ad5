/*
 * lib/oper/kinds.c - the table of lib/oper/kinds.def. No I/O.
 */
#include "lib/oper/kinds.h"

static const struct {
    const char *name;
    int right;
    bool by_operd;
} kinds[OPER_KIND_COUNT] = {
#define KIND(id, name, right, by_operd) [id] = {name, (int)(right), by_operd},
#define FIELD(kind, name, type, wide)
#include "lib/oper/kinds.def"
#undef KIND
#undef FIELD
};

static const struct oper_field fields[] = {
#define KIND(id, name, right, by_operd)
#define FIELD(kind, name, type, wide) {kind, name, type, wide},
#include "lib/oper/kinds.def"
#undef KIND
#undef FIELD
};

int
oper_kind_find(struct slice name)
{
    for (int i = 0; i < OPER_KIND_COUNT; i++)
        if (slice_eq(name, slice_of(kinds[i].name)))
            return i;
    return -1;
}

const char *
oper_kind_name(enum oper_kind kind)
{
    return kinds[kind].name;
}

int
oper_kind_right(enum oper_kind kind, struct slice verb)
{
    if (kind == OPER_SERVICE && slice_eq(verb, SLICE("set")))
        return ACCOUNT_RIGHT_CONFIG;
    return kinds[kind].right;
}

bool
oper_kind_is_operds(enum oper_kind kind)
{
    return kinds[kind].by_operd;
}

const struct oper_field *
oper_fields_of(enum oper_kind kind, size_t *count)
{
    size_t first = 0, end;

    while (first < ARRAY_LEN(fields) && fields[first].kind != kind)
        first++;
    for (end = first; end < ARRAY_LEN(fields) && fields[end].kind == kind; end++)
        continue;
    *count = end - first;
    return fields + (first < ARRAY_LEN(fields) ? first : 0);
}

const struct oper_field *
oper_field_find(enum oper_kind kind, struct slice name)
{
    size_t count;
    const struct oper_field *of = oper_fields_of(kind, &count);

    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, slice_of(of[i].name)))
            return &of[i];
    return NULL;
}
