/*
 * lib/account/transfer.c - the whole account base as text, out and in.
 *
 * Imported text is untrusted: every line is checked, every object goes through the same functions
 * as the administrator's commands.
 */
#include "lib/account/transfer.h"

#include "lib/account/auth_code.h"
#include "lib/account/edit_internal.h"
#include "lib/account/query.h"
#include "lib/account/share.h"
#include "lib/base/parse.h"

#define OBJECTS_PER_STEP 1000
#define INDENT "    "

/* ---- export ---- */

static const enum account_kind order[] = {
    ACCOUNT_DOMAIN,  ACCOUNT_DOMAIN_ALIAS, ACCOUNT_UNIT,      ACCOUNT_USER,   ACCOUNT_ALIAS,
    ACCOUNT_GROUP,   ACCOUNT_MEMBER,       ACCOUNT_ADMIN,     ACCOUNT_PUBLIC, ACCOUNT_SHARE,
    ACCOUNT_CONTACT, ACCOUNT_WORD,         ACCOUNT_AUTH_CODE,
};

struct export
{
    struct account_base *base;
    struct strbuf *text;
};

static void
append_property(struct strbuf *text, enum account_property id, struct slice value)
{
    (void)strbuf_printf(text, INDENT "%s ", account_properties[id].name);
    (void)strbuf_append(text, value);
    (void)strbuf_char(text, '\n');
}

/* "member GROUP ADDRESS", "share OWNER GRANTEE", "auth-code USER ID" */
static bool
has_two_names(enum account_kind kind)
{
    return kind == ACCOUNT_MEMBER || kind == ACCOUNT_SHARE || kind == ACCOUNT_AUTH_CODE;
}

static int
export_row(void *arg, const struct query_row *row)
{
    struct export *x = arg;
    size_t first, total = account_properties_of(row->kind, &first);

    if (x->text->len >= TRANSFER_PAGE_BYTES)
        return -1;
    (void)strbuf_printf(x->text, "%s ", account_kind_name(row->kind));
    if (has_two_names(row->kind)) {
        (void)strbuf_append(x->text, strbuf_slice(&row->group));
        (void)strbuf_char(x->text, ' ');
    }
    (void)strbuf_append(x->text, strbuf_slice(&row->name));
    (void)strbuf_char(x->text, '\n');
    if (row->kind == ACCOUNT_DOMAIN &&
        slice_eq(strbuf_slice(&row->name), strbuf_slice(&x->base->primary)))
        append_property(x->text, DOMAIN_TYPE, SLICE("primary"));
    for (size_t i = 0; i < total; i++)
        if (row->record.values[i].ptr != NULL)
            append_property(x->text, (enum account_property)(first + i), row->record.values[i]);
    return 0;
}

/* The cursor: generation, step in `order`, and the listing's own cursor. */
struct position {
    uint64_t generation, step;
    struct slice rest;
};

static int
read_position(struct account_base *base, struct slice cursor, struct position *at)
{
    at->generation = account_db_generation(base->db);
    at->step = 0;
    at->rest = cursor;
    if (cursor.len == 0)
        return 0;
    if (parse_u64(slice_split(&at->rest, ' '), UINT64_MAX, &at->generation) < 0 ||
        parse_u64(slice_split(&at->rest, ' '), ARRAY_LEN(order) - 1, &at->step) < 0)
        return -1;
    return 0;
}

static int
export_from(struct account_base *base, struct position *at, struct strbuf *within,
            struct strbuf *text, struct account_result *result)
{
    struct export x = {.base = base, .text = text};

    while (at->step < ARRAY_LEN(order) && text->len < TRANSFER_PAGE_BYTES) {
        const struct query query = {.kind = order[at->step]};

        if (query_list(base, &query, within, OBJECTS_PER_STEP, export_row, &x, result) < 0)
            return -1;
        if (within->len == 0)
            at->step++;
    }
    return 0;
}

int
transfer_export(struct account_base *base, struct strbuf *cursor, struct strbuf *text,
                struct account_result *result)
{
    struct strbuf within = strbuf_new(QUERY_CURSOR_MAX);
    struct position at;
    int rc;

    if (read_position(base, strbuf_slice(cursor), &at) < 0)
        return account_fail(result, ACCOUNT_BAD_PARAMETER, "bad cursor");
    if (at.generation != account_db_generation(base->db))
        return account_fail(result, 3, "the account base changed meanwhile: export again");
    if (cursor->len == 0)
        (void)strbuf_str(text, "# Posthorn account base, format 1. Holds password records.\n");
    (void)strbuf_append(&within, at.rest);
    rc = export_from(base, &at, &within, text, result);
    strbuf_clear(cursor);
    if (rc == 0 && at.step < ARRAY_LEN(order)) {
        (void)strbuf_printf(cursor, "%llu %llu ", (unsigned long long)at.generation,
                            (unsigned long long)at.step);
        (void)strbuf_append(cursor, strbuf_slice(&within));
    }
    strbuf_free(&within);
    return rc;
}

/* ---- import ---- */

struct import {
    struct account_edit *edit;
    uint64_t line, object_line;
    int kind;                  /* of the object that is being read; -1: none */
    struct slice name, second; /* second: of a member */
    struct object_field fields[RECORD_PROPERTIES_MAX];
    uint32_t field_count;
};

/* Puts the line's number in front of the result's text. */
static int
fail_at(struct import *im, uint64_t line)
{
    struct account_result *result = im->edit->result;
    struct strbuf text = result->text;
    uint32_t code = result->code;

    result->text = strbuf_new(text.max);
    (void)account_fail(result, code, "line %llu: %s", (unsigned long long)line, strbuf_cstr(&text));
    strbuf_free(&text);
    return -1;
}

/* The object that was read is whole. */
static int
finish_object(struct import *im)
{
    int rc = 0;

    if (im->kind == ACCOUNT_MEMBER)
        rc = account_member_add(im->edit, im->name, im->second);
    else if (im->kind == ACCOUNT_SHARE)
        rc = account_share_restore(im->edit, im->name, im->second, im->fields, im->field_count);
    else if (im->kind == ACCOUNT_AUTH_CODE)
        rc = account_code_restore(im->edit, im->name, im->second, im->fields, im->field_count);
    else if (im->kind >= 0)
        rc = account_add(im->edit, (enum account_kind)im->kind, im->name, im->fields,
                         im->field_count);
    im->kind = -1;
    im->field_count = 0;
    return rc < 0 ? fail_at(im, im->object_line) : 0;
}

static int
begin_object(struct import *im, struct slice line)
{
    struct slice rest = line, kind = slice_split(&rest, ' ');

    if (finish_object(im) < 0)
        return -1;
    im->kind = account_kind_find(kind);
    im->object_line = im->line;
    im->name = slice_split(&rest, ' ');
    im->second = rest;
    if (im->kind >= 0 && im->name.len > 0 &&
        has_two_names((enum account_kind)im->kind) == (rest.len > 0))
        return 0;
    (void)account_fail(
        im->edit->result, ACCOUNT_BAD_PARAMETER,
        "expected a kind and a name, or 'member GROUP ADDRESS', or 'share OWNER GRANTEE', or "
        "'auth-code USER ID'");
    return fail_at(im, im->line);
}

static int
add_property(struct import *im, struct slice line)
{
    struct slice rest = slice_sub(line, sizeof(INDENT) - 1, line.len);
    struct slice name = slice_split(&rest, ' ');

    if (im->kind < 0 || im->field_count == RECORD_PROPERTIES_MAX || name.len == 0 ||
        !slice_starts(line, SLICE(INDENT))) {
        (void)account_fail(im->edit->result, ACCOUNT_BAD_PARAMETER,
                           "expected a property, four spaces before its name, below an object");
        return fail_at(im, im->line);
    }
    im->fields[im->field_count++] = (struct object_field){name, rest};
    return 0;
}

int
transfer_import(struct account_edit *edit, struct slice text)
{
    struct import im = {.edit = edit, .kind = -1};
    int rc = 0;

    edit->restoring = true;
    while (text.len > 0 && rc == 0) {
        struct slice line = slice_split(&text, '\n');

        im.line++;
        if (line.len > TRANSFER_LINE_MAX) {
            (void)account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "expected a shorter line");
            rc = fail_at(&im, im.line);
        } else if (line.len > 0 && line.ptr[0] == ' ') {
            rc = add_property(&im, line);
        } else if (line.len > 0 && line.ptr[0] != '#') {
            rc = begin_object(&im, line);
        }
    }
    if (rc == 0)
        rc = finish_object(&im);
    if (rc == 0)
        rc = edit_unit_check_all(edit);
    edit->restoring = false;
    return rc;
}
