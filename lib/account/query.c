/*
 * lib/account/query.c - reading accounts as objects. Changes nothing.
 */
#include "lib/account/query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/account/canonical.h"
#include "lib/account/contact.h"
#include "lib/account/edit_internal.h"
#include "lib/account/totals.h"
#include "lib/account/unit.h"
#include "lib/auth/policy.h"

struct query_row
query_row_new(void)
{
    return (struct query_row){.record = record_new(ACCOUNT_DOMAIN),
                              .name = strbuf_new(ACCOUNT_KEY_MAX),
                              .group = strbuf_new(ACCOUNT_ADDRESS_MAX),
                              .count = strbuf_new(32),
                              .text = strbuf_new(OBJECT_VALUE_MAX)};
}

void
query_row_free(struct query_row *row)
{
    record_free(&row->record);
    strbuf_free(&row->name);
    strbuf_free(&row->group);
    strbuf_free(&row->count);
    strbuf_free(&row->text);
}

static struct slice
given_value(const struct account_base *base, const struct query_row *row, enum account_property id)
{
    switch (id) {
    case DOMAIN_TYPE:
        return slice_eq(strbuf_slice(&base->primary), strbuf_slice(&row->name)) ? SLICE("primary")
                                                                                : SLICE("common");
    case MEMBER_GROUP:
    case SHARE_OWNER:
    case AUTH_CODE_USER:
        return strbuf_slice(&row->group);
    case MEMBER_ADDRESS:
    case DOMAIN_NAME:
    case DOMAIN_ALIAS_NAME:
    case USER_ADDRESS:
    case ALIAS_ADDRESS:
    case GROUP_ADDRESS:
    case PUBLIC_ADDRESS:
    case SHARE_GRANTEE:
    case AUTH_CODE_ID:
    case ADMIN_NAME:
    case WORD_TEXT:
    case CONTACT_NAME:
    case UNIT_NAME:
        return strbuf_slice(&row->name);
    case GROUP_MEMBER_COUNT:
        return strbuf_slice(&row->count);
    case UNIT_PATH:
    case USER_GROUPS:
        return strbuf_slice(&row->text);
    case DOMAIN_MAILBOXES:
        return slice_of(row->totals.mailboxes);
    case DOMAIN_MAILBOX_GIVEN:
        return slice_of(row->totals.mailbox_bytes);
    case DOMAIN_NETDISK_GIVEN:
        return slice_of(row->totals.netdisk_bytes);
    default:
        return record_get(&row->record, id);
    }
}

uint32_t
query_fields(const struct account_base *base, const struct query_row *row,
             struct object_field fields[RECORD_PROPERTIES_MAX])
{
    size_t first, total = account_properties_of(row->kind, &first);
    uint32_t count = 0;

    for (size_t id = first; id < first + total; id++)
        if ((account_properties[id].flags & PROPERTY_SECRET) == 0)
            fields[count++] =
                (struct object_field){slice_of(account_properties[id].name),
                                      given_value(base, row, (enum account_property)id)};
    return count;
}

static enum account_table
table_of(enum account_kind kind)
{
    switch (kind) {
    case ACCOUNT_DOMAIN:
    case ACCOUNT_DOMAIN_ALIAS:
        return ACCOUNT_TABLE_DOMAINS;
    case ACCOUNT_MEMBER:
        return ACCOUNT_TABLE_MEMBERS;
    case ACCOUNT_ADMIN:
        return ACCOUNT_TABLE_ADMINS;
    case ACCOUNT_SHARE:
        return ACCOUNT_TABLE_SHARES;
    case ACCOUNT_WORD:
        return ACCOUNT_TABLE_WORDS;
    case ACCOUNT_CONTACT:
        return ACCOUNT_TABLE_CONTACTS;
    case ACCOUNT_AUTH_CODE:
        return ACCOUNT_TABLE_CODES;
    case ACCOUNT_UNIT:
        return ACCOUNT_TABLE_UNITS;
    case ACCOUNT_USER:
    case ACCOUNT_ALIAS:
    case ACCOUNT_GROUP:
    case ACCOUNT_PUBLIC:
    case ACCOUNT_KIND_COUNT:
        break;
    }
    return ACCOUNT_TABLE_ENTRIES;
}

/* The names that are in the key. */
static void
take_names(struct query_row *row, enum account_table table, struct slice key)
{
    struct slice member = key;

    strbuf_clear(&row->name);
    strbuf_clear(&row->group);
    if (table == ACCOUNT_TABLE_ENTRIES || table == ACCOUNT_TABLE_CONTACTS ||
        table == ACCOUNT_TABLE_UNITS) {
        account_entry_address(key, &row->name);
    } else if (table == ACCOUNT_TABLE_MEMBERS || table == ACCOUNT_TABLE_SHARES ||
               table == ACCOUNT_TABLE_CODES) {
        (void)slice_split(&member, '\0');
        (void)slice_split(&member, '\0');
        account_entry_address(slice_sub(key, 0, key.len - member.len - 1), &row->group);
        (void)strbuf_append(&row->name, slice_split(&member, '\0')); /* a share's folder follows */
    } else {
        (void)strbuf_append(&row->name, key);
    }
}

static int
count_members(struct account_base *base, struct query_row *row, struct slice group_key)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_rows *rows;
    struct slice key, value;
    uint64_t count = 0;
    int rc = -1;

    (void)strbuf_append(&prefix, group_key);
    (void)strbuf_char(&prefix, '\0');
    rows = account_db_rows(base->db, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&prefix), SLICE(""));
    while (rows != NULL && (rc = account_rows_next(rows, &key, &value)) == 1)
        count++;
    account_rows_close(&rows);
    strbuf_free(&prefix);
    strbuf_clear(&row->count);
    (void)strbuf_u64(&row->count, count);
    return rc;
}

static int
load_totals(struct account_base *base, struct query_totals *text, struct slice domain)
{
    struct account_totals totals;

    if (account_totals_get(base, domain, &totals) < 0)
        return -1;
    (void)snprintf(text->mailboxes, sizeof(text->mailboxes), "%" PRIu64, totals.mailboxes);
    (void)snprintf(text->mailbox_bytes, sizeof(text->mailbox_bytes), "%" PRIu64,
                   totals_number(totals.mailbox_bytes));
    (void)snprintf(text->netdisk_bytes, sizeof(text->netdisk_bytes), "%" PRIu64,
                   totals_number(totals.netdisk_bytes));
    return 0;
}

/* The groups that a mailbox is in itself. */
static int
load_groups(struct account_base *base, struct slice address, struct strbuf *out)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_rows *rows;
    struct slice key, value;
    int rc = -1;

    (void)strbuf_append(&prefix, address);
    (void)strbuf_char(&prefix, '\0');
    (void)strbuf_char(&prefix, EDIT_REF_MEMBER);
    rows = account_db_rows(base->db, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), SLICE(""));
    while (rows != NULL && (rc = account_rows_next(rows, &key, &value)) == 1) {
        if (out->len + ACCOUNT_ADDRESS_MAX >= out->max)
            break; /* more than can be shown */
        (void)strbuf_str(out, out->len > 0 ? " " : "");
        account_entry_address(slice_sub(key, prefix.len, key.len), out);
    }
    account_rows_close(&rows);
    strbuf_free(&prefix);
    return rc < 0 ? -1 : 0;
}

static int
load_row(struct account_base *base, struct query_row *row, enum account_table table,
         struct slice key, struct slice value)
{
    if (record_load(&row->record, value) < 0)
        return -1;
    row->kind = row->record.kind;
    take_names(row, table, key);
    strbuf_clear(&row->text);
    if (row->kind == ACCOUNT_UNIT)
        unit_path(base, slice_split(&key, '\0'), &row->record, &row->text);
    if (row->kind == ACCOUNT_USER)
        return load_groups(base, strbuf_slice(&row->name), &row->text);
    if (row->kind == ACCOUNT_DOMAIN)
        return load_totals(base, &row->totals, strbuf_slice(&row->name));
    return row->kind == ACCOUNT_GROUP ? count_members(base, row, key) : 0;
}

/* The start of the keys that the query is about. */
static int
key_prefix(struct account_base *base, const struct query *query, struct strbuf *prefix,
           struct account_result *result)
{
    struct account_hit hit;
    int rc = 0;

    if (query->within.len == 0)
        return 0;
    if (query->kind == ACCOUNT_MEMBER || query->kind == ACCOUNT_SHARE ||
        query->kind == ACCOUNT_AUTH_CODE) {
        enum account_kind owner = query->kind == ACCOUNT_MEMBER ? ACCOUNT_GROUP : ACCOUNT_USER;

        hit = account_hit_new();
        if (account_find_exact(base, query->within, &hit) == ACCOUNT_FOUND &&
            hit.entry.kind == owner)
            (void)strbuf_append(prefix, strbuf_slice(&hit.key));
        else
            rc = account_fail(result, 2, "%.*s: no such %s", (int)query->within.len,
                              query->within.ptr, account_kind_name(owner));
        account_hit_free(&hit);
    } else if (query->kind == ACCOUNT_CONTACT) {
        if (contact_book(base, query->within, prefix) != ACCOUNT_FOUND)
            rc = account_fail(result, 2, "%.*s: no such domain, nor '" CONTACT_OUTSIDE "'",
                              (int)query->within.len, query->within.ptr);
    } else {
        hit = account_hit_new();
        if (account_find_domain(base, query->within, &hit.domain, prefix) != ACCOUNT_FOUND)
            rc = account_fail(result, 2, "%.*s: no such domain", (int)query->within.len,
                              query->within.ptr);
        account_hit_free(&hit);
    }
    (void)strbuf_char(prefix, '\0');
    return rc;
}

/* Rows behind the cursor; a row that each() refuses is the next page's first. */
static int
walk(struct account_base *base, const struct query *query, struct account_rows *rows,
     struct strbuf *cursor, size_t rows_max, int (*each)(void *arg, const struct query_row *row),
     void *arg)
{
    enum account_table table = table_of(query->kind);
    struct query_row row = query_row_new();
    struct strbuf last = strbuf_new(QUERY_CURSOR_MAX);
    struct slice key, value;
    size_t looked_at = 0;
    int rc;

    (void)strbuf_append(&last, strbuf_slice(cursor));
    while ((rc = account_rows_next(rows, &key, &value)) == 1) {
        if (slice_eq(key, strbuf_slice(&last)))
            continue; /* where the last page ended */
        if (looked_at++ == rows_max)
            break;
        if (load_row(base, &row, table, key, value) < 0) {
            rc = -1;
            break;
        }
        if (row.kind == query->kind && each(arg, &row) < 0)
            break;
        strbuf_clear(&last);
        (void)strbuf_append(&last, key);
    }
    strbuf_clear(cursor);
    if (rc == 1)
        (void)strbuf_append(cursor, strbuf_slice(&last));
    strbuf_free(&last);
    query_row_free(&row);
    return rc < 0 ? -1 : 0;
}

int
query_list(struct account_base *base, const struct query *query, struct strbuf *cursor,
           size_t rows_max, int (*each)(void *arg, const struct query_row *row), void *arg,
           struct account_result *result)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_rows *rows = NULL;
    int rc = key_prefix(base, query, &prefix, result);

    if (rc == 0) {
        rows = account_db_rows(base->db, table_of(query->kind), strbuf_slice(&prefix),
                               strbuf_slice(cursor));
        if (rows == NULL || walk(base, query, rows, cursor, rows_max, each, arg) < 0)
            rc = account_fail_db(result);
    }
    account_rows_close(&rows);
    strbuf_free(&prefix);
    return rc;
}

/* ---- one object ---- */

static int
show_row(struct account_base *base, enum account_kind kind, struct slice key, struct slice name,
         struct query_row *row, struct account_result *result)
{
    struct slice bytes;

    if (account_db_get(base->db, table_of(kind), key, &bytes) < 0)
        return errno != ENOENT ? account_fail_db(result)
                               : account_fail(result, 2, "%.*s: no such %s", (int)name.len,
                                              name.ptr, account_kind_name(kind));
    if (load_row(base, row, table_of(kind), key, bytes) < 0)
        return account_fail_db(result);
    if (row->kind != kind)
        return account_fail(result, 2, "%.*s is a %s, no %s", (int)name.len, name.ptr,
                            account_kind_name(row->kind), account_kind_name(kind));
    return 0;
}

int
query_show(struct account_base *base, enum account_kind kind, struct slice name,
           struct query_row *row, struct account_result *result)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_hit hit;
    int rc = 0;

    if (table_of(kind) == ACCOUNT_TABLE_ENTRIES) {
        hit = account_hit_new();
        if (account_find_exact(base, name, &hit) == ACCOUNT_FOUND)
            (void)strbuf_append(&key, strbuf_slice(&hit.key));
        else
            rc = account_fail(result, 2, "%.*s: no such %s", (int)name.len, name.ptr,
                              account_kind_name(kind));
        account_hit_free(&hit);
    } else if (kind == ACCOUNT_WORD) {
        if (policy_fold(name, &key) < 0)
            rc = account_fail(result, ACCOUNT_BAD_PARAMETER, "expected a word in UTF-8");
    } else if (kind == ACCOUNT_UNIT) {
        if (unit_key(base, name, &key) != ACCOUNT_FOUND)
            rc =
                account_fail(result, 2, "%.*s: no such organisation unit", (int)name.len, name.ptr);
    } else if (kind == ACCOUNT_CONTACT) {
        if (contact_key(base, name, &key) != ACCOUNT_FOUND)
            rc = account_fail(result, 2, "%.*s: no such contact", (int)name.len, name.ptr);
    } else if (table_of(kind) == ACCOUNT_TABLE_DOMAINS ? canonical_domain(name, &key) < 0
                                                       : canonical_local(name, &key) < 0) {
        rc = account_fail(result, ACCOUNT_BAD_PARAMETER, "'%.*s' is no name of a %s", (int)name.len,
                          name.ptr, account_kind_name(kind));
    }
    if (rc == 0)
        rc = show_row(base, kind, strbuf_slice(&key), name, row, result);
    strbuf_free(&key);
    return rc;
}
