/*
 * lib/account/edit_share.c - changing what users share with each other.
 *
 * Names and rights come from users: everything is checked here. Changes only the database.
 */
#include <errno.h>

#include "lib/account/edit_internal.h"
#include "lib/account/share.h"
#include "lib/base/arena.h"
#include "lib/base/mem.h"
#include "lib/store/folder_name.h"

enum { CODE_NO_SUCH = 2, CODE_FAILED = 3 };

/* The parts of a key "domain\0local\0grantee\0folder". */
struct parts {
    struct slice owner_key, grantee, folder;
};

static struct parts
split_key(struct slice key)
{
    struct slice rest = key;
    struct parts p;

    (void)slice_split(&rest, '\0');
    (void)slice_split(&rest, '\0');
    p.owner_key = slice_sub(key, 0, key.len - rest.len - 1);
    p.grantee = slice_split(&rest, '\0');
    p.folder = rest;
    return p;
}

static void
join_key(const struct parts *p, struct strbuf *key)
{
    strbuf_clear(key);
    (void)strbuf_append(key, p->owner_key); /* one that is too long is refused by the database */
    (void)strbuf_char(key, '\0');
    (void)strbuf_append(key, p->grantee);
    (void)strbuf_char(key, '\0');
    (void)strbuf_append(key, p->folder);
}

static int
put_row(struct account_edit *edit, const struct parts *p, uint32_t rights)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX), letters = strbuf_new(32);
    struct record record = record_new(ACCOUNT_SHARE);
    int rc;

    join_key(p, &key);
    imap_rights_write(rights, &letters);
    record_set(&record, SHARE_FOLDER, p->folder);
    record_set(&record, SHARE_RIGHTS, strbuf_slice(&letters));
    rc = edit_put_record(edit, ACCOUNT_TABLE_SHARES, strbuf_slice(&key), &record);
    if (rc == 0)
        rc = edit_ref_put(edit, share_identifier(p->grantee), EDIT_REF_SHARE, strbuf_slice(&key));
    record_free(&record);
    strbuf_free(&key);
    strbuf_free(&letters);
    return rc;
}

static int
del_row(struct account_edit *edit, struct slice key)
{
    struct parts p = split_key(key);

    if (edit_del_row(edit, ACCOUNT_TABLE_SHARES, key) < 0)
        return -1;
    return edit_ref_del(edit, share_identifier(p.grantee), EDIT_REF_SHARE, key);
}

/* ---- checks ---- */

static int
check_rights(struct account_edit *edit, uint32_t rights)
{
    if ((rights & ~RIGHTS_ALL) == 0)
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "there are no such rights");
}

/* A canonical folder name other than INBOX, whose directory holds all the others. */
static int
canonical_folder(struct account_edit *edit, struct slice given, struct strbuf *name)
{
    if (folder_name_canonical(given, name) < 0 || slice_index(given, '\0') < given.len)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "this is no name of a folder");
    if (slice_eq(strbuf_slice(name), SLICE("INBOX")))
        return account_fail(edit->result, CODE_FAILED,
                            "INBOX cannot be shared, a folder beside it can");
    return 0;
}

static int
count_one(void *arg, const struct share *share)
{
    (void)share;
    return ++*(unsigned *)arg > SHARES_OF_OWNER_MAX ? -1 : 0;
}

static int
check_room(struct account_edit *edit, struct slice owner)
{
    unsigned count = 0;

    if (share_each_of_folder(edit->base, owner, slice_make(NULL, 0), count_one, &count) < 0)
        return account_fail_db(edit->result);
    if (count < SHARES_OF_OWNER_MAX)
        return 0;
    return account_fail(edit->result, CODE_FAILED, "%d rights are given already",
                        SHARES_OF_OWNER_MAX);
}

static int
canonical_grantee(struct account_edit *edit, struct slice owner, struct slice given,
                  struct strbuf *grantee)
{
    struct slice who = share_identifier(given);
    struct strbuf word = strbuf_new(ACCOUNT_ADDRESS_MAX);
    bool is_owner;

    if (slice_eq(who, SHARE_ANYONE))
        (void)strbuf_append(&word, who);
    else if (edit_member_word(edit, who, &word) < 0) {
        strbuf_free(&word);
        return -1;
    }
    if (share_denies(given))
        (void)strbuf_char(grantee, '-');
    (void)strbuf_append(grantee, strbuf_slice(&word));
    is_owner = slice_eq(strbuf_slice(&word), owner);
    strbuf_free(&word);
    if (!is_owner)
        return 0;
    return account_fail(edit->result, CODE_FAILED, "the owner has all rights, always");
}

/* ---- set ---- */

int
account_share_set(struct account_edit *edit, struct slice owner, struct slice given_folder,
                  struct slice given_grantee, uint32_t rights)
{
    struct strbuf folder = strbuf_new(STORE_NAME_MAX), grantee = strbuf_new(ACCOUNT_ADDRESS_MAX),
                  owner_key = strbuf_new(ACCOUNT_KEY_MAX), key = strbuf_new(ACCOUNT_KEY_MAX);
    struct parts p;
    int rc = canonical_folder(edit, given_folder, &folder);

    if (rc == 0)
        rc = canonical_grantee(edit, owner, given_grantee, &grantee);
    if (rc == 0)
        rc = check_rights(edit, rights);
    account_entry_key(owner, &owner_key);
    p = (struct parts){strbuf_slice(&owner_key), strbuf_slice(&grantee), strbuf_slice(&folder)};
    if (rc == 0 && rights != 0) {
        rc = check_room(edit, owner);
        if (rc == 0)
            rc = put_row(edit, &p, rights);
    } else if (rc == 0) {
        join_key(&p, &key);
        rc = del_row(edit, strbuf_slice(&key));
    }
    strbuf_free(&folder);
    strbuf_free(&grantee);
    strbuf_free(&owner_key);
    strbuf_free(&key);
    return rc;
}

struct present {
    struct slice grantee;
    uint32_t rights;
};

static int
take_rights(void *arg, const struct share *share)
{
    struct present *present = arg;

    if (slice_eq(share->grantee, present->grantee))
        present->rights = share->rights;
    return 0;
}

int
account_share_change(struct account_edit *edit, struct slice owner, struct slice given_folder,
                     struct slice given_grantee, enum rights_change change, uint32_t rights)
{
    struct strbuf folder = strbuf_new(STORE_NAME_MAX), grantee = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct present now = {.rights = 0};
    int rc = canonical_folder(edit, given_folder, &folder);

    if (rc == 0)
        rc = canonical_grantee(edit, owner, given_grantee, &grantee);
    now.grantee = strbuf_slice(&grantee);
    if (rc == 0 && change != RIGHTS_SET &&
        share_each_of_folder(edit->base, owner, strbuf_slice(&folder), take_rights, &now) < 0)
        rc = account_fail_db(edit->result);
    if (change == RIGHTS_ADD)
        rights |= now.rights;
    else if (change == RIGHTS_REMOVE)
        rights = now.rights & ~rights;
    if (rc == 0)
        rc = account_share_set(edit, owner, strbuf_slice(&folder), now.grantee, rights);
    strbuf_free(&folder);
    strbuf_free(&grantee);
    return rc;
}

int
account_share_restore(struct account_edit *edit, struct slice owner, struct slice grantee,
                      const struct object_field *fields, uint32_t count)
{
    struct record record = record_new(ACCOUNT_SHARE);
    struct account_hit hit = account_hit_new();
    uint32_t rights = 0;
    int rc = edit_find_entry(edit, owner, ACCOUNT_USER, CODE_NO_SUCH, &hit);

    if (rc == 0)
        rc = edit_apply(edit, &record, fields, count);
    if (rc == 0 && imap_rights_parse(record_get(&record, SHARE_RIGHTS), &rights) < 0)
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                          "rights: expected letters of l r s w i p k x t e a");
    if (rc == 0)
        rc = account_share_set(edit, strbuf_slice(&hit.address), record_get(&record, SHARE_FOLDER),
                               grantee, rights);
    account_hit_free(&hit);
    record_free(&record);
    return rc;
}

/* ---- what follows other changes ---- */

/* Rows of a folder go, or go over to another name. */
struct change {
    struct account_edit *edit;
    struct slice from, to; /* folders; `to` empty: they go */
    bool below;            /* also the folders below `from` */
};

static bool
concerns(const struct change *c, struct slice folder)
{
    return slice_eq(folder, c->from) ||
           (c->below && folder.len > c->from.len && slice_starts(folder, c->from) &&
            folder.ptr[c->from.len] == '/');
}

static int
change_row(const struct change *c, const struct edit_row *row)
{
    struct strbuf name = strbuf_new(ACCOUNT_KEY_MAX);
    struct record record = record_new(ACCOUNT_SHARE);
    struct parts p = split_key(edit_key(row));
    uint32_t rights = 0;
    int rc = 0;

    if (!concerns(c, p.folder))
        goto out;
    if (record_load(&record, edit_value(row)) < 0 ||
        imap_rights_parse(record_get(&record, SHARE_RIGHTS), &rights) < 0)
        rc = account_fail_db(c->edit->result);
    if (rc == 0)
        rc = del_row(c->edit, edit_key(row));
    if (rc == 0 && c->to.len > 0) {
        (void)strbuf_append(&name, c->to);
        (void)strbuf_append(&name, slice_sub(p.folder, c->from.len, p.folder.len));
        p.folder = strbuf_slice(&name);
        rc = put_row(c->edit, &p, rights);
    }
out:
    record_free(&record);
    strbuf_free(&name);
    return rc;
}

static int
change_folders(const struct change *c, struct slice owner)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc;

    account_entry_key(owner, &prefix);
    (void)strbuf_char(&prefix, '\0');
    rc = edit_collect(c->edit, ACCOUNT_TABLE_SHARES, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = change_row(c, &rows.rows[i]);
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc;
}

int
account_share_rename(struct account_edit *edit, struct slice owner, struct slice from,
                     struct slice to)
{
    const struct change there = {.edit = edit, .from = to, .below = true};
    const struct change c = {.edit = edit, .from = from, .to = to, .below = true};

    /* What an older folder of the new name may have left gives nobody a right. */
    return change_folders(&there, owner) < 0 ? -1 : change_folders(&c, owner);
}

struct heirs {
    struct slice grantees[SHARES_OF_OWNER_MAX];
    uint32_t rights[SHARES_OF_OWNER_MAX];
    size_t count;
    struct arena arena;
};

static int
take_heir(void *arg, const struct share *share)
{
    struct heirs *heirs = arg;

    if (heirs->count == ARRAY_LEN(heirs->grantees))
        return -1;
    heirs->grantees[heirs->count] = arena_copy(&heirs->arena, share->grantee);
    heirs->rights[heirs->count++] = share->rights;
    return 0;
}

int
account_share_inherit(struct account_edit *edit, struct slice owner, struct slice folder)
{
    size_t end = slice_rindex(folder, '/');
    struct heirs *heirs = xcalloc(1, sizeof(*heirs));
    int rc = account_share_drop(edit, owner, folder);

    if (rc == 0 && end < folder.len &&
        share_each_of_folder(edit->base, owner, slice_sub(folder, 0, end), take_heir, heirs) < 0)
        rc = account_fail_db(edit->result);
    for (size_t i = 0; i < heirs->count && rc == 0; i++)
        rc = account_share_set(edit, owner, folder, heirs->grantees[i], heirs->rights[i]);
    arena_free(&heirs->arena);
    xfree(&heirs);
    return rc;
}

int
account_share_drop(struct account_edit *edit, struct slice owner, struct slice folder)
{
    const struct change c = {.edit = edit, .from = folder};

    return change_folders(&c, owner);
}

int
edit_share_forget(struct account_edit *edit, struct slice grantee)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc;

    (void)strbuf_append(&prefix, grantee);
    (void)strbuf_char(&prefix, '\0');
    (void)strbuf_char(&prefix, EDIT_REF_SHARE);
    rc = edit_collect(edit, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        struct slice key = edit_key(&rows.rows[i]);

        rc = del_row(edit, slice_sub(key, prefix.len, key.len));
    }
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc;
}

int
edit_share_owner_gone(struct account_edit *edit, struct slice owner_key)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc;

    (void)strbuf_append(&prefix, owner_key);
    (void)strbuf_char(&prefix, '\0');
    rc = edit_collect(edit, ACCOUNT_TABLE_SHARES, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = del_row(edit, edit_key(&rows.rows[i]));
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc;
}
