/*
 * lib/conf/location_table.h - where in the world an address is (NETW-06): own records, looked at in
 * their order, then data with a range for every known address.
 *
 * A location is a word of up to 63 bytes without white space and commas, its parts separated by
 * slashes from the largest on: "CN/Beijing". An own record is a line "ORDER FIRST LAST LOCATION
 * CREATED MODIFIED" of the list file guess.locations. Data are lines "FIRST,LAST,LOCATION", the
 * fields in double quotes or not, in any order and without overlaps; a line that begins with '#' is
 * a comment.
 */
#ifndef POSTHORN_LIB_CONF_LOCATION_TABLE_H
#define POSTHORN_LIB_CONF_LOCATION_TABLE_H

#include "lib/base/cidr.h"
#include "lib/base/strbuf.h"
#include "lib/conf/conf.h"
#include "lib/conf/instance.h"

#define LOCATION_MAX 63
#define LOCATION_DATA_MAX (128u << 20) /* bytes of the file */
#define LOCATION_RANGES_MAX 4000000    /* some 40 bytes of memory each */
#define LOCATION_NAMES_MAX 60000       /* different ones */
#define LOCATION_ORDER_MAX 1000000

struct location_record {
    uint64_t order;
    struct ip first, last;
    struct slice location, created, modified; /* of the entry; the times as RFC 3339 has them */
};
/* 0, or -1: not one. */
int location_record_parse(struct slice entry, struct location_record *record);
const char *location_record_expected(struct slice entry); /* for lib/conf/lists.def */
bool location_is_name(struct slice text);

struct location_table;

struct location_table *location_table_new(void);
void location_table_free(struct location_table **tablep);
/* The record has its place by its order; of equal ones the one that was added first. */
void location_table_add(struct location_table *table, const struct location_record *record);
/* Replaces the data. -1: they stay as they were, with a line "name:line: ..." in `errors`. */
int location_table_read(struct location_table *table, struct slice data, const char *name,
                        struct strbuf *errors);
/* Borrowed from the table; "": nobody knows. */
const char *location_table_find(const struct location_table *table, const struct ip *ip);

/* What the configuration names. NULL with lines in `errors`. */
struct location_table *location_table_load(const struct conf *conf, const struct instance *inst,
                                           struct strbuf *errors);
/* Is `location` ("": unknown) the allowed one, or below it? */
bool location_is_within(const char *location, struct slice allowed);

#endif
