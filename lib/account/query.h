/*
 * lib/account/query.h - reading accounts as objects: listings, one object, the text of an export.
 */
#ifndef POSTHORN_LIB_ACCOUNT_QUERY_H
#define POSTHORN_LIB_ACCOUNT_QUERY_H

#include "lib/account/account.h"
#include "lib/account/edit.h"

#define QUERY_CURSOR_MAX ACCOUNT_KEY_MAX

/* One row as fields in the schema's order, the name first, defaults filled in, secrets left out;
 * GIVEN properties that are not in the row are empty. Borrowed from `row`. */
struct query_row {
    enum account_kind kind;
    struct record record;
    struct strbuf name, group; /* address or name; group of a member */
    struct strbuf count;       /* members of a group */
    struct strbuf text;        /* path of a unit, groups of a user */
    struct query_totals {
        char mailboxes[24], mailbox_bytes[24], netdisk_bytes[24];
    } totals; /* of a domain, as text */
};
struct query_row query_row_new(void);
void query_row_free(struct query_row *row);
uint32_t query_fields(const struct account_base *base, const struct query_row *row,
                      struct object_field fields[RECORD_PROPERTIES_MAX]);

struct query {
    enum account_kind kind;
    struct slice
        within; /* domain of users, aliases, groups; group of members, owner of shares; "" all */
};
/* Calls each() for the rows behind `cursor` ("": from the start) until it returns -1 or `rows_max`
 * rows were looked at; then *cursor says where to go on, empty at the end. 0, or -1 with the
 * result. */
int query_list(struct account_base *base, const struct query *query, struct strbuf *cursor,
               size_t rows_max, int (*each)(void *arg, const struct query_row *row), void *arg,
               struct account_result *result);
/* The one object of that name. */
int query_show(struct account_base *base, enum account_kind kind, struct slice name,
               struct query_row *row, struct account_result *result);

#endif
