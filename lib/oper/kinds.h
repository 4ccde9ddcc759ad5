/*
 * lib/oper/kinds.h - services, queued messages, settings, logs...: what an administrator sees of a
 * server besides accounts, with the function that it takes (lib/oper/kinds.def). No I/O.
 */
#ifndef POSTHORN_LIB_OPER_KINDS_H
#define POSTHORN_LIB_OPER_KINDS_H

#include <stdbool.h>

#include "lib/account/rights.h"
#include "lib/base/slice.h"

#define OPER_SUPER (-1) /* in the place of a function: super administrators alone */

enum oper_kind {
#define KIND(id, name, right, by_operd) id,
#define FIELD(kind, name, type, wide)
#include "lib/oper/kinds.def"
#undef KIND
#undef FIELD
    OPER_KIND_COUNT
};

enum oper_type {
    OPER_TEXT,
    OPER_NUMBER,
    OPER_BOOL, /* "yes" or "no" */
    OPER_LIST  /* words separated by white space */
};

struct oper_field {
    enum oper_kind kind;
    const char *name;
    enum oper_type type;
    bool wide;
};

int oper_kind_find(struct slice name); /* enum oper_kind, or -1 */
const char *oper_kind_name(enum oper_kind kind);
/* enum account_right, or OPER_SUPER: what it takes to see a kind, and to do `verb` with it (how a
 * service is started and where it listens belongs to the configuration). */
int oper_kind_right(enum oper_kind kind, struct slice verb);
bool oper_kind_is_operds(enum oper_kind kind);
/* The fields of a kind are [return value, *count). */
const struct oper_field *oper_fields_of(enum oper_kind kind, size_t *count);
/* NULL: there is no such field. */
const struct oper_field *oper_field_find(enum oper_kind kind, struct slice name);

#endif
