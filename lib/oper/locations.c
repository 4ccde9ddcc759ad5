/*
 * lib/oper/locations.c - own records of where addresses are (guess.locations).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/list_edit.h"
#include "lib/conf/location_edit.h"
#include "lib/conf/location_table.h"
#include "lib/oper/list_change.h"
#include "lib/oper/locations.h"

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

void
oper_locations_find(struct oper *op)
{
    struct strbuf errors = strbuf_new(65536);
    struct conf *conf = NULL;
    struct location_table *table = NULL;
    const char *name;
    struct cidr net;

    if (cidr_parse(op->request->name, &net) < 0 || net.bits != 128) {
        oper_fail(op, OPER_BAD, "address: expected an address");
    } else {
        conf = conf_load(op->inst->conf_path, &errors);
        table = conf == NULL ? NULL : location_table_load(conf, op->inst, &errors);
        if (table == NULL) {
            oper_fail_line(op, OPER_REFUSED, strbuf_slice(&errors));
        } else {
            name = location_table_find(table, &net.net);
            object_add(&op->data,
                       &(const struct object_field){SLICE("location"),
                                                    slice_of(name[0] == '\0' ? "unknown" : name)},
                       1);
        }
    }
    location_table_free(&table);
    conf_free(&conf);
    strbuf_free(&errors);
}

/* ---- own records ---- */

static struct slice
find_own(const struct oper *op, const struct strbuf *text)
{
    return location_edit_find(strbuf_slice(text), oper_field(op, "first"), oper_field(op, "last"));
}

static int
edit_record(struct oper *op, const struct list_kind *kind, struct strbuf *text)
{
    const struct location_wish wish = {.first = oper_field(op, "first"),
                                       .last = oper_field(op, "last"),
                                       .location = oper_field(op, "location"),
                                       .order = oper_field(op, "order")};
    bool is_new = slice_eq(op->request->verb, SLICE("add"));
    struct strbuf entry = strbuf_new(LIST_ENTRY_MAX);
    struct slice old = find_own(op, text);

    (void)kind; /* what one is like, location_edit_make() knows */
    if (is_new && old.len > 0)
        oper_fail(op, OPER_REFUSED, "there is a record of that range");
    else if (!is_new && old.len == 0)
        oper_fail(op, OPER_UNKNOWN, "there is no record of that range");
    else if (location_edit_make(&wish, old, clock_real_ms(), &entry) < 0)
        oper_fail(op, OPER_BAD,
                  "expected two addresses of one kind, the first not above the last, a location "
                  "without spaces and commas, and an order up to %d",
                  LOCATION_ORDER_MAX);
    else if (is_new || list_edit_remove(text, old)) /* it is there */
        (void)list_edit_add(text, strbuf_slice(&entry));
    strbuf_free(&entry);
    return op->result == 0 ? 0 : -1;
}

static int
edit_away(struct oper *op, const struct list_kind *kind, struct strbuf *text)
{
    struct slice old = find_own(op, text);

    (void)kind;
    if (old.len > 0 && list_edit_remove(text, old))
        return 0;
    oper_fail(op, OPER_UNKNOWN, "there is no record of that range");
    return -1;
}

static void
tell_record(struct oper *op)
{
    struct strbuf range = strbuf_new((size_t)2 * INET6_ADDRSTRLEN);
    struct slice first = oper_field(op, "first"), last = oper_field(op, "last");

    (void)strbuf_printf(&range, "%.*s-%.*s", (int)first.len, first.ptr, (int)last.len, last.ptr);
    oper_tell(op, strbuf_slice(&range), SLICE(""), oper_field(op, "location"));
    strbuf_free(&range);
}

void
oper_locations_change(struct oper *op)
{
    list_change(op, SLICE("guess.locations"),
                &(const struct list_change){edit_record, tell_record});
}

void
oper_locations_remove(struct oper *op)
{
    list_change(op, SLICE("guess.locations"), &(const struct list_change){edit_away, tell_record});
}
