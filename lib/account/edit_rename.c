/*
 * lib/account/edit_rename.c - a new name for a domain, mailbox, alias or group, and everything that
 * follows it: entries, aliases, members, forwarding, policies, store paths (DIR-03).
 *
 * Reads every row once: a rename is rare, and a second index of all addresses would cost every
 * other change. All of it is one transaction.
 */
#include <errno.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/account/contact.h"
#include "lib/account/direct_login.h"
#include "lib/account/edit_internal.h"
#include "lib/account/jobs.h"
#include "lib/account/share.h"
#include "lib/account/totals.h"

struct renaming {
    struct account_edit *edit;
    bool whole_domain;
    struct slice old_name, new_name; /* canonical: domains, or addresses */
};

/* The new form of an address, in `out`. Returns whether it differs from the old one. */
static bool
map_address(const struct renaming *r, struct slice address, struct strbuf *out)
{
    size_t at = slice_rindex(address, '@');
    bool hit =
        slice_eq(r->whole_domain ? slice_sub(address, at + 1, address.len) : address, r->old_name);

    strbuf_clear(out);
    if (hit && r->whole_domain)
        (void)strbuf_append(out, slice_sub(address, 0, at + 1));
    (void)strbuf_append(out, hit ? r->new_name : address);
    return hit;
}

/* "domain\0local" likewise; what follows a second NUL (a member) is mapped as an address. */
static bool
map_key(const struct renaming *r, struct slice key, struct strbuf *out)
{
    struct strbuf old = strbuf_new(ACCOUNT_ADDRESS_MAX), mapped = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct slice rest = key, domain = slice_split(&rest, '\0'), local;
    size_t local_len = slice_index(rest, '\0');
    bool changed;

    local = slice_sub(rest, 0, local_len);
    (void)strbuf_append(&old, local);
    (void)strbuf_char(&old, '@');
    (void)strbuf_append(&old, domain);
    changed = map_address(r, strbuf_slice(&old), &mapped);
    strbuf_clear(out);
    account_entry_key(strbuf_slice(&mapped), out);
    if (local_len < rest.len) {
        (void)strbuf_char(out, '\0');
        changed |= map_address(r, slice_sub(rest, local_len + 1, rest.len), &mapped);
        (void)strbuf_append(out, strbuf_slice(&mapped));
    }
    strbuf_free(&old);
    strbuf_free(&mapped);
    return changed;
}

/* Does an address, as somebody wrote it, lead to the entry that gets a new name? Keys are
 * canonical, values are not: they may spell it otherwise, or by another name of the domain. */
static bool
leads_to_entry(const struct renaming *r, struct slice written)
{
    struct account_hit hit = account_hit_new();
    enum account_found found = account_find_exact(r->edit->base, written, &hit);
    bool leads = (found == ACCOUNT_FOUND || found == ACCOUNT_UNKNOWN) &&
                 slice_eq(strbuf_slice(&hit.address), r->old_name);

    account_hit_free(&hit);
    return leads;
}

/* A property that holds addresses. */
static bool
map_property(const struct renaming *r, struct record *record, enum account_property id)
{
    struct strbuf mapped = strbuf_new(ACCOUNT_KEY_MAX), all = strbuf_new(OBJECT_VALUE_MAX);
    struct slice rest = record_get(record, id), word = property_next_word(&rest);
    bool changed = false;

    for (; word.len > 0; word = property_next_word(&rest)) {
        if (!r->whole_domain && leads_to_entry(r, word))
            word = r->old_name;
        changed |= map_address(r, word, &mapped);
        if (all.len > 0)
            (void)strbuf_char(&all, ' ');
        (void)strbuf_append(&all, strbuf_slice(&mapped));
    }
    if (changed)
        record_set(record, id, strbuf_slice(&all));
    strbuf_free(&mapped);
    strbuf_free(&all);
    return changed;
}

static int
move_row(struct account_edit *edit, enum account_table table, const struct edit_row *row,
         struct slice new_key)
{
    if (edit_del_row(edit, table, edit_key(row)) < 0)
        return -1;
    if (account_db_put(edit->base->db, table, new_key, edit_value(row)) < 0)
        return account_fail_db(edit->result);
    return 0;
}

/* ---- entries ---- */

static int
move_store(struct account_edit *edit, enum account_kind kind, struct slice old_key,
           struct slice new_key)
{
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX),
                  old_path = strbuf_new(ACCOUNT_PATH_MAX), new_path = strbuf_new(ACCOUNT_PATH_MAX);
    int rc;

    account_entry_address(old_key, &address);
    account_entry_path(kind, strbuf_slice(&address), &old_path);
    strbuf_clear(&address);
    account_entry_address(new_key, &address);
    account_entry_path(kind, strbuf_slice(&address), &new_path);
    rc = account_job_add(edit->base, ACCOUNT_JOB_RENAME, strbuf_slice(&old_path),
                         strbuf_slice(&new_path));
    strbuf_free(&address);
    strbuf_free(&old_path);
    strbuf_free(&new_path);
    return rc < 0 ? account_fail_db(edit->result) : 0;
}

/* Words of a public folder's lists: mailboxes, and @domain, whose local part is empty. */
static bool
map_lists(const struct renaming *r, struct record *record)
{
    bool changed = map_property(r, record, PUBLIC_READ);

    changed |= map_property(r, record, PUBLIC_WRITE);
    return map_property(r, record, PUBLIC_DELETE) || changed;
}

static int
rename_entry(const struct renaming *r, const struct edit_row *row, struct record *record,
             struct strbuf *new_key)
{
    bool moved = map_key(r, edit_key(row), new_key), changed = moved;
    int rc = 0;

    if (record_load(record, edit_value(row)) < 0)
        return account_fail_db(r->edit->result);
    if (record->kind == ACCOUNT_USER) {
        changed |= map_property(r, record, USER_FORWARD);
        changed |= map_property(r, record, USER_REPRESENTATIVES);
    } else if (record->kind == ACCOUNT_GROUP) {
        changed |= map_property(r, record, GROUP_SENDERS);
        changed |= map_property(r, record, GROUP_REPRESENTATIVES);
        changed |= map_property(r, record, GROUP_VIEWERS);
        changed |= map_property(r, record, GROUP_MANAGERS);
    } else if (record->kind == ACCOUNT_ALIAS)
        changed |= map_property(r, record, ALIAS_TARGET);
    else if (record->kind == ACCOUNT_PUBLIC)
        changed |= map_lists(r, record);
    if (moved)
        rc = edit_del_row(r->edit, ACCOUNT_TABLE_ENTRIES, edit_key(row));
    if (rc == 0 && changed)
        rc = edit_put_record(r->edit, ACCOUNT_TABLE_ENTRIES, strbuf_slice(new_key), record);
    if (rc == 0 && moved && account_has_store(record->kind))
        rc = move_store(r->edit, record->kind, edit_key(row), strbuf_slice(new_key));
    return rc;
}

static int
rename_entries(const struct renaming *r)
{
    struct strbuf new_key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record record = record_new(ACCOUNT_USER);
    struct edit_rows rows;
    int rc = edit_collect(r->edit, ACCOUNT_TABLE_ENTRIES, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = rename_entry(r, &rows.rows[i], &record, &new_key);
    edit_rows_free(&rows);
    record_free(&record);
    strbuf_free(&new_key);
    return rc;
}

/* ---- members, references, domains ---- */

/* Rows whose keys begin with an entry's; what follows there, a member's address or the id of a
 * code, is mapped too or no address. */
static int
rename_keys(const struct renaming *r, enum account_table table)
{
    struct strbuf new_key = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc = edit_collect(r->edit, table, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        if (map_key(r, edit_key(&rows.rows[i]), &new_key))
            rc = move_row(r->edit, table, &rows.rows[i], strbuf_slice(&new_key));
    edit_rows_free(&rows);
    strbuf_free(&new_key);
    return rc;
}

/* "domain\0local\0grantee\0folder"; the grantee may have a '-' in front. */
static bool
map_share(const struct renaming *r, struct slice key, struct strbuf *out)
{
    struct strbuf plain = strbuf_new(ACCOUNT_KEY_MAX), mapped = strbuf_new(ACCOUNT_KEY_MAX);
    size_t folder = slice_rindex(key, '\0');
    size_t who = slice_rindex(slice_sub(key, 0, folder), '\0') + 1;
    struct slice grantee = slice_sub(key, who, folder);
    bool changed;

    (void)strbuf_append(&plain, slice_sub(key, 0, who));
    (void)strbuf_append(&plain, share_identifier(grantee));
    changed = map_key(r, strbuf_slice(&plain), &mapped);
    who = slice_rindex(strbuf_slice(&mapped), '\0') + 1;
    strbuf_clear(out);
    (void)strbuf_append(out, slice_sub(strbuf_slice(&mapped), 0, who));
    (void)strbuf_str(out, share_denies(grantee) ? "-" : "");
    (void)strbuf_append(out, slice_sub(strbuf_slice(&mapped), who, mapped.len));
    (void)strbuf_append(out, slice_sub(key, folder, key.len));
    strbuf_free(&plain);
    strbuf_free(&mapped);
    return changed;
}

static int
rename_shares(const struct renaming *r)
{
    struct strbuf new_key = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc = edit_collect(r->edit, ACCOUNT_TABLE_SHARES, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        if (map_share(r, edit_key(&rows.rows[i]), &new_key))
            rc = move_row(r->edit, ACCOUNT_TABLE_SHARES, &rows.rows[i], strbuf_slice(&new_key));
    edit_rows_free(&rows);
    strbuf_free(&new_key);
    return rc;
}

/* "target\0" letter "source key" */
static bool
map_ref(const struct renaming *r, struct slice ref, struct strbuf *out)
{
    struct strbuf target = strbuf_new(ACCOUNT_ADDRESS_MAX), source = strbuf_new(ACCOUNT_KEY_MAX);
    size_t end = slice_index(ref, '\0');
    bool changed = map_address(r, slice_sub(ref, 0, end), &target);

    changed |= (ref.ptr[end + 1] == EDIT_REF_SHARE ? map_share : map_key)(
        r, slice_sub(ref, end + 2, ref.len), &source);
    strbuf_clear(out);
    (void)strbuf_append(out, strbuf_slice(&target));
    (void)strbuf_append(out, slice_sub(ref, end, end + 2));
    (void)strbuf_append(out, strbuf_slice(&source));
    strbuf_free(&target);
    strbuf_free(&source);
    return changed;
}

static int
rename_refs(const struct renaming *r)
{
    struct strbuf new_key = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc = edit_collect(r->edit, ACCOUNT_TABLE_REFS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        if (map_ref(r, edit_key(&rows.rows[i]), &new_key))
            rc = move_row(r->edit, ACCOUNT_TABLE_REFS, &rows.rows[i], strbuf_slice(&new_key));
    edit_rows_free(&rows);
    strbuf_free(&new_key);
    return rc;
}

static int
rename_domain_row(const struct renaming *r, const struct edit_row *row, struct record *record)
{
    bool moved = r->whole_domain && slice_eq(edit_key(row), r->old_name), changed = moved;
    int rc = 0;

    if (record_load(record, edit_value(row)) < 0)
        return account_fail_db(r->edit->result);
    if (record->kind == ACCOUNT_DOMAIN) {
        changed |= map_property(r, record, DOMAIN_ADMIN_ADDRESS);
        changed |= map_property(r, record, DOMAIN_UNKNOWN_ADDRESS);
        changed |= map_property(r, record, DOMAIN_SYSTEM_SENDER);
    } else if (r->whole_domain && slice_eq(record_get(record, DOMAIN_ALIAS_TARGET), r->old_name)) {
        record_set(record, DOMAIN_ALIAS_TARGET, r->new_name);
        changed = true;
    }
    if (moved)
        rc = edit_del_row(r->edit, ACCOUNT_TABLE_DOMAINS, edit_key(row));
    if (rc == 0 && moved && record->kind == ACCOUNT_DOMAIN)
        rc = direct_login_put(r->edit, r->new_name, record);
    if (rc == 0 && changed)
        rc = edit_put_record(r->edit, ACCOUNT_TABLE_DOMAINS, moved ? r->new_name : edit_key(row),
                             record);
    return rc;
}

static int
rename_domains(const struct renaming *r)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct edit_rows rows;
    int rc = edit_collect(r->edit, ACCOUNT_TABLE_DOMAINS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = rename_domain_row(r, &rows.rows[i], &record);
    edit_rows_free(&rows);
    record_free(&record);
    return rc;
}

/* A published profile goes with its mailbox, a book with its domain. A contact that only happens to
 * have the new name gives way. */
static int
rename_contacts(const struct renaming *r)
{
    struct strbuf new_key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record record = record_new(ACCOUNT_CONTACT);
    struct edit_rows rows;
    int rc = edit_collect(r->edit, ACCOUNT_TABLE_CONTACTS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        bool moves = map_key(r, edit_key(&rows.rows[i]), &new_key);

        if (record_load(&record, edit_value(&rows.rows[i])) < 0) {
            rc = account_fail_db(r->edit->result);
            break;
        }
        if (map_property(r, &record, CONTACT_ADDRESSES))
            rc = edit_put_record(r->edit, ACCOUNT_TABLE_CONTACTS, edit_key(&rows.rows[i]), &record);
        if (rc == 0 && moves && (r->whole_domain || record_bool(&record, CONTACT_OF_USER))) {
            rc = edit_del_row(r->edit, ACCOUNT_TABLE_CONTACTS, edit_key(&rows.rows[i]));
            if (rc == 0)
                rc = edit_put_record(r->edit, ACCOUNT_TABLE_CONTACTS, strbuf_slice(&new_key),
                                     &record);
        }
    }
    edit_rows_free(&rows);
    record_free(&record);
    strbuf_free(&new_key);
    return rc;
}

/* The range of a domain administrator. */
static void
map_domains(const struct renaming *r, struct record *record)
{
    struct strbuf domains = strbuf_new(OBJECT_VALUE_MAX);
    struct slice rest = record_get(record, ADMIN_DOMAINS), word;

    while ((word = property_next_word(&rest)).len > 0) {
        (void)strbuf_str(&domains, domains.len > 0 ? " " : "");
        (void)strbuf_append(&domains, slice_eq(word, r->old_name) ? r->new_name : word);
    }
    record_set(record, ADMIN_DOMAINS, strbuf_slice(&domains));
    strbuf_free(&domains);
}

/* Their ranges follow a domain, their own mailboxes any name. */
static int
rename_admins(const struct renaming *r)
{
    struct record record = record_new(ACCOUNT_ADMIN);
    struct edit_rows rows;
    int rc = edit_collect(r->edit, ACCOUNT_TABLE_ADMINS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        if (record_load(&record, edit_value(&rows.rows[i])) < 0) {
            rc = account_fail_db(r->edit->result);
            break;
        }
        (void)map_property(r, &record, ADMIN_MAILBOX); /* written either way */
        if (r->whole_domain)
            map_domains(r, &record);
        rc = edit_put_record(r->edit, ACCOUNT_TABLE_ADMINS, edit_key(&rows.rows[i]), &record);
    }
    edit_rows_free(&rows);
    record_free(&record);
    return rc;
}

/* What was counted of it, what is usual for it, and its blocks: "address", or a letter and that. */
static int
rename_figures(const struct renaming *r)
{
    static const struct {
        enum account_table table;
        size_t skip;
    } tables[] = {{ACCOUNT_TABLE_FLOW, 0}, {ACCOUNT_TABLE_USUAL, 0}, {ACCOUNT_TABLE_BLOCKS, 1}};
    struct strbuf mapped = strbuf_new(ACCOUNT_KEY_MAX), new_key = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc = 0;

    for (size_t t = 0; t < ARRAY_LEN(tables) && rc == 0; t++) {
        rc = edit_collect(r->edit, tables[t].table, SLICE(""), &rows);
        for (size_t i = 0; i < rows.count && rc == 0; i++) {
            struct slice key = edit_key(&rows.rows[i]);

            if (!map_address(r, slice_sub(key, tables[t].skip, key.len), &mapped))
                continue;
            strbuf_clear(&new_key);
            (void)strbuf_append(&new_key, slice_sub(key, 0, tables[t].skip));
            (void)strbuf_append(&new_key, strbuf_slice(&mapped));
            rc = move_row(r->edit, tables[t].table, &rows.rows[i], strbuf_slice(&new_key));
        }
        edit_rows_free(&rows);
    }
    strbuf_free(&mapped);
    strbuf_free(&new_key);
    return rc;
}

static int
rename_all(const struct renaming *r)
{
    if (rename_entries(r) < 0 || rename_keys(r, ACCOUNT_TABLE_MEMBERS) < 0 || rename_refs(r) < 0)
        return -1;
    if (rename_shares(r) < 0 || rename_keys(r, ACCOUNT_TABLE_CODES) < 0 ||
        rename_keys(r, ACCOUNT_TABLE_VISITS) < 0 || rename_keys(r, ACCOUNT_TABLE_GREETINGS) < 0 ||
        rename_domains(r) < 0 || rename_contacts(r) < 0)
        return -1;
    return rename_admins(r) < 0 ? -1 : rename_figures(r);
}

/* ---- the two ways in ---- */

enum { CODE_FAILED = 1, CODE_EXISTS = 2, CODE_NO_SUCH = 2, CODE_NUMBER = 5, CODE_STORAGE = 6 };

static int
domain_names(struct account_edit *edit, struct slice name, struct slice new_name,
             struct strbuf *old_domain, struct strbuf *new_domain)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct slice bytes;
    int rc = 0;

    if (canonical_domain(name, old_domain) < 0 || canonical_domain(new_name, new_domain) < 0)
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "expected two domain names");
    else if (account_db_get(edit->base->db, ACCOUNT_TABLE_DOMAINS, strbuf_slice(old_domain),
                            &bytes) < 0 ||
             record_load(&record, bytes) < 0)
        rc = account_fail(edit->result, CODE_FAILED, "%.*s: no such domain", (int)name.len,
                          name.ptr);
    else if (account_db_get(edit->base->db, ACCOUNT_TABLE_DOMAINS, strbuf_slice(new_domain),
                            &bytes) == 0)
        rc = account_fail(edit->result, CODE_EXISTS, "%.*s exists already", (int)new_name.len,
                          new_name.ptr);
    else if (record.kind != ACCOUNT_DOMAIN)
        rc = account_fail(edit->result, CODE_FAILED,
                          "%.*s is a domain alias: delete it and add the new one", (int)name.len,
                          name.ptr);
    record_free(&record);
    return rc;
}

static int
rename_domain(struct account_edit *edit, struct slice name, struct slice new_name)
{
    struct strbuf old_domain = strbuf_new(CANONICAL_DOMAIN_MAX),
                  new_domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct renaming r = {.edit = edit, .whole_domain = true};
    int rc = domain_names(edit, name, new_name, &old_domain, &new_domain);

    r.old_name = strbuf_slice(&old_domain);
    r.new_name = strbuf_slice(&new_domain);
    if (rc == 0 && account_postmaster_is_within(edit->base, r.old_name))
        rc = account_fail(edit->result, CODE_FAILED,
                          "smtp.postmaster is an address of %.*s, which a rename would not change: "
                          "set it to a bare name or to a mailbox elsewhere first, and reload",
                          (int)r.old_name.len, r.old_name.ptr);
    if (rc == 0)
        rc = rename_all(&r);
    if (rc == 0)
        rc = edit_totals_rename(edit, r.old_name, r.new_name);
    if (rc == 0)
        rc = edit_unit_domain_renamed(edit, r.old_name, r.new_name);
    if (rc == 0 && slice_eq(strbuf_slice(&edit->base->primary), r.old_name) &&
        account_db_put(edit->base->db, ACCOUNT_TABLE_META, SLICE("primary"), r.new_name) < 0)
        rc = account_fail_db(edit->result);
    strbuf_free(&old_domain);
    strbuf_free(&new_domain);
    return rc;
}

/* The other domain has another organisation. */
static int
leave_unit(struct account_edit *edit, struct account_hit *from)
{
    if (record_get(&from->entry, USER_UNIT).len == 0)
        return 0;
    if (edit_unit_refs(edit, strbuf_slice(&from->key), &from->entry, false) < 0)
        return -1;
    record_set(&from->entry, USER_UNIT, SLICE(""));
    return edit_put_record(edit, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&from->key), &from->entry);
}

/* To another domain of ours: that one has to have room for the mailbox. */
static int
count_move(struct account_edit *edit, struct account_hit *from, const struct account_hit *to)
{
    const struct totals_share share = totals_share_of(&from->entry), none = {0};
    struct slice old_key = strbuf_slice(&from->key), new_key = strbuf_slice(&to->key);
    struct slice old_domain = slice_split(&old_key, '\0'), new_domain = slice_split(&new_key, '\0');

    if (slice_eq(old_domain, new_domain))
        return 0;
    if (leave_unit(edit, from) < 0)
        return -1;
    if (edit_totals_change(edit, old_domain, &from->domain, share, none, (struct totals_codes){0}) <
        0)
        return -1;
    return edit_totals_change(edit, new_domain, &to->domain, none, share,
                              (struct totals_codes){CODE_NUMBER, CODE_STORAGE});
}

/* A mailbox may also move to another domain of ours. */
static int
rename_one_entry(struct account_edit *edit, enum account_kind kind, struct slice name,
                 struct slice new_name)
{
    struct account_hit from = account_hit_new(), to = account_hit_new();
    struct renaming r = {.edit = edit};
    struct edit_contact_before profile = {0};
    int rc = edit_find_entry(edit, name, kind, CODE_NO_SUCH, &from);

    if (rc == 0)
        rc = edit_not_postmaster(edit, strbuf_slice(&from.address), CODE_FAILED);
    if (rc == 0)
        rc = edit_new_entry(edit, new_name, kind, &to);
    if (rc == 0 && share_denies(strbuf_slice(&to.address))) /* what it was given would be denied */
        rc = account_fail(edit->result, CODE_FAILED,
                          "a name cannot be changed to one with a '-' in front");
    r.old_name = strbuf_slice(&from.address);
    r.new_name = strbuf_slice(&to.address);
    if (rc == 0 && kind == ACCOUNT_USER)
        profile = edit_contact_before(&from.domain, &from.entry);
    if (rc == 0 && kind == ACCOUNT_USER)
        rc = count_move(edit, &from, &to);
    if (rc == 0)
        rc = rename_all(&r);
    if (rc == 0 && kind == ACCOUNT_USER) /* the other domain may publish otherwise */
        rc = edit_contact_follow(edit, &to.domain, strbuf_slice(&to.key), &from.entry, profile);
    account_hit_free(&from);
    account_hit_free(&to);
    return rc;
}

int
account_rename(struct account_edit *edit, enum account_kind kind, struct slice name,
               struct slice new_name)
{
    if (kind == ACCOUNT_DOMAIN)
        return rename_domain(edit, name, new_name);
    if (kind == ACCOUNT_USER || kind == ACCOUNT_ALIAS || kind == ACCOUNT_GROUP)
        return rename_one_entry(edit, kind, name, new_name);
    if (kind == ACCOUNT_UNIT)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "the name of an organisation unit stays: its full_name can be changed");
    if (kind == ACCOUNT_PUBLIC)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "the name of a public folder cannot be changed");
    if (kind == ACCOUNT_ADMIN)
        return edit_admin_rename(edit, name, new_name);
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "this is not done with a %s",
                        account_kind_name(kind));
}
