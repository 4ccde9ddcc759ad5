/*
 * posthorn/oper_columns.h - the columns of services, queued messages, settings... by the table of
 * lib/oper/kinds.def.
 */
#ifndef POSTHORN_POSTHORN_OPER_COLUMNS_H
#define POSTHORN_POSTHORN_OPER_COLUMNS_H

#include "lib/oper/kinds.h"
#include "posthorn/accounts.h"

const struct columns *oper_columns(enum oper_kind kind);
struct table *oper_table(enum oper_kind kind); /* with these */
/* For whoever hands rows out: adds one to the table. */
void oper_add_row(void *table, const struct object_field *fields, uint32_t count);

#endif
