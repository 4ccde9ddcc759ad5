/*
 * posthorn/output.h - objects as an aligned table or as JSON.
 *
 * A table has columns with stable names; a row is an object as servers send it (lib/ipc/object.h):
 * fields by name, in any order; a missing one is empty. Text from outside is made harmless for the
 * terminal (control characters as \xNN) and for JSON (RFC 8259; bad UTF-8 becomes U+FFFD).
 */
#ifndef POSTHORN_POSTHORN_OUTPUT_H
#define POSTHORN_POSTHORN_OUTPUT_H

#include <stdbool.h>

#include "lib/ipc/object.h"

enum column_type {
    COLUMN_TEXT,   /* JSON string */
    COLUMN_NUMBER, /* JSON number; empty: null; right-aligned */
    COLUMN_BOOL,   /* "yes"/"no" (or true/false, 1/0): JSON true/false; empty: null */
    COLUMN_LIST    /* words separated by white space: JSON array of strings */
};

struct column {
    const char *name; /* of the field, and the key in JSON */
    enum column_type type;
    bool json_only; /* left out of the table, there in JSON and in output_show */
};

struct table;

/* `columns` is borrowed until table_print. */
struct table *table_new(const struct column *columns, size_t count);
void table_add(struct table *table, const struct object_field *fields, uint32_t count);
size_t table_rows(const struct table *table);
/* Puts the rows in the order of a column's values, numbers by value. -1: there is no such column.
 */
int table_sort(struct table *table, const char *column, bool descending);
/* Leaves out the first `offset` rows and all behind `limit` of the others. */
void table_cut(struct table *table, uint64_t offset, uint64_t limit);
/* All rows as JSON, appended to `out`. */
void table_json(const struct table *table, struct strbuf *out);
/* Prints all rows on stdout (JSON: an array of objects; without rows `[]`, or as a table nothing)
 * and frees the table. */
void table_print(struct table **tablep, bool json);
void table_print_object(struct table **tablep); /* the first row alone, as a JSON object */
void table_free(struct table **tablep);         /* without printing */

/* One object: lines `name  value`, or one JSON object. */
void output_show(const struct column *columns, size_t column_count,
                 const struct object_field *fields, uint32_t count, bool json);

#endif
