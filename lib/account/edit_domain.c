/*
 * lib/account/edit_domain.c - domains and domain aliases: one name space, exactly one primary.
 *
 * Names and values come from administrators. Changes only the database.
 */
#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/account/contact.h"
#include "lib/account/direct_login.h"
#include "lib/account/edit_internal.h"
#include "lib/base/parse.h"

#define PRIMARY_KEY SLICE("primary")

/* ADM-29, ADM-34, and ADM-30 to 32 of what is set. */
enum { CODE_FAILED = 1, CODE_EXISTS = 2, CODE_ALIAS_FAILED = 2, CODE_NO_SUCH = 2 };

static uint32_t
missing_code(enum account_kind kind)
{
    return kind == ACCOUNT_DOMAIN ? CODE_FAILED : CODE_ALIAS_FAILED;
}

static int
canonical_name(struct account_edit *edit, struct slice given, struct strbuf *name)
{
    if (canonical_domain(given, name) == 0)
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "'%.*s' is no domain name: expected letters, digits and hyphens between "
                        "dots",
                        (int)given.len, given.ptr);
}

/* The record of exactly that name. 0, or -1 with `code` if there is none or of another kind. */
static int
load(struct account_edit *edit, enum account_kind kind, struct slice name, uint32_t code,
     struct record *record)
{
    struct slice bytes;

    if (account_db_get(edit->base->db, ACCOUNT_TABLE_DOMAINS, name, &bytes) < 0) {
        if (errno != ENOENT)
            return account_fail_db(edit->result);
        return account_fail(edit->result, code, "%.*s: no such %s", (int)name.len, name.ptr,
                            account_kind_name(kind));
    }
    if (record_load(record, bytes) < 0)
        return account_fail_db(edit->result);
    if (record->kind == kind)
        return 0;
    return account_fail(edit->result, code, "%.*s is a %s, no %s", (int)name.len, name.ptr,
                        account_kind_name(record->kind), account_kind_name(kind));
}

static int
must_be_free(struct account_edit *edit, struct slice name)
{
    struct slice bytes;

    if (slice_eq(name, SLICE(CONTACT_OUTSIDE)))
        return account_fail(edit->result, CODE_FAILED,
                            "'" CONTACT_OUTSIDE "' is the name of a book of contacts");
    if (account_db_get(edit->base->db, ACCOUNT_TABLE_DOMAINS, name, &bytes) == 0)
        return account_fail(edit->result, CODE_EXISTS, "%.*s exists already", (int)name.len,
                            name.ptr);
    return errno == ENOENT ? 0 : account_fail_db(edit->result);
}

/* The type is stored once, as the primary domain's name, so that there is always exactly one. */
static int
store_type(struct account_edit *edit, struct slice name, struct record *record)
{
    struct slice primary;
    bool none, is_primary;

    none = account_db_get(edit->base->db, ACCOUNT_TABLE_META, PRIMARY_KEY, &primary) < 0;
    if (none && errno != ENOENT)
        return account_fail_db(edit->result);
    is_primary = !none && slice_eq(primary, name);
    if (is_primary && !record_is(record, DOMAIN_TYPE, "primary"))
        return account_fail(edit->result, CODE_FAILED,
                            "%.*s is the primary domain: set type=primary for another domain "
                            "instead",
                            (int)name.len, name.ptr);
    if (none || record_is(record, DOMAIN_TYPE, "primary"))
        if (account_db_put(edit->base->db, ACCOUNT_TABLE_META, PRIMARY_KEY, name) < 0)
            return account_fail_db(edit->result);
    record_set(record, DOMAIN_TYPE, SLICE(""));
    return 0;
}

static int
check_domain(struct account_edit *edit, const struct record *record)
{
    if (record_is(record, DOMAIN_UNKNOWN, "deliver") &&
        record_get(record, DOMAIN_UNKNOWN_ADDRESS).len == 0)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "unknown=deliver needs unknown_address");
    if (record_is(record, DOMAIN_UNKNOWN, "notify") &&
        record_get(record, DOMAIN_ADMIN_ADDRESS).len == 0)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "unknown=notify needs admin_address");
    /* a notice must not need SMTPUTF8 for it */
    if (!parse_is_ascii(record_get(record, DOMAIN_SYSTEM_SENDER)))
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "system_sender has to be written in ASCII");
    return 0;
}

/* A domain alias leads to a real domain; given another alias it takes that one's. */
static int
check_alias(struct account_edit *edit, struct record *alias)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct record target = record_new(ACCOUNT_DOMAIN);
    struct slice given = record_get(alias, DOMAIN_ALIAS_TARGET);
    int rc = 0;

    if (account_find_domain(edit->base, given, &target, &name) != ACCOUNT_FOUND)
        rc = account_fail(edit->result, CODE_ALIAS_FAILED, "'%.*s' is no domain of ours",
                          (int)given.len, given.ptr);
    else
        record_set(alias, DOMAIN_ALIAS_TARGET, strbuf_slice(&name));
    record_free(&target);
    strbuf_free(&name);
    return rc;
}

static int
check_and_put(struct account_edit *edit, struct slice name, struct record *record)
{
    int rc =
        record->kind == ACCOUNT_DOMAIN ? check_domain(edit, record) : check_alias(edit, record);

    if (rc == 0 && record->kind == ACCOUNT_DOMAIN)
        rc = store_type(edit, name, record);
    if (rc == 0 && record->kind == ACCOUNT_DOMAIN)
        rc = direct_login_put(edit, name, record);
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_DOMAINS, name, record);
    return rc;
}

int
edit_domain_add(struct account_edit *edit, enum account_kind kind, struct slice given,
                const struct object_field *fields, uint32_t count)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct record record = record_new(kind);
    int rc = canonical_name(edit, given, &name);

    if (rc == 0)
        rc = must_be_free(edit, strbuf_slice(&name));
    if (rc == 0 && kind == ACCOUNT_DOMAIN && !edit->restoring)
        edit_put_time(edit, &record, DOMAIN_CREATED);
    if (rc == 0)
        rc = edit_apply(edit, &record, fields, count);
    if (rc == 0)
        rc = check_and_put(edit, strbuf_slice(&name), &record);
    if (rc == 0 && kind == ACCOUNT_DOMAIN && !edit->restoring &&
        record_bool(&record, DOMAIN_EVERYONE))
        rc = edit_everyone_make(edit, strbuf_slice(&name));
    record_free(&record);
    strbuf_free(&name);
    return rc;
}

int
edit_domain_set(struct account_edit *edit, enum account_kind kind, struct slice given,
                const struct object_field *fields, uint32_t count)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX), publishes = strbuf_new(16);
    struct record record = record_new(kind);
    struct slice primary;
    int rc = canonical_name(edit, given, &name);

    if (rc == 0)
        rc = load(edit, kind, strbuf_slice(&name), CODE_NO_SUCH, &record);
    if (rc == 0 && kind == ACCOUNT_DOMAIN)
        (void)strbuf_append(&publishes, record_get(&record, DOMAIN_PUBLISH_USERS)); /* a choice */
    if (rc == 0 && kind == ACCOUNT_DOMAIN &&
        account_db_get(edit->base->db, ACCOUNT_TABLE_META, PRIMARY_KEY, &primary) == 0 &&
        slice_eq(primary, strbuf_slice(&name)))
        record_set(&record, DOMAIN_TYPE, SLICE("primary"));
    if (rc == 0)
        rc = edit_apply(edit, &record, fields, count);
    if (rc == 0)
        rc = check_and_put(edit, strbuf_slice(&name), &record);
    if (rc == 0 && kind == ACCOUNT_DOMAIN && !edit->restoring &&
        record_bool(&record, DOMAIN_EVERYONE))
        rc = edit_everyone_make(edit, strbuf_slice(&name));
    if (rc == 0 && kind == ACCOUNT_DOMAIN &&
        !record_is(&record, DOMAIN_PUBLISH_USERS, strbuf_cstr(&publishes)))
        rc = edit_contact_domain_set(edit, strbuf_slice(&name));
    record_free(&record);
    strbuf_free(&name);
    strbuf_free(&publishes);
    return rc;
}

/* ---- del ---- */

static int
must_be_empty(struct account_edit *edit, struct slice name)
{
    struct strbuf prefix = strbuf_new(CANONICAL_DOMAIN_MAX + 1);
    struct account_rows *rows;
    struct slice key, value;
    int rc = -1;

    (void)strbuf_append(&prefix, name);
    (void)strbuf_char(&prefix, '\0');
    rows = account_db_rows(edit->base->db, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&prefix), SLICE(""));
    if (rows != NULL)
        rc = account_rows_next(rows, &key, &value);
    account_rows_close(&rows);
    strbuf_free(&prefix);
    if (rc < 0)
        return account_fail_db(edit->result);
    if (rc == 0)
        return 0;
    return account_fail(edit->result, CODE_FAILED,
                        "%.*s still holds mailboxes, aliases, groups or public folders: remove "
                        "them first",
                        (int)name.len, name.ptr);
}

/* Domain aliases end with their domain. */
static int
drop_aliases(struct account_edit *edit, struct slice name)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct edit_rows rows;
    int rc = edit_collect(edit, ACCOUNT_TABLE_DOMAINS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        if (record_load(&record, edit_value(&rows.rows[i])) < 0)
            rc = account_fail_db(edit->result);
        else if (record.kind == ACCOUNT_DOMAIN_ALIAS &&
                 slice_eq(record_get(&record, DOMAIN_ALIAS_TARGET), name))
            rc = edit_del_row(edit, ACCOUNT_TABLE_DOMAINS, edit_key(&rows.rows[i]));
    }
    edit_rows_free(&rows);
    record_free(&record);
    return rc;
}

static int
may_go(struct account_edit *edit, struct slice name)
{
    struct slice primary;

    if (account_db_get(edit->base->db, ACCOUNT_TABLE_META, PRIMARY_KEY, &primary) < 0)
        return account_fail_db(edit->result);
    if (slice_eq(primary, name))
        return account_fail(edit->result, CODE_FAILED,
                            "%.*s is the primary domain, which cannot be deleted", (int)name.len,
                            name.ptr);
    return must_be_empty(edit, name);
}

/* A later domain of that name inherits no rights. */
static int
forget_domain(struct account_edit *edit, struct slice name)
{
    struct strbuf word = strbuf_new(CANONICAL_DOMAIN_MAX + 1);
    int rc;

    (void)strbuf_char(&word, '@');
    (void)strbuf_append(&word, name);
    rc = edit_public_forget(edit, strbuf_slice(&word));
    if (rc == 0)
        rc = edit_share_forget(edit, strbuf_slice(&word));
    if (rc == 0)
        rc = edit_list_forget(edit, strbuf_slice(&word));
    strbuf_free(&word);
    return rc;
}

int
edit_domain_del(struct account_edit *edit, enum account_kind kind, struct slice given)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct record record = record_new(kind);
    int rc = canonical_name(edit, given, &name);

    if (rc == 0)
        rc = load(edit, kind, strbuf_slice(&name), missing_code(kind), &record);
    if (rc == 0 && kind == ACCOUNT_DOMAIN)
        rc = may_go(edit, strbuf_slice(&name));
    if (rc == 0 && kind == ACCOUNT_DOMAIN)
        rc = drop_aliases(edit, strbuf_slice(&name));
    if (rc == 0 && kind == ACCOUNT_DOMAIN)
        rc = forget_domain(edit, strbuf_slice(&name));
    if (rc == 0 && kind == ACCOUNT_DOMAIN)
        rc = edit_contact_domain_gone(edit, strbuf_slice(&name));
    if (rc == 0 && kind == ACCOUNT_DOMAIN)
        rc = edit_unit_domain_gone(edit, strbuf_slice(&name));
    if (rc == 0)
        rc = edit_del_row(edit, ACCOUNT_TABLE_DOMAINS, strbuf_slice(&name));
    record_free(&record);
    strbuf_free(&name);
    return rc;
}
