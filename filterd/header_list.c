/*
 * filterd/header_list.c - header fields in their order: taken apart, changed, written again.
 *
 * Input: the section from the client's message, names and values from milters. Untrusted; a value
 * is folded anew so that it stays inside its field. No I/O.
 */
#include "filterd/header_list.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/header.h"

struct field {
    char *raw; /* "Name: body", all lines, without the last line end */
    size_t len, name_len, body_at;
    bool deleted; /* its name still counts */
};

struct header_list {
    struct field *fields;
    size_t count, room;
};

static struct field
field_of(const struct header_field *from)
{
    size_t len = (size_t)(from->body.ptr - from->raw.ptr) + from->body.len;

    return (struct field){
        .raw = xslicedup(slice_make(from->raw.ptr, len)),
        .len = len,
        .name_len = from->name.len,
        .body_at = len - from->body.len,
    };
}

/* A value's lines, each but the first beginning with white space, ended by CRLF. */
static void
append_folded(struct strbuf *out, struct slice value)
{
    bool first = true;

    while (slice_ends(value, SLICE("\n")) || slice_ends(value, SLICE("\r")))
        value = slice_sub(value, 0, value.len - 1);
    do {
        struct slice line = slice_split(&value, '\n');

        if (!first) {
            (void)strbuf_str(out, "\r\n");
            if (line.len == 0 || (line.ptr[0] != ' ' && line.ptr[0] != '\t'))
                (void)strbuf_char(out, '\t');
        }
        for (size_t i = 0; i < line.len; i++)
            if (line.ptr[i] != '\r')
                (void)strbuf_char(out, line.ptr[i]);
        first = false;
    } while (value.len > 0);
}

static struct field
field_make(struct slice name, struct slice value, bool spaced)
{
    struct strbuf raw = strbuf_new(name.len + 4 * value.len + 16); /* room for every fold */
    struct field field = {.name_len = name.len, .body_at = name.len + 1};

    (void)strbuf_append(&raw, name);
    (void)strbuf_str(&raw, spaced ? ":" : ": ");
    append_folded(&raw, value);
    assert_always(!raw.overflow);
    field.len = raw.len;
    field.raw = strbuf_steal(&raw);
    return field;
}

static void
put_at(struct header_list *list, size_t at, struct field field)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 32 : 2 * list->room;
        list->fields = xreallocarray(list->fields, list->room, sizeof(*list->fields));
    }
    memmove(&list->fields[at + 1], &list->fields[at], (list->count - at) * sizeof(*list->fields));
    list->fields[at] = field;
    list->count++;
}

struct header_list *
header_list_new(struct slice text, size_t *body_at)
{
    struct header_list *list = xcalloc(1, sizeof(*list));
    struct slice rest = text;
    struct header_field field;

    while (header_next(&rest, &field) == HEADER_FIELD) {
        if (list->count == HEADER_LIST_MAX) {
            header_list_free(&list);
            return NULL;
        }
        put_at(list, list->count, field_of(&field));
    }
    *body_at = text.len - rest.len;
    return list;
}

void
header_list_free(struct header_list **listp)
{
    struct header_list *list = *listp;

    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->fields[i].raw);
    free(list->fields);
    xfree(listp);
}

size_t
header_list_count(const struct header_list *list)
{
    return list->count;
}

bool
header_list_get(const struct header_list *list, size_t n, struct slice *name, struct slice *body)
{
    const struct field *field = &list->fields[n];

    if (field->deleted)
        return false;
    *name = slice_make(field->raw, field->name_len);
    *body = slice_make(field->raw + field->body_at, field->len - field->body_at);
    return true;
}

void
header_list_insert(struct header_list *list, size_t index, struct slice name, struct slice value,
                   bool spaced)
{
    put_at(list, index < list->count ? index : list->count, field_make(name, value, spaced));
}

static struct field *
find(struct header_list *list, uint32_t index, struct slice name)
{
    uint32_t seen = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct field *field = &list->fields[i];

        if (slice_eq_nocase(slice_make(field->raw, field->name_len), name) && ++seen >= index)
            return field;
    }
    return NULL;
}

void
header_list_change(struct header_list *list, uint32_t index, struct slice name, struct slice value,
                   bool spaced)
{
    struct field *field = find(list, index, name);

    if (field == NULL) {
        if (value.len > 0)
            header_list_insert(list, list->count, name, value, spaced);
        return;
    }
    if (value.len == 0) {
        field->deleted = true;
        return;
    }
    xfree(&field->raw);
    *field = field_make(name, value, spaced);
}

void
header_list_settle(struct header_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->fields[i].deleted)
            free(list->fields[i].raw);
        else
            list->fields[kept++] = list->fields[i];
    list->count = kept;
}

size_t
header_list_size(const struct header_list *list)
{
    size_t size = 0;

    for (size_t i = 0; i < list->count; i++)
        size += list->fields[i].deleted ? 0 : list->fields[i].len + 2;
    return size;
}

bool
header_list_write(const struct header_list *list, struct strbuf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->fields[i].deleted)
            continue;
        (void)strbuf_append(out, slice_make(list->fields[i].raw, list->fields[i].len));
        (void)strbuf_str(out, "\r\n");
    }
    return strbuf_str(out, "\r\n");
}
