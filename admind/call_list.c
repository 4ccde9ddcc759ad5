/*
 * admind/call_list.c - List: a page in the order of names as accountd gives it, or all of a kind,
 * searched and sorted here, within a limit of memory.
 */
#include <stdlib.h>

#include "admind/call.h"
#include "lib/account/listing.h"
#include "lib/base/arena.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum {
    LIMIT_DEFAULT = 100,
    CURSOR_MAX = 4096,
    ENCODED_MAX = 2 * CURSOR_MAX, /* base64 takes less */
    ROWS_MAX = 200000,            /* that are searched or sorted */
    BYTES_MAX = 128u << 20
};

struct row {
    struct slice data; /* an object, in the arena */
    struct slice key;  /* the value that is sorted by, within `data` */
};

struct listing {
    struct call *call;
    int account_kind, oper_kind; /* -1: it is the other one */
    uint64_t offset, limit;
    struct slice search;
    const char *sort; /* name of a property; NULL: as they come */
    bool is_number;   /* by value */
    bool descending;
    struct strbuf cursor;
    struct arena arena;
    struct row *rows;
    size_t count, bytes;
    bool too_many;
};

static const char *
kind_name(const struct listing *l)
{
    return l->account_kind >= 0 ? account_kind_name((enum account_kind)l->account_kind)
                                : oper_kind_name((enum oper_kind)l->oper_kind);
}

/* ---- one page of accountd's or operd's ---- */

static bool
ask_page(struct listing *l, uint64_t limit, struct accountd_admin_reply *reply)
{
    struct strbuf number = strbuf_new(24);
    struct object_field fields[2];
    struct accountd_admin request = {.verb = SLICE("list"),
                                     .kind = slice_of(kind_name(l)),
                                     .cursor = strbuf_slice(&l->cursor),
                                     .fields = fields,
                                     .field_count = 2};
    bool done;

    (void)strbuf_u64(&number, limit);
    fields[0] = (struct object_field){SLICE("within"),
                                      api_request_value(&l->call->request, "within")->text};
    fields[1] = (struct object_field){SLICE("limit"), strbuf_slice(&number)};
    done = call_ask(l->call, &request, reply);
    strbuf_free(&number);
    if (done) {
        strbuf_clear(&l->cursor);
        (void)strbuf_append(&l->cursor, reply->cursor); /* the decoder's limit is lower */
    }
    return done;
}

static void
write_rows(struct listing *l, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&data, fields)) > 0) {
        if (l->account_kind >= 0)
            call_write_object(l->call, NULL, (enum account_kind)l->account_kind, fields,
                              (uint32_t)count);
        else
            call_write_oper(l->call, NULL, (enum oper_kind)l->oper_kind, fields, (uint32_t)count);
    }
}

static void
list_page(struct listing *l)
{
    struct strbuf cursor = strbuf_new(ENCODED_MAX);
    struct accountd_admin_reply reply;
    struct slice given = api_request_value(&l->call->request, "cursor")->text;

    if (base64_decode(given, &l->cursor) < 0) {
        call_fail(l->call, API_BAD_PARAMETERS, "cursor: expected that of an answer");
    } else if (ask_page(l, l->limit, &reply)) {
        json_writer_open(&l->call->json, "objects", '[');
        write_rows(l, reply.data);
        json_writer_close(&l->call->json, ']');
        (void)base64_encode(strbuf_slice(&l->cursor), &cursor); /* it fits */
        json_writer_text(&l->call->json, "cursor", strbuf_slice(&cursor));
    }
    strbuf_free(&cursor);
}

/* ---- searched and sorted ---- */

static void
take_row(struct listing *l, const struct object_field *fields, uint32_t count, struct slice data)
{
    if (!listing_has(fields, count, l->search))
        return;
    l->bytes += data.len;
    if (l->count == ROWS_MAX || l->bytes > BYTES_MAX) {
        l->too_many = true;
        return;
    }
    if ((l->count & (l->count - 1)) == 0) /* a power of two is full */
        l->rows = xreallocarray(l->rows, l->count == 0 ? 1 : l->count * 2, sizeof(*l->rows));
    l->rows[l->count] = (struct row){.data = arena_copy(&l->arena, data)};
    l->count++;
}

static bool
collect(struct listing *l)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;

    do {
        int count;

        if (!ask_page(l, ACCOUNTD_OBJECTS_MAX, &reply))
            return false;
        for (;;) {
            struct slice before = reply.data;

            count = object_next(&reply.data, fields);
            if (count <= 0)
                break;
            take_row(l, fields, (uint32_t)count, slice_sub(before, 0, before.len - reply.data.len));
        }
    } while (l->cursor.len > 0 && !l->too_many);
    if (l->too_many)
        call_fail(l->call, 3, "there are too many to sort or search: narrow it by 'within'");
    return !l->too_many;
}

static void
find_keys(struct listing *l)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];

    for (size_t i = 0; i < l->count; i++) {
        struct slice data = l->rows[i].data;
        int count = object_next(&data, fields);

        if (count > 0)
            l->rows[i].key = object_get(fields, (uint32_t)count, l->sort);
    }
}

static int
compare_text(const void *a, const void *b)
{
    return listing_compare_text(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static int
compare_number(const void *a, const void *b)
{
    return listing_compare_number(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static void
sort_rows(struct listing *l)
{
    find_keys(l);
    if (l->count > 1)
        qsort(l->rows, l->count, sizeof(*l->rows), l->is_number ? compare_number : compare_text);
}

static void
list_chosen(struct listing *l)
{
    if (!collect(l))
        return;
    if (l->sort != NULL)
        sort_rows(l);
    json_writer_number(&l->call->json, "total", l->count);
    json_writer_open(&l->call->json, "objects", '[');
    for (uint64_t i = l->offset; i < l->count && i - l->offset < l->limit; i++)
        write_rows(l, l->rows[l->descending ? l->count - 1 - i : i].data);
    json_writer_close(&l->call->json, ']');
}

/* ---- the call ---- */

/* False: the kind has no such property. */
static bool
take_sort(struct listing *l, struct slice sort)
{
    const struct oper_field *field;
    const char *near;
    int id;

    if (l->oper_kind >= 0) {
        field = oper_field_find((enum oper_kind)l->oper_kind, sort);
        if (field == NULL)
            return false;
        l->sort = field->name;
        l->is_number = field->type == OPER_NUMBER;
        return true;
    }
    id = account_property_find((enum account_kind)l->account_kind, sort, &near);
    if (id < 0)
        return false;
    l->sort = account_properties[id].name;
    l->is_number =
        account_properties[id].type == PROPERTY_INT || account_properties[id].type == PROPERTY_SIZE;
    return true;
}

static bool
take_parameters(struct listing *l)
{
    const struct api_request *rq = &l->call->request;
    struct slice sort = api_request_value(rq, "sort")->text;
    struct slice kind = api_request_value(rq, "kind")->text;

    l->account_kind = account_kind_find(kind);
    l->oper_kind = l->account_kind >= 0 ? -1 : oper_kind_find(kind);
    if (l->account_kind < 0 && l->oper_kind < 0) {
        call_fail(l->call, API_BAD_PARAMETERS, "kind: there is no such kind");
        return false;
    }
    l->limit = api_request_value(rq, "limit")->given ? api_request_value(rq, "limit")->number
                                                     : LIMIT_DEFAULT;
    l->offset = api_request_value(rq, "offset")->number;
    l->search = api_request_value(rq, "search")->text;
    l->descending = api_request_value(rq, "descending")->number != 0;
    if (sort.len == 0 || take_sort(l, sort))
        return true;
    call_fail(l->call, API_BAD_PARAMETERS, "sort: there is no property '%.*s'", (int)sort.len,
              sort.ptr);
    return false;
}

void
call_list(struct call *call)
{
    struct listing l = {.call = call, .cursor = strbuf_new(CURSOR_MAX)};

    if (!take_parameters(&l))
        ; /* it is said */
    else if (l.search.len > 0 || l.sort != NULL || l.offset > 0 || l.descending)
        list_chosen(&l);
    else
        list_page(&l);
    strbuf_free(&l.cursor);
    arena_free(&l.arena);
    free(l.rows);
}
