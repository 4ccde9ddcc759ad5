/*
 * lib/conf/location_edit.c - own records of where addresses are, made and found. Values may come
 * from the network. No I/O.
 */
#include "lib/conf/location_edit.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/conf/list_file.h"
#include "lib/conf/location_table.h"

enum { TIME_MAX = 40 };

struct slice
location_edit_find(struct slice list, struct slice first, struct slice last)
{
    struct location_record record;
    struct cidr from, to;

    if (cidr_parse(first, &from) < 0 || cidr_parse(last, &to) < 0)
        return SLICE("");
    while (list.len > 0) {
        struct slice entry = list_file_entry(slice_split(&list, '\n'));

        if (location_record_parse(entry, &record) == 0 &&
            memcmp(&record.first, &from.net, sizeof(record.first)) == 0 &&
            memcmp(&record.last, &to.net, sizeof(record.last)) == 0)
            return entry;
    }
    return SLICE("");
}

static bool
is_word(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == ' ' || text.ptr[i] == '\t' || text.ptr[i] == '#')
            return false;
    return text.len > 0;
}

/* "ORDER FIRST LAST LOCATION CREATED MODIFIED" */
int
location_edit_make(const struct location_wish *wish, struct slice old, int64_t now_ms,
                   struct strbuf *out)
{
    struct strbuf now = strbuf_new(TIME_MAX);
    struct location_record before = {.order = LOCATION_ORDER_USUAL};
    bool good = is_word(wish->first) && is_word(wish->last) && is_word(wish->location) &&
                (wish->order.len == 0 || is_word(wish->order));
    struct slice created;

    (void)clock_rfc3339(now_ms, &now); /* fits */
    created = strbuf_slice(&now);
    if (old.len > 0 && location_record_parse(old, &before) == 0)
        created = before.created;
    if (wish->order.len == 0)
        (void)strbuf_u64(out, before.order);
    else
        (void)strbuf_append(out, wish->order);
    (void)strbuf_printf(out, " %.*s %.*s %.*s %.*s %s", (int)wish->first.len, wish->first.ptr,
                        (int)wish->last.len, wish->last.ptr, (int)wish->location.len,
                        wish->location.ptr, (int)created.len, created.ptr, strbuf_cstr(&now));
    strbuf_free(&now);
    return good && !out->overflow && location_record_expected(strbuf_slice(out)) == NULL ? 0 : -1;
}
