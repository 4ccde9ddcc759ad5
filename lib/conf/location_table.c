/*
 * lib/conf/location_table.c - where in the world an address is.
 *
 * Input: files of the administrator's, who may have them from anywhere: every line is checked, and
 * everything has a bound. Opens the two files that the configuration names.
 */
#include "lib/conf/location_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/lists.h"

struct range {
    struct ip first, last;
    uint32_t name; /* index */
    uint32_t line;
};

struct own {
    uint64_t order;
    struct range range;
};

struct location_table {
    struct own *own; /* by their order */
    size_t own_count;
    struct range *ranges; /* sorted, none overlaps another */
    size_t range_count;
    char **names;
    size_t name_count;
    struct map *index; /* name to its index + 1 */
};

/* Without a file: addresses that are nowhere in the world (RFC 1918, 3927, 4193, 4291, 6598). */
static const char shipped[] = "10.0.0.0,10.255.255.255,private\n"
                              "100.64.0.0,100.127.255.255,private\n"
                              "169.254.0.0,169.254.255.255,private\n"
                              "172.16.0.0,172.31.255.255,private\n"
                              "192.168.0.0,192.168.255.255,private\n"
                              "fc00::,fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,private\n"
                              "fe80::,febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff,private\n";

static int
compare_ip(const struct ip *a, const struct ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool
location_is_name(struct slice text)
{
    if (text.len == 0 || text.len > LOCATION_MAX || !parse_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f || text.ptr[i] == ',' ||
            text.ptr[i] == '"' || text.ptr[i] == '#')
            return false;
    return true;
}

static int
parse_range(struct slice first, struct slice last, struct ip *from, struct ip *to)
{
    struct cidr a, b;

    if (cidr_parse(first, &a) < 0 || cidr_parse(last, &b) < 0 || a.bits != 128 || b.bits != 128 ||
        ip_is_v4(&a.net) != ip_is_v4(&b.net) || compare_ip(&a.net, &b.net) > 0)
        return -1;
    *from = a.net;
    *to = b.net;
    return 0;
}

/* ---- own records ---- */

int
location_record_parse(struct slice entry, struct location_record *r)
{
    struct slice order = slice_split(&entry, ' '), first = slice_split(&entry, ' '),
                 last = slice_split(&entry, ' ');

    r->location = slice_split(&entry, ' ');
    r->created = slice_split(&entry, ' ');
    r->modified = entry;
    if (parse_u64(order, LOCATION_ORDER_MAX, &r->order) < 0 ||
        parse_range(first, last, &r->first, &r->last) < 0 || !location_is_name(r->location) ||
        r->created.len == 0 || r->modified.len == 0 ||
        slice_index(r->modified, ' ') < r->modified.len)
        return -1;
    return 0;
}

const char *
location_record_expected(struct slice entry)
{
    struct location_record record;

    return location_record_parse(entry, &record) == 0
               ? NULL
               : "ORDER FIRST LAST LOCATION CREATED MODIFIED, separated by one space";
}

/* The index of a name, or LOCATION_NAMES_MAX: there are too many. */
static uint32_t
name_index(struct location_table *table, struct slice name)
{
    void **at = map_at(table->index, name);

    if (at == NULL)
        return LOCATION_NAMES_MAX;
    if (*at == NULL) {
        table->names = xreallocarray(table->names, table->name_count + 1, sizeof(*table->names));
        table->names[table->name_count++] = xslicedup(name);
        *at = (void *)(uintptr_t)table->name_count;
    }
    return (uint32_t)((uintptr_t)*at - 1);
}

void
location_table_add(struct location_table *table, const struct location_record *record)
{
    size_t at = table->own_count;
    struct own own = {.order = record->order,
                      .range = {.first = record->first, .last = record->last}};

    own.range.name = name_index(table, record->location);
    if (own.range.name == LOCATION_NAMES_MAX)
        return; /* of a list file with 100,000 entries, more than half a name each */
    table->own = xreallocarray(table->own, table->own_count + 1, sizeof(*table->own));
    for (; at > 0 && table->own[at - 1].order > own.order; at--)
        table->own[at] = table->own[at - 1];
    table->own[at] = own;
    table->own_count++;
}

/* ---- data ---- */

static struct slice
next_field(struct slice *line)
{
    struct slice field = slice_trim(slice_split(line, ','));

    if (field.len >= 2 && field.ptr[0] == '"' && field.ptr[field.len - 1] == '"')
        field = slice_sub(field, 1, field.len - 1);
    return field;
}

static const char *
add_line(struct location_table *table, struct slice line, uint32_t number)
{
    struct slice first = next_field(&line), last = next_field(&line), name = next_field(&line);
    struct range range = {.line = number};

    if (line.len > 0 || parse_range(first, last, &range.first, &range.last) < 0 ||
        !location_is_name(name))
        return "expected FIRST,LAST,LOCATION: two addresses of one kind, and a word";
    if (table->range_count == LOCATION_RANGES_MAX)
        return "too many lines";
    range.name = name_index(table, name);
    if (range.name == LOCATION_NAMES_MAX)
        return "too many different locations";
    if ((table->range_count & (table->range_count - 1)) == 0) /* it grows by doubling */
        table->ranges =
            xreallocarray(table->ranges, table->range_count == 0 ? 1 : 2 * table->range_count,
                          sizeof(*table->ranges));
    table->ranges[table->range_count++] = range;
    return NULL;
}

static int
compare_ranges(const void *a, const void *b)
{
    return compare_ip(&((const struct range *)a)->first, &((const struct range *)b)->first);
}

/* The line of a range that overlaps the one before it, or 0. */
static uint32_t
sort(struct location_table *table)
{
    if (table->range_count > 0)
        qsort(table->ranges, table->range_count, sizeof(*table->ranges), compare_ranges);
    for (size_t i = 1; i < table->range_count; i++)
        if (compare_ip(&table->ranges[i].first, &table->ranges[i - 1].last) <= 0)
            return table->ranges[i].line;
    return 0;
}

int
location_table_read(struct location_table *table, struct slice data, const char *name,
                    struct strbuf *errors)
{
    struct range *old = table->ranges;
    size_t old_count = table->range_count;
    const char *wrong = NULL;
    uint32_t number = 0;

    table->ranges = NULL;
    table->range_count = 0;
    while (data.len > 0 && wrong == NULL) {
        struct slice line = slice_trim(slice_split(&data, '\n'));

        number++;
        if (line.len > 0 && line.ptr[0] != '#')
            wrong = add_line(table, line, number);
    }
    if (wrong == NULL && (number = sort(table)) > 0)
        wrong = "the range overlaps another";
    if (wrong == NULL) {
        free(old);
        return 0;
    }
    (void)strbuf_printf(errors, "%s:%u: %s\n", name, number, wrong);
    free(table->ranges);
    table->ranges = old;
    table->range_count = old_count;
    return -1;
}

/* ---- look-up ---- */

static bool
is_in(const struct range *range, const struct ip *ip)
{
    return compare_ip(&range->first, ip) <= 0 && compare_ip(ip, &range->last) <= 0;
}

const char *
location_table_find(const struct location_table *table, const struct ip *ip)
{
    size_t low = 0, high = table->range_count;

    for (size_t i = 0; i < table->own_count; i++)
        if (is_in(&table->own[i].range, ip))
            return table->names[table->own[i].range.name];
    while (low < high) { /* the last range that begins at or before the address is below `high` */
        size_t middle = low + (high - low) / 2;

        if (compare_ip(&table->ranges[middle].first, ip) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && is_in(&table->ranges[low - 1], ip) ? table->names[table->ranges[low - 1].name]
                                                         : "";
}

bool
location_is_within(const char *location, struct slice allowed)
{
    struct slice whole = slice_of(location[0] == '\0' ? "unknown" : location);

    return slice_starts_nocase(whole, allowed) && allowed.len > 0 &&
           (whole.len == allowed.len || whole.ptr[allowed.len] == '/');
}

/* ---- life ---- */

struct location_table *
location_table_new(void)
{
    struct location_table *table = xcalloc(1, sizeof(*table));

    table->index = map_new(LOCATION_NAMES_MAX);
    return table;
}

void
location_table_free(struct location_table **tablep)
{
    struct location_table *table = *tablep;

    if (table == NULL)
        return;
    for (size_t i = 0; i < table->name_count; i++)
        free(table->names[i]);
    free(table->names);
    free(table->own);
    free(table->ranges);
    map_free(&table->index, NULL);
    xfree(tablep);
}

static int
load_data(struct location_table *table, const struct conf *conf, const struct instance *inst,
          struct strbuf *errors)
{
    const char *name = conf_str(conf, GUESS_LOCATION_DATA);
    struct strbuf data = strbuf_new(LOCATION_DATA_MAX);
    char *path;
    int rc;

    if (name[0] == '\0')
        return location_table_read(table, SLICE(shipped), "shipped", errors);
    path = instance_etc_path(inst, name);
    rc = read_file(AT_FDCWD, path, &data);
    if (rc < 0)
        (void)strbuf_printf(errors, "%s: %s\n", path, strerror(errno));
    else
        rc = location_table_read(table, strbuf_slice(&data), path, errors);
    strbuf_free(&data);
    free(path);
    return rc;
}

struct location_table *
location_table_load(const struct conf *conf, const struct instance *inst, struct strbuf *errors)
{
    struct list_file *list = lists_load(conf, inst, GUESS_LOCATIONS, errors);
    struct location_table *table = location_table_new();
    struct location_record record;

    for (size_t i = 0; list != NULL && i < list->count; i++)
        if (location_record_parse(list->entries[i].text, &record) == 0)
            location_table_add(table, &record);
    if (list == NULL || load_data(table, conf, inst, errors) < 0)
        location_table_free(&table);
    list_file_free(&list);
    return table;
}
