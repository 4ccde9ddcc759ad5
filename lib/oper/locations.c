/*
 * lib/oper/locations.c - own records of where addresses are (guess.locations).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/lists.h"
#include "lib/conf/location_table.h"
#include "lib/oper/locations.h"
#include "lib/oper/oper.h"

static int
compare_orders(const void *a, const void *b)
{
    const struct location_record *x = a, *y = b;

    return x->order < y->order ? -1 : x->order > y->order;
}

static void
use_record(const struct location_record *r,
           void (*use)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    char first[INET6_ADDRSTRLEN], last[INET6_ADDRSTRLEN];
    struct strbuf order = strbuf_new(24);

    ip_text(&r->first, first);
    ip_text(&r->last, last);
    (void)strbuf_u64(&order, r->order);
    use(arg,
        (const struct object_field[]){{SLICE("order"), strbuf_slice(&order)},
                                      {SLICE("first"), slice_of(first)},
                                      {SLICE("last"), slice_of(last)},
                                      {SLICE("location"), r->location},
                                      {SLICE("created"), r->created},
                                      {SLICE("modified"), r->modified}},
        6);
    strbuf_free(&order);
}

void
locations_each(const struct list_file *file,
               void (*use)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    struct location_record *records = xcalloc(file->count + 1, sizeof(*records));

    for (size_t i = 0; i < file->count; i++) /* the list has looked at them */
        (void)location_record_parse(file->entries[i].text, &records[i]);
    qsort(records, file->count, sizeof(*records), compare_orders);
    for (size_t i = 0; i < file->count; i++)
        use_record(&records[i], use, arg);
    free(records);
}

void
oper_locations_list(struct oper *op)
{
    struct strbuf errors = strbuf_new(65536);
    struct conf *conf = conf_load(op->inst->conf_path, &errors);
    struct list_file *file =
        conf == NULL ? NULL : lists_load(conf, op->inst, GUESS_LOCATIONS, &errors);

    if (file == NULL)
        oper_fail_line(op, OPER_REFUSED, strbuf_slice(&errors));
    else
        locations_each(file, oper_list_row, op);
    list_file_free(&file);
    conf_free(&conf);
    strbuf_free(&errors);
}
