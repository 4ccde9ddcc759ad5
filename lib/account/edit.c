/*
 * lib/account/edit.c - changing the account base: which kind goes where, and what all kinds share.
 *
 * Values come from administrators and import files: everything is checked here. Changes only the
 * database, in the caller's transaction.
 */
#include "lib/account/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/account/dictionary.h"
#include "lib/account/edit_internal.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define TEXT_MAX 1000

struct account_result
account_result_new(void)
{
    return (struct account_result){.text = strbuf_new(TEXT_MAX)};
}

void
account_result_free(struct account_result *result)
{
    strbuf_free(&result->text);
}

int
account_fail(struct account_result *result, uint32_t code, const char *format, ...)
{
    va_list args;

    result->code = code;
    strbuf_clear(&result->text);
    va_start(args, format);
    if (!strbuf_vprintf(&result->text, format, args))
        (void)strbuf_str(&result->text, "a value is too long");
    va_end(args);
    return -1;
}

int
account_fail_db(struct account_result *result)
{
    return account_fail(result, ACCOUNT_DATABASE_ERROR, "the account base failed: %s",
                        strerror(errno));
}

/* ---- properties ---- */

/* An empty value that is none of the property's own is the default: that of the domain, where it
 * has one for its users. What an import file leaves empty is damaged. */
static struct slice
value_or_default(const struct account_edit *edit, const struct record *domain,
                 enum account_property id, struct slice given)
{
    if (given.len > 0 || account_properties[id].dflt[0] == '\0' || edit->restoring ||
        account_properties[id].type == PROPERTY_TEXT)
        return given;
    return edit_default_of(domain, id);
}

static int
apply_one(struct account_edit *edit, struct record *record, const struct record *domain,
          const struct object_field *field)
{
    struct strbuf stored = strbuf_new(OBJECT_VALUE_MAX), error = strbuf_new(TEXT_MAX);
    const char *near = NULL;
    int id = account_property_find(record->kind, field->name, &near);
    int rc = -1;

    if (id < 0 && near != NULL)
        (void)account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                           "there is no property '%.*s': did you mean '%s'?", (int)field->name.len,
                           field->name.ptr, near);
    else if (id < 0)
        (void)account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "there is no property '%.*s'",
                           (int)field->name.len, field->name.ptr);
    else if ((account_properties[id].flags & PROPERTY_GIVEN) != 0 && !edit->restoring)
        (void)account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "'%s' cannot be set",
                           account_properties[id].name);
    else if ((account_properties[id].flags & PROPERTY_SAID) != 0 && field->value.len == 0 &&
             !edit->restoring)
        (void)account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "'%s' cannot be empty",
                           account_properties[id].name);
    else if (property_normalize(
                 (enum account_property)id,
                 value_or_default(edit, domain, (enum account_property)id, field->value), &stored,
                 &error) < 0)
        (void)account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "%s", strbuf_cstr(&error));
    else
        rc = 0;
    if (rc == 0)
        record_set(record, (enum account_property)id, strbuf_slice(&stored));
    strbuf_free(&stored);
    strbuf_free(&error);
    return rc;
}

int
edit_apply(struct account_edit *edit, struct record *record, const struct object_field *fields,
           uint32_t count)
{
    return edit_apply_in(edit, record, NULL, fields, count);
}

int
edit_apply_in(struct account_edit *edit, struct record *record, const struct record *domain,
              const struct object_field *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (apply_one(edit, record, domain, &fields[i]) < 0)
            return -1;
    return 0;
}

void
edit_put_time(struct account_edit *edit, struct record *record, enum account_property id)
{
    struct strbuf now = strbuf_new(64);

    /* Whole seconds: "2026-11-23T10:00:00Z". Of passwords all of it: two have two times. */
    (void)clock_rfc3339(edit->now_ms, &now);
    if (id != USER_PASSWORD_CHANGED) {
        strbuf_truncate(&now, strlen("2026-11-23T10:00:00"));
        (void)strbuf_char(&now, 'Z');
    }
    record_set(record, id, strbuf_slice(&now));
    strbuf_free(&now);
}

/* ---- rows ---- */

int
edit_put_record(struct account_edit *edit, enum account_table table, struct slice key,
                const struct record *record)
{
    struct strbuf bytes = strbuf_new(RECORD_BYTES_MAX);
    int rc;

    record_save(record, &bytes);
    if (bytes.overflow)
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "the values are too long together");
    else if (account_db_put(edit->base->db, table, key, strbuf_slice(&bytes)) < 0)
        rc = account_fail_db(edit->result);
    else
        rc = 0;
    strbuf_free(&bytes);
    return rc;
}

int
edit_del_row(struct account_edit *edit, enum account_table table, struct slice key)
{
    if (account_db_del(edit->base->db, table, key) < 0 && errno != ENOENT)
        return account_fail_db(edit->result);
    return 0;
}

static void
ref_key(struct slice target, enum edit_ref ref, struct slice source, struct strbuf *key)
{
    *key = strbuf_new(ACCOUNT_KEY_MAX);
    (void)strbuf_append(key, target);
    (void)strbuf_char(key, '\0');
    (void)strbuf_char(key, (char)ref);
    (void)strbuf_append(key, source);
}

int
edit_ref_put(struct account_edit *edit, struct slice target, enum edit_ref ref, struct slice source)
{
    struct strbuf key;
    int rc;

    ref_key(target, ref, source, &key);
    rc = account_db_put(edit->base->db, ACCOUNT_TABLE_REFS, strbuf_slice(&key), SLICE(""));
    strbuf_free(&key);
    return rc < 0 ? account_fail_db(edit->result) : 0;
}

int
edit_ref_del(struct account_edit *edit, struct slice target, enum edit_ref ref, struct slice source)
{
    struct strbuf key;
    int rc;

    ref_key(target, ref, source, &key);
    rc = edit_del_row(edit, ACCOUNT_TABLE_REFS, strbuf_slice(&key));
    strbuf_free(&key);
    return rc;
}

static void
add_row(struct edit_rows *out, struct slice key, struct slice value)
{
    if ((out->count & (out->count - 1)) == 0) /* a power of two is full */
        out->rows =
            xreallocarray(out->rows, out->count == 0 ? 1 : out->count * 2, sizeof(*out->rows));
    out->rows[out->count++] = (struct edit_row){.key = xslicedup(key),
                                                .value = xslicedup(value),
                                                .key_len = key.len,
                                                .value_len = value.len};
}

int
edit_collect(struct account_edit *edit, enum account_table table, struct slice prefix,
             struct edit_rows *out)
{
    struct account_rows *rows = account_db_rows(edit->base->db, table, prefix, prefix);
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    *out = (struct edit_rows){0};
    while (rc == 1) {
        rc = account_rows_next(rows, &key, &value);
        if (rc == 1)
            add_row(out, key, value);
    }
    account_rows_close(&rows);
    if (rc == 0)
        return 0;
    (void)account_fail_db(edit->result);
    edit_rows_free(out);
    return -1;
}

void
edit_rows_free(struct edit_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->rows[i].key);
        free(rows->rows[i].value);
    }
    free(rows->rows);
    *rows = (struct edit_rows){0};
}

/* ---- which kind goes where ---- */

static int
wrong_kind(struct account_edit *edit, enum account_kind kind)
{
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "this is not done with a %s",
                        account_kind_name(kind));
}

int
account_add(struct account_edit *edit, enum account_kind kind, struct slice name,
            const struct object_field *fields, uint32_t count)
{
    switch (kind) {
    case ACCOUNT_DOMAIN:
    case ACCOUNT_DOMAIN_ALIAS:
        return edit_domain_add(edit, kind, name, fields, count);
    case ACCOUNT_USER:
    case ACCOUNT_ALIAS:
    case ACCOUNT_GROUP:
    case ACCOUNT_PUBLIC:
        return edit_entry_add(edit, kind, name, fields, count);
    case ACCOUNT_ADMIN:
        return edit_admin_add(edit, name, fields, count);
    case ACCOUNT_WORD:
        return dictionary_add(edit, name, fields, count);
    case ACCOUNT_CONTACT:
        return edit_contact_add(edit, name, fields, count);
    case ACCOUNT_UNIT:
        return edit_unit_add(edit, name, fields, count);
    case ACCOUNT_MEMBER:
    case ACCOUNT_SHARE:
    case ACCOUNT_AUTH_CODE:
    case ACCOUNT_KIND_COUNT:
        break;
    }
    return wrong_kind(edit, kind);
}

int
account_set(struct account_edit *edit, enum account_kind kind, struct slice name,
            const struct object_field *fields, uint32_t count)
{
    switch (kind) {
    case ACCOUNT_DOMAIN:
    case ACCOUNT_DOMAIN_ALIAS:
        return edit_domain_set(edit, kind, name, fields, count);
    case ACCOUNT_USER:
    case ACCOUNT_ALIAS:
    case ACCOUNT_GROUP:
    case ACCOUNT_PUBLIC:
        return edit_entry_set(edit, kind, name, fields, count);
    case ACCOUNT_ADMIN:
        return edit_admin_set(edit, name, fields, count);
    case ACCOUNT_CONTACT:
        return edit_contact_set(edit, name, fields, count);
    case ACCOUNT_UNIT:
        return edit_unit_set(edit, name, fields, count);
    case ACCOUNT_WORD:
    case ACCOUNT_MEMBER:
    case ACCOUNT_SHARE:
    case ACCOUNT_AUTH_CODE:
    case ACCOUNT_KIND_COUNT:
        break;
    }
    return wrong_kind(edit, kind);
}

int
account_del(struct account_edit *edit, enum account_kind kind, struct slice name)
{
    switch (kind) {
    case ACCOUNT_DOMAIN:
    case ACCOUNT_DOMAIN_ALIAS:
        return edit_domain_del(edit, kind, name);
    case ACCOUNT_USER:
    case ACCOUNT_ALIAS:
    case ACCOUNT_GROUP:
    case ACCOUNT_PUBLIC:
        return edit_entry_del(edit, kind, name);
    case ACCOUNT_ADMIN:
        return edit_admin_del(edit, name);
    case ACCOUNT_WORD:
        return dictionary_del(edit, name);
    case ACCOUNT_CONTACT:
        return edit_contact_del(edit, name);
    case ACCOUNT_UNIT:
        return edit_unit_del(edit, name);
    case ACCOUNT_MEMBER:
    case ACCOUNT_SHARE:
    case ACCOUNT_AUTH_CODE:
    case ACCOUNT_KIND_COUNT:
        break;
    }
    return wrong_kind(edit, kind);
}

int
account_clear(struct account_edit *edit)
{
    static const enum account_table tables[] = {
        ACCOUNT_TABLE_DOMAINS,  ACCOUNT_TABLE_ENTRIES, ACCOUNT_TABLE_MEMBERS,
        ACCOUNT_TABLE_REFS,     ACCOUNT_TABLE_SHARES,  ACCOUNT_TABLE_ADMINS,
        ACCOUNT_TABLE_CONTACTS, ACCOUNT_TABLE_WORDS,   ACCOUNT_TABLE_CODES,
        ACCOUNT_TABLE_TOTALS,   ACCOUNT_TABLE_UNITS,   ACCOUNT_TABLE_GREETINGS};
    struct edit_rows rows;
    int rc = 0;

    for (size_t t = 0; t < ARRAY_LEN(tables) && rc == 0; t++) {
        rc = edit_collect(edit, tables[t], SLICE(""), &rows);
        for (size_t i = 0; i < rows.count && rc == 0; i++)
            rc = edit_del_row(edit, tables[t], edit_key(&rows.rows[i]));
        edit_rows_free(&rows);
    }
    if (rc == 0)
        rc = dictionary_cleared(edit);
    return rc < 0 ? -1 : edit_del_row(edit, ACCOUNT_TABLE_META, SLICE("primary"));
}
