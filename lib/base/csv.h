/*
 * lib/base/csv.h - tables as text, a record a line: RFC 4180 with a separator of one's choice and
 * comment lines.
 */
#ifndef POSTHORN_LIB_BASE_CSV_H
#define POSTHORN_LIB_BASE_CSV_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define CSV_FIELDS_MAX 64
#define CSV_RECORD_MAX ((size_t)65536) /* bytes of one record's values */

struct csv {
    struct slice rest;
    char separator;
    char comment;         /* a line that begins with it is skipped; 0: there are none */
    uint64_t line;        /* where the next record begins, from 1 */
    uint64_t record_line; /* where the one that was read begins */
    struct strbuf values; /* of that record */
    struct slice fields[CSV_FIELDS_MAX];
    size_t count;
};

/* `text` is borrowed. A byte order mark of UTF-8 in front of it is skipped. */
struct csv csv_new(struct slice text, char separator, char comment);
void csv_free(struct csv *csv);

enum csv_status {
    CSV_END,
    CSV_RECORD,    /* fields and count are filled in, borrowed until the next call */
    CSV_MALFORMED, /* the reason is in csv_reason; reading goes on at the next line */
};
enum csv_status csv_next(struct csv *csv, const char **reason);

/* One field: the separator in front of it unless it is the first, and quotes where it needs them.
 * Overflow is remembered by `out`. */
void csv_put(struct strbuf *out, char separator, bool is_first, struct slice value);

#endif
