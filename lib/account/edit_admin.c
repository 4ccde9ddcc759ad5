/*
 * lib/account/edit_admin.c - administrators; the last super administrator stays (DIR-61).
 *
 * Names and values come from administrators. Changes only the database.
 */
#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/account/manages.h"
#include "lib/account/precis.h"
#include "lib/base/parse.h"

enum { CODE_FAILED = 1, CODE_EXISTS = 2 }; /* ADM-33 */

static int
canonical_name(struct account_edit *edit, struct slice given, struct strbuf *name)
{
    if (canonical_local(given, name) == 0 && canonical_local_usable(strbuf_slice(name)) &&
        (edit->restoring || parse_is_ascii(given) || precis_is_username(strbuf_slice(name))))
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "'%.*s' is no name that an administrator can have", (int)given.len,
                        given.ptr);
}

static int
load(struct account_edit *edit, struct slice given, struct strbuf *name, struct record *record)
{
    struct slice bytes;

    if (canonical_name(edit, given, name) < 0)
        return -1;
    if (account_db_get(edit->base->db, ACCOUNT_TABLE_ADMINS, strbuf_slice(name), &bytes) < 0)
        return errno != ENOENT
                   ? account_fail_db(edit->result)
                   : account_fail(edit->result, CODE_FAILED, "%.*s: no such administrator",
                                  (int)given.len, given.ptr);
    return record_load(record, bytes) < 0 ? account_fail_db(edit->result) : 0;
}

/* The domains of a range in their one form; each of ours, unless a text of earlier times says so.
 */
static int
check_domains(struct account_edit *edit, struct record *admin)
{
    struct strbuf all = strbuf_new(OBJECT_VALUE_MAX), name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct record domain = record_new(ACCOUNT_DOMAIN);
    struct slice rest = record_get(admin, ADMIN_DOMAINS), word;
    int rc = 0;

    while (rc == 0 && (word = property_next_word(&rest)).len > 0) {
        strbuf_clear(&name);
        if (account_find_domain(edit->base, word, &domain, &name) != ACCOUNT_FOUND &&
            (!edit->restoring || name.len == 0))
            rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "%.*s: no such domain",
                              (int)word.len, word.ptr);
        (void)strbuf_str(&all, all.len > 0 ? " " : ""); /* no longer than what was given */
        (void)strbuf_append(&all, strbuf_slice(&name));
    }
    if (rc == 0)
        record_set(admin, ADMIN_DOMAINS, strbuf_slice(&all));
    record_free(&domain);
    strbuf_free(&all);
    strbuf_free(&name);
    return rc;
}

/* The mailbox has its one form, so that its sessions are known by it. */
static int
check_mailbox(struct account_edit *edit, struct record *admin)
{
    struct account_hit hit = account_hit_new();
    struct slice given = record_get(admin, ADMIN_MAILBOX);
    enum account_found found =
        given.len == 0 ? ACCOUNT_UNKNOWN : account_find_exact(edit->base, given, &hit);
    int rc = 0;

    if (found == ACCOUNT_TROUBLE)
        rc = account_fail_db(edit->result);
    else if (found == ACCOUNT_FOUND && hit.entry.kind == ACCOUNT_USER)
        record_set(admin, ADMIN_MAILBOX, strbuf_slice(&hit.address));
    else if (given.len > 0 && !edit->restoring) /* a text may tell of administrators first */
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                          "mailbox: %.*s is no mailbox of ours", (int)given.len, given.ptr);
    account_hit_free(&hit);
    return rc;
}

/* What is ticked exists; what concerns the whole server is not for somebody bound to domains. */
static int
check_rights(struct account_edit *edit, const struct record *admin)
{
    struct slice rest = record_get(admin, ADMIN_RIGHTS), word;

    while ((word = property_next_word(&rest)).len > 0) {
        int right = account_right_find(word);

        if (right < 0)
            return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                                "rights: there is no function '%.*s'", (int)word.len, word.ptr);
        if (!account_right_is_of_domain((enum account_right)right) &&
            record_get(admin, ADMIN_DOMAINS).len > 0)
            return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                                "rights: '%.*s' concerns the whole server; with domains=... it "
                                "cannot be given",
                                (int)word.len, word.ptr);
    }
    return 0;
}

static int
put(struct account_edit *edit, struct slice name, struct record *record)
{
    if (check_domains(edit, record) < 0 || check_mailbox(edit, record) < 0 ||
        check_rights(edit, record) < 0)
        return -1;
    if (record_is(record, ADMIN_TYPE, "role") && record_get(record, ADMIN_RIGHTS).len == 0)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "a role administrator needs rights=...");
    if (record_is(record, ADMIN_TYPE, "domain") && record_get(record, ADMIN_DOMAINS).len == 0)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "a domain administrator needs domains=...");
    return edit_put_record(edit, ACCOUNT_TABLE_ADMINS, name, record);
}

/* A super administrator besides `name`? */
static int
must_leave_one(struct account_edit *edit, struct slice name)
{
    struct record record = record_new(ACCOUNT_ADMIN);
    struct edit_rows rows;
    bool another = false;
    int rc = edit_collect(edit, ACCOUNT_TABLE_ADMINS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        if (record_load(&record, edit_value(&rows.rows[i])) < 0)
            rc = account_fail_db(edit->result);
        else if (!slice_eq(edit_key(&rows.rows[i]), name) &&
                 record_is(&record, ADMIN_TYPE, "super"))
            another = true;
    }
    edit_rows_free(&rows);
    record_free(&record);
    if (rc < 0 || another)
        return rc;
    return account_fail(edit->result, CODE_FAILED,
                        "%.*s is the last super administrator: make another one first",
                        (int)name.len, name.ptr);
}

int
edit_admin_add(struct account_edit *edit, struct slice given, const struct object_field *fields,
               uint32_t count)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX);
    struct record record = record_new(ACCOUNT_ADMIN);
    struct slice bytes;
    int rc = canonical_name(edit, given, &name);

    if (rc == 0 &&
        account_db_get(edit->base->db, ACCOUNT_TABLE_ADMINS, strbuf_slice(&name), &bytes) == 0)
        rc = account_fail(edit->result, CODE_EXISTS, "%.*s exists already", (int)given.len,
                          given.ptr);
    else if (rc == 0 && errno != ENOENT)
        rc = account_fail_db(edit->result);
    if (rc == 0 && !edit->restoring)
        edit_put_time(edit, &record, ADMIN_CREATED);
    if (rc == 0)
        rc = edit_apply(edit, &record, fields, count);
    if (rc == 0)
        rc = put(edit, strbuf_slice(&name), &record);
    record_free(&record);
    strbuf_free(&name);
    return rc;
}

int
edit_admin_set(struct account_edit *edit, struct slice given, const struct object_field *fields,
               uint32_t count)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX);
    struct record record = record_new(ACCOUNT_ADMIN);
    bool was_super;
    int rc = load(edit, given, &name, &record);

    was_super = rc == 0 && record_is(&record, ADMIN_TYPE, "super");
    if (rc == 0)
        rc = edit_apply(edit, &record, fields, count);
    if (rc == 0 && was_super && !record_is(&record, ADMIN_TYPE, "super"))
        rc = must_leave_one(edit, strbuf_slice(&name));
    if (rc == 0)
        rc = put(edit, strbuf_slice(&name), &record);
    record_free(&record);
    strbuf_free(&name);
    return rc;
}

int
account_admin_totp(struct account_edit *edit, struct slice given, const struct account_totp *totp)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX), used = strbuf_new(32);
    struct record record = record_new(ACCOUNT_ADMIN);
    int rc = load(edit, given, &name, &record);

    (void)strbuf_u64(&used, totp->used);
    record_set(&record, ADMIN_TOTP, totp->state);
    record_set(&record, ADMIN_TOTP_KEY, totp->key);
    record_set(&record, ADMIN_TOTP_USED, strbuf_slice(&used));
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_ADMINS, strbuf_slice(&name), &record);
    record_free(&record);
    strbuf_free(&name);
    strbuf_free(&used);
    return rc;
}

int
edit_admin_del(struct account_edit *edit, struct slice given)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX);
    struct record record = record_new(ACCOUNT_ADMIN);
    int rc = load(edit, given, &name, &record);

    if (rc == 0 && record_is(&record, ADMIN_TYPE, "super"))
        rc = must_leave_one(edit, strbuf_slice(&name));
    if (rc == 0)
        rc = edit_del_row(edit, ACCOUNT_TABLE_ADMINS, strbuf_slice(&name));
    record_free(&record);
    strbuf_free(&name);
    return rc;
}

int
edit_admin_rename(struct account_edit *edit, struct slice given, struct slice new_given)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX),
                  new_name = strbuf_new(CANONICAL_LOCAL_MAX);
    struct record record = record_new(ACCOUNT_ADMIN);
    struct slice bytes;
    int rc = load(edit, given, &name, &record);

    if (rc == 0)
        rc = canonical_name(edit, new_given, &new_name);
    if (rc == 0 &&
        account_db_get(edit->base->db, ACCOUNT_TABLE_ADMINS, strbuf_slice(&new_name), &bytes) == 0)
        rc = account_fail(edit->result, CODE_EXISTS, "%.*s exists already", (int)new_given.len,
                          new_given.ptr);
    if (rc == 0)
        rc = edit_del_row(edit, ACCOUNT_TABLE_ADMINS, strbuf_slice(&name));
    if (rc == 0)
        rc = put(edit, strbuf_slice(&new_name), &record);
    record_free(&record);
    strbuf_free(&name);
    strbuf_free(&new_name);
    return rc;
}

int
edit_admin_mailbox_gone(struct account_edit *edit, struct slice mailbox)
{
    struct record record = record_new(ACCOUNT_ADMIN);
    struct edit_rows rows;
    int rc = edit_collect(edit, ACCOUNT_TABLE_ADMINS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        if (record_load(&record, edit_value(&rows.rows[i])) < 0) {
            rc = account_fail_db(edit->result);
        } else if (slice_eq(record_get(&record, ADMIN_MAILBOX), mailbox)) {
            record_set(&record, ADMIN_MAILBOX, SLICE(""));
            rc = edit_put_record(edit, ACCOUNT_TABLE_ADMINS, edit_key(&rows.rows[i]), &record);
        }
    }
    edit_rows_free(&rows);
    record_free(&record);
    return rc;
}
