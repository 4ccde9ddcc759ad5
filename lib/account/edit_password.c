/*
 * lib/account/edit_password.c - a user's or an administrator's new password record, and what
 * follows from it: the history, when it was set, whether its user has to change it.
 *
 * What the password itself is like was checked before there was a record (lib/auth/policy.h).
 * Changes only the database.
 */
#include "lib/account/edit_internal.h"
#include "lib/account/password_rules.h"
#include "lib/base/mem.h"

#define RECORD_MAX 2048

void
edit_password_follows(struct account_edit *edit, const struct record *domain, struct record *user,
                      struct slice old, bool due_given)
{
    struct password_rules rules = password_rules_of(domain, user);
    unsigned keep = rules.policy.history > 0 ? rules.policy.history - 1 : 0; /* besides this one */
    struct strbuf history = strbuf_new(RECORD_MAX);

    policy_old_push(record_get(user, USER_PASSWORD_OLD), old, keep, &history);
    record_set(user, USER_PASSWORD_OLD, strbuf_slice(&history));
    edit_put_time(edit, user, USER_PASSWORD_CHANGED);
    if (edit->password_checked)
        edit_put_time(edit, user, USER_PASSWORD_CHECKED);
    else
        record_set(user, USER_PASSWORD_CHECKED, SLICE(""));
    if (!due_given)
        record_set(user, USER_PASSWORD_CHANGE_DUE,
                   rules.change_first && !edit->by_owner ? SLICE("yes") : SLICE("no"));
    strbuf_free(&history);
}

static int
set_user_password(struct account_edit *edit, struct slice name, struct slice old,
                  const struct object_field *field)
{
    struct account_hit hit = account_hit_new();
    struct strbuf present = strbuf_new(RECORD_MAX);
    int rc = edit_find_entry(edit, name, ACCOUNT_USER, 2, &hit);

    if (rc == 0)
        (void)strbuf_append(&present, record_get(&hit.entry, USER_PASSWORD)); /* it fits */
    if (rc == 0 && old.len > 0 && !slice_eq(old, strbuf_slice(&present)))
        rc = account_fail(edit->result, 4, "the password was changed meanwhile");
    if (rc == 0 && record_is(&hit.entry, USER_AUTH, "external"))
        rc = account_fail(edit->result, ACCOUNT_EXTERNAL_PASSWORD,
                          "%.*s: the password of an external user is kept elsewhere, and changed "
                          "there",
                          (int)name.len, name.ptr);
    if (rc == 0)
        rc = edit_apply(edit, &hit.entry, field, 1);
    if (rc == 0 && old.len == 0) /* a new hash of the same password is no change */
        edit_password_follows(edit, &hit.domain, &hit.entry, strbuf_slice(&present), false);
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&hit.key), &hit.entry);
    if (present.ptr != NULL)
        mem_wipe(present.ptr, present.cap);
    strbuf_free(&present);
    account_hit_free(&hit);
    return rc;
}

int
account_password(struct account_edit *edit, enum account_kind kind, struct slice name,
                 struct slice old, struct slice record)
{
    const struct object_field field = {SLICE("password"), record};

    if (record.len == 0)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "a password cannot be empty");
    if (kind == ACCOUNT_ADMIN)
        return edit_admin_set(edit, name, &field, 1);
    if (kind != ACCOUNT_USER)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "only users and administrators have passwords");
    return set_user_password(edit, name, old, &field);
}
