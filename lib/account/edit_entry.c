/*
 * lib/account/edit_entry.c - users, aliases and groups: one name space per domain (DIR-18).
 *
 * Names and values come from administrators. Changes only the database.
 */
#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/account/jobs.h"
#include "lib/account/precis.h"
#include "lib/account/public.h"
#include "lib/account/totals.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

/* Result numbers of ADM-23, 34 and 35. */
static const struct {
    uint32_t no_domain, no_such, failed;
} codes[ACCOUNT_KIND_COUNT] = {
    [ACCOUNT_USER] = {7, 2, 3},
    [ACCOUNT_ALIAS] = {2, 2, 2},
    [ACCOUNT_GROUP] = {5, 2, 3},
    [ACCOUNT_PUBLIC] = {7, 2, 3},
};

enum { CODE_NUMBER = 5, CODE_STORAGE = 6, CODE_ENLARGED = 4 }; /* ADM-23, ADM-25 */

static const char *
called(enum account_kind kind)
{
    switch (kind) {
    case ACCOUNT_ALIAS:
        return "alias";
    case ACCOUNT_GROUP:
        return "group";
    case ACCOUNT_PUBLIC:
        return "public folder";
    default:
        return "mailbox";
    }
}

static const char *
article(enum account_kind kind)
{
    return kind == ACCOUNT_ALIAS ? "an" : "a";
}

/* "exists already": users and groups tell what is in the way by number too. */
static uint32_t
taken_code(enum account_kind adding, enum account_kind existing)
{
    if (adding == ACCOUNT_ALIAS || existing == ACCOUNT_USER)
        return 2;
    return existing == ACCOUNT_GROUP ? 3 : 4;
}

int
edit_find_entry(struct account_edit *edit, struct slice name, enum account_kind kind, uint32_t code,
                struct account_hit *hit)
{
    enum account_found found = account_find_exact(edit->base, name, hit);

    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    if (found == ACCOUNT_FOREIGN) /* ADM-25 and 26: 3, no such domain; elsewhere 3 is "failed" */
        return account_fail(edit->result, kind == ACCOUNT_USER ? codes[kind].failed : code,
                            "%.*s: no such %s, and no such domain", (int)name.len, name.ptr,
                            called(kind));
    if (found == ACCOUNT_UNKNOWN)
        return account_fail(edit->result, code, "%.*s: no such %s", (int)name.len, name.ptr,
                            called(kind));
    if (hit->entry.kind != kind)
        return account_fail(edit->result, code, "%.*s is no %s: there is %s %s of that name",
                            (int)name.len, name.ptr, called(kind), article(hit->entry.kind),
                            called(hit->entry.kind));
    return 0;
}

/* What was exported was there: it may come back. */
static bool
may_be_called(const struct account_edit *edit, struct slice address)
{
    struct slice local = slice_sub(address, 0, slice_rindex(address, '@'));

    return canonical_local_usable(local) &&
           (edit->restoring || parse_is_ascii(local) || precis_is_username(local));
}

int
edit_new_entry(struct account_edit *edit, struct slice name, enum account_kind kind,
               struct account_hit *hit)
{
    enum account_found found = account_find_exact(edit->base, name, hit);
    struct slice address = strbuf_slice(&hit->address);

    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    if (found == ACCOUNT_FOUND)
        return account_fail(edit->result, taken_code(kind, hit->entry.kind),
                            "%.*s exists already: %s %s has that name", (int)address.len,
                            address.ptr, article(hit->entry.kind), called(hit->entry.kind));
    strbuf_clear(&hit->key);
    if (canonical_address(name, &hit->key) < 0 || !may_be_called(edit, address)) {
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "'%.*s' is no address that a %s can have: expected name@domain, the "
                            "name at most %d bytes of letters and digits of any script and "
                            "signs of ASCII, without quotes",
                            (int)name.len, name.ptr, called(kind), CANONICAL_LOCAL_MAX);
    }
    if (found == ACCOUNT_FOREIGN)
        return account_fail(edit->result, codes[kind].no_domain,
                            "%.*s: no such domain; 'posthorn domain add' makes one", (int)name.len,
                            name.ptr);
    strbuf_clear(&hit->key);
    account_entry_key(address, &hit->key);
    return 0;
}

static int
add_job(struct account_edit *edit, enum account_job_op op, const struct account_hit *hit,
        enum account_kind kind)
{
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);
    int rc;

    account_entry_path(kind, strbuf_slice(&hit->address), &path);
    rc = account_job_add(edit->base, op, strbuf_slice(&path), SLICE(""));
    strbuf_free(&path);
    return rc < 0 ? account_fail_db(edit->result) : 0;
}

/* ---- what must hold whatever was set ---- */

/* Whoever sets the status has the last word: only what the synchronisation itself has disabled may
 * it enable again. */
static void
own_status(const struct account_edit *edit, struct record *user, const struct object_field *fields,
           uint32_t count)
{
    if (!edit->restoring && object_has(fields, count, "status") &&
        object_get(fields, count, "sync_disabled").len == 0 &&
        record_bool(user, USER_SYNC_DISABLED))
        record_set(user, USER_SYNC_DISABLED, SLICE("no"));
}

/* What is switched on needs its right; what was on before stays as it is and is not obeyed. */
static int
check_user(struct account_edit *edit, const struct record *user, const struct object_field *fields,
           uint32_t count)
{
    static const struct {
        enum account_property setting, right;
        const char *nothing; /* the setting's value when it is off */
    } needs[] = {{USER_FORWARD, USER_FORWARD_RIGHT, ""}, {USER_AUTO_REPLY, USER_REPLY_RIGHT, "no"}};

    for (size_t i = 0; i < ARRAY_LEN(needs) && !edit->restoring; i++) {
        const char *name = account_properties[needs[i].setting].name;

        if (object_get(fields, count, name).len > 0 && !record_bool(user, needs[i].right) &&
            !record_is(user, needs[i].setting, needs[i].nothing))
            return account_fail(edit->result, codes[ACCOUNT_USER].failed,
                                "%s: this mailbox has no right to it (%s is no)", name,
                                account_properties[needs[i].right].name);
    }
    return 0;
}

/* An alias leads to one mailbox; given another alias it takes that one's mailbox (DIR-58). */
static int
check_alias(struct account_edit *edit, struct record *alias)
{
    struct account_hit hit = account_hit_new();
    struct slice target = record_get(alias, ALIAS_TARGET);
    enum account_found found;
    int rc = 0;

    found = target.len == 0 ? ACCOUNT_UNKNOWN : account_find_exact(edit->base, target, &hit);
    if (found == ACCOUNT_TROUBLE)
        rc = account_fail_db(edit->result);
    else if (found != ACCOUNT_FOUND || hit.entry.kind == ACCOUNT_GROUP ||
             hit.entry.kind == ACCOUNT_PUBLIC)
        rc = account_fail(edit->result, codes[ACCOUNT_ALIAS].failed,
                          "'%.*s' is no mailbox of ours; for a group or an address outside make a "
                          "group",
                          (int)target.len, target.ptr);
    else if (hit.entry.kind == ACCOUNT_ALIAS)
        record_set(alias, ALIAS_TARGET, record_get(&hit.entry, ALIAS_TARGET));
    else
        record_set(alias, ALIAS_TARGET, strbuf_slice(&hit.address));
    account_hit_free(&hit);
    return rc;
}

static int
check(struct account_edit *edit, struct record *record, const struct object_field *fields,
      uint32_t count)
{
    if (edit_list_check(edit, record) < 0)
        return -1;
    if (record->kind == ACCOUNT_USER)
        return check_user(edit, record, fields, count);
    if (record->kind == ACCOUNT_PUBLIC)
        return edit_public_check(edit, record);
    return record->kind == ACCOUNT_ALIAS ? check_alias(edit, record) : 0;
}

/* Of users: the sums of the domain. */
static int
count_in_domain(struct account_edit *edit, const struct account_hit *hit,
                struct totals_share before, struct totals_share after, struct totals_codes refused)
{
    struct slice address = strbuf_slice(&hit->address);
    struct slice domain = slice_sub(address, slice_rindex(address, '@') + 1, address.len);

    return edit_totals_change(edit, domain, &hit->domain, before, after, refused);
}

/* What a user's record has of the organisation; the groups are rows of their own. */
static int
follow_unit(struct account_edit *edit, struct slice key, struct record *user)
{
    record_set(user, USER_GROUPS, SLICE(""));
    if (edit_unit_check_user(edit, key, user) < 0)
        return -1;
    return edit_unit_refs(edit, key, user, true);
}

/* ---- add and set ---- */

/* What a new entry has before the given properties. */
static struct record
fresh(struct account_edit *edit, enum account_kind kind, const struct record *domain)
{
    struct record record = record_new(kind);

    if (kind == ACCOUNT_USER) {
        edit_defaults_take(&record, domain);
        edit_put_time(edit, &record, USER_CREATED);
    } else if (kind == ACCOUNT_GROUP) {
        edit_put_time(edit, &record, GROUP_CREATED);
    } else if (kind == ACCOUNT_PUBLIC) {
        edit_put_time(edit, &record, PUBLIC_CREATED);
    }
    return record;
}

/* A new mailbox: the groups that it is to be in. */
static int
join_groups(struct account_edit *edit, const struct account_hit *hit,
            const struct object_field *fields, uint32_t count)
{
    struct slice address = strbuf_slice(&hit->address);
    int rc = edit_groups_follow(edit, address, fields, count);

    if (rc == 0 && !edit->restoring && record_bool(&hit->domain, DOMAIN_EVERYONE))
        rc = edit_everyone_join(edit, address);
    return rc;
}

int
edit_entry_add(struct account_edit *edit, enum account_kind kind, struct slice name,
               const struct object_field *fields, uint32_t count)
{
    struct account_hit hit = account_hit_new();
    struct record record = record_new(kind);
    int rc = edit_new_entry(edit, name, kind, &hit);

    if (rc == 0 && !edit->restoring)
        record = fresh(edit, kind, &hit.domain);
    if (rc == 0)
        rc = edit_apply_in(edit, &record, &hit.domain, fields, count);
    if (rc == 0 && kind == ACCOUNT_PUBLIC)
        rc = edit_public_name(edit, name, strbuf_slice(&hit.key), &record);
    if (rc == 0)
        rc = check(edit, &record, fields, count);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = follow_unit(edit, strbuf_slice(&hit.key), &record);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = count_in_domain(edit, &hit, (struct totals_share){0}, totals_share_of(&record),
                             (struct totals_codes){CODE_NUMBER, CODE_STORAGE});
    if (rc == 0 && kind == ACCOUNT_USER && !edit->restoring &&
        record_get(&record, USER_PASSWORD).len > 0)
        edit_password_follows(edit, &hit.domain, &record, SLICE(""),
                              object_get(fields, count, "password_change_due").len > 0);
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&hit.key), &record);
    if (rc == 0 && kind == ACCOUNT_ALIAS)
        rc = edit_ref_put(edit, record_get(&record, ALIAS_TARGET), EDIT_REF_ALIAS,
                          strbuf_slice(&hit.key));
    if (rc == 0)
        rc = edit_list_refs(edit, &record, strbuf_slice(&hit.key), true);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_contact_follow(edit, &hit.domain, strbuf_slice(&hit.key), &record,
                                 (struct edit_contact_before){0});
    if (rc == 0 && account_has_store(kind))
        rc = add_job(edit, ACCOUNT_JOB_CREATE, &hit, kind);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = join_groups(edit, &hit, fields, count);
    record_free(&record);
    account_hit_free(&hit);
    return rc;
}

int
edit_entry_set(struct account_edit *edit, enum account_kind kind, struct slice name,
               const struct object_field *fields, uint32_t count)
{
    struct account_hit hit = account_hit_new();
    struct strbuf password = strbuf_new(OBJECT_VALUE_MAX);
    struct totals_share before = {0};
    int rc = edit_find_entry(edit, name, kind, codes[kind].no_such, &hit);
    struct edit_contact_before profile = {0};

    if (rc == 0 && kind == ACCOUNT_ALIAS)
        rc = edit_ref_del(edit, record_get(&hit.entry, ALIAS_TARGET), EDIT_REF_ALIAS,
                          strbuf_slice(&hit.key));
    if (rc == 0)
        rc = edit_list_refs(edit, &hit.entry, strbuf_slice(&hit.key), false);
    if (rc == 0 && kind == ACCOUNT_USER) {
        before = totals_share_of(&hit.entry);
        profile = edit_contact_before(&hit.domain, &hit.entry);
        rc = edit_unit_refs(edit, strbuf_slice(&hit.key), &hit.entry, false);
        (void)strbuf_append(&password, record_get(&hit.entry, USER_PASSWORD)); /* it fits */
    }
    if (rc == 0)
        rc = edit_apply_in(edit, &hit.entry, &hit.domain, fields, count);
    if (rc == 0 && kind == ACCOUNT_USER)
        own_status(edit, &hit.entry, fields, count);
    if (rc == 0)
        rc = check(edit, &hit.entry, fields, count);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = follow_unit(edit, strbuf_slice(&hit.key), &hit.entry);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = count_in_domain(edit, &hit, before, totals_share_of(&hit.entry),
                             (struct totals_codes){CODE_ENLARGED, CODE_ENLARGED});
    if (rc == 0 && kind == ACCOUNT_USER && object_get(fields, count, "password").len > 0)
        edit_password_follows(edit, &hit.domain, &hit.entry, strbuf_slice(&password),
                              object_get(fields, count, "password_change_due").len > 0);
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&hit.key), &hit.entry);
    if (rc == 0 && kind == ACCOUNT_ALIAS)
        rc = edit_ref_put(edit, record_get(&hit.entry, ALIAS_TARGET), EDIT_REF_ALIAS,
                          strbuf_slice(&hit.key));
    if (rc == 0)
        rc = edit_list_refs(edit, &hit.entry, strbuf_slice(&hit.key), true);
    if (password.ptr != NULL)
        mem_wipe(password.ptr, password.cap);
    strbuf_free(&password);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_contact_follow(edit, &hit.domain, strbuf_slice(&hit.key), &hit.entry, profile);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_groups_follow(edit, strbuf_slice(&hit.address), fields, count);
    account_hit_free(&hit);
    return rc;
}

/* ---- del ---- */

int
edit_not_postmaster(struct account_edit *edit, struct slice address, uint32_t code)
{
    if (!account_is_postmaster(edit->base, address))
        return 0;
    return account_fail(edit->result, code,
                        "%.*s gets the mail for postmaster: set smtp.postmaster to another mailbox "
                        "first, and reload",
                        (int)address.len, address.ptr);
}

/* One group no longer has this member. */
static int
drop_membership(struct account_edit *edit, struct slice group_key, struct slice member)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    int rc;

    (void)strbuf_append(&key, group_key);
    (void)strbuf_char(&key, '\0');
    (void)strbuf_append(&key, member);
    rc = edit_del_row(edit, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&key));
    strbuf_free(&key);
    return rc < 0 ? -1 : edit_ref_del(edit, member, EDIT_REF_MEMBER, group_key);
}

/* Memberships of an address go, and aliases that lead to it, with theirs (DIR-41). */
static int
drop_refs(struct account_edit *edit, struct slice address)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX), alias = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct edit_rows refs;
    int rc;

    (void)strbuf_append(&prefix, address);
    (void)strbuf_char(&prefix, '\0');
    rc = edit_collect(edit, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), &refs);
    for (size_t i = 0; i < refs.count && rc == 0; i++) {
        struct slice row = edit_key(&refs.rows[i]);
        struct slice source = slice_sub(row, prefix.len + 1, row.len);

        if (row.ptr[prefix.len] == EDIT_REF_MEMBER) {
            rc = drop_membership(edit, source, address);
            continue;
        }
        if (row.ptr[prefix.len] != EDIT_REF_ALIAS)
            continue;
        strbuf_clear(&alias);
        account_entry_address(source, &alias);
        rc = edit_not_postmaster(edit, strbuf_slice(&alias), codes[ACCOUNT_USER].failed);
        if (rc == 0)
            rc = edit_del_row(edit, ACCOUNT_TABLE_ENTRIES, source);
        if (rc == 0)
            rc = edit_ref_del(edit, address, EDIT_REF_ALIAS, source);
        if (rc == 0) /* nothing leads to an alias but groups: one step deep */
            rc = drop_refs(edit, strbuf_slice(&alias));
    }
    edit_rows_free(&refs);
    strbuf_free(&prefix);
    strbuf_free(&alias);
    return rc < 0 ? -1 : edit_share_forget(edit, address);
}

static int
drop_members(struct account_edit *edit, struct slice group_key)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows members;
    int rc;

    (void)strbuf_append(&prefix, group_key);
    (void)strbuf_char(&prefix, '\0');
    rc = edit_collect(edit, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&prefix), &members);
    for (size_t i = 0; i < members.count && rc == 0; i++) {
        struct slice row = edit_key(&members.rows[i]);

        rc = drop_membership(edit, group_key, slice_sub(row, prefix.len, row.len));
    }
    edit_rows_free(&members);
    strbuf_free(&prefix);
    return rc;
}

int
edit_entry_del(struct account_edit *edit, enum account_kind kind, struct slice name)
{
    struct account_hit hit = account_hit_new();
    int rc = edit_find_entry(edit, name, kind, codes[kind].no_such, &hit);

    if (rc == 0)
        rc = edit_not_postmaster(edit, strbuf_slice(&hit.address), codes[kind].failed);
    if (rc == 0)
        rc = edit_list_refs(edit, &hit.entry, strbuf_slice(&hit.key), false);
    if (rc == 0)
        rc = drop_refs(edit, strbuf_slice(&hit.address));
    if (rc == 0)
        rc = edit_list_forget(edit, strbuf_slice(&hit.address));
    if (rc == 0 && kind == ACCOUNT_GROUP)
        rc = drop_members(edit, strbuf_slice(&hit.key));
    if (rc == 0 && kind == ACCOUNT_ALIAS)
        rc = edit_ref_del(edit, record_get(&hit.entry, ALIAS_TARGET), EDIT_REF_ALIAS,
                          strbuf_slice(&hit.key));
    if (rc == 0)
        rc = edit_del_row(edit, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&hit.key));
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = count_in_domain(edit, &hit, totals_share_of(&hit.entry), (struct totals_share){0},
                             (struct totals_codes){0});
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_unit_refs(edit, strbuf_slice(&hit.key), &hit.entry, false);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_public_forget(edit, strbuf_slice(&hit.address));
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_contact_user_gone(edit, strbuf_slice(&hit.key));
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_share_owner_gone(edit, strbuf_slice(&hit.key));
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_codes_owner_gone(edit, strbuf_slice(&hit.key));
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_del_row(edit, ACCOUNT_TABLE_VISITS, strbuf_slice(&hit.key));
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_del_row(edit, ACCOUNT_TABLE_GREETINGS, strbuf_slice(&hit.key));
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = edit_admin_mailbox_gone(edit, strbuf_slice(&hit.address));
    if (rc == 0 && kind == ACCOUNT_PUBLIC)
        rc = edit_ref_del(edit, PUBLIC_REF_TARGET, EDIT_REF_PUBLIC, strbuf_slice(&hit.key));
    if (rc == 0 && account_has_store(kind))
        rc = add_job(edit, ACCOUNT_JOB_REMOVE, &hit, kind);
    account_hit_free(&hit);
    return rc;
}
