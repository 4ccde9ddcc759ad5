/*
 * lib/account/share.c - folders that users share with each other.
 *
 * Rows: ACCOUNT_TABLE_SHARES "domain\0local\0grantee\0folder" -> record, and in ACCOUNT_TABLE_REFS
 * "identifier\0s" with the same key behind it. Names come from users; no key holds a NUL of theirs.
 */
#include "lib/account/share.h"

#include <errno.h>

#include "lib/account/edit_internal.h"
#include "lib/account/public.h"

/* ---- reading ---- */

struct walk {
    struct account_base *base;
    struct slice folder; /* ptr NULL: any */
    int (*each)(void *arg, const struct share *share);
    void *arg;
    struct strbuf key, owner;
    struct record record;
};

/* The row with that key. 1: go on, 0: each() has enough, -1. */
static int
visit(struct walk *w, struct slice key)
{
    struct share share;
    struct slice value, rest;

    strbuf_clear(&w->key);
    strbuf_clear(&w->owner);
    (void)strbuf_append(&w->key, key);
    if (account_db_get(w->base->db, ACCOUNT_TABLE_SHARES, strbuf_slice(&w->key), &value) < 0 ||
        record_load(&w->record, value) < 0)
        return -1;
    rest = strbuf_slice(&w->key);
    (void)slice_split(&rest, '\0');
    (void)slice_split(&rest, '\0');
    account_entry_address(slice_sub(strbuf_slice(&w->key), 0, w->key.len - rest.len - 1),
                          &w->owner);
    share.owner = strbuf_slice(&w->owner);
    share.grantee = slice_split(&rest, '\0');
    share.folder = rest;
    if (w->folder.ptr != NULL && !slice_eq(w->folder, share.folder))
        return 1;
    if (imap_rights_parse(record_get(&w->record, SHARE_RIGHTS), &share.rights) < 0) {
        errno = EBADMSG;
        return -1;
    }
    return w->each(w->arg, &share) < 0 ? 0 : 1;
}

static int
walk(struct account_base *base, enum account_table table, struct slice prefix, size_t skip,
     struct walk *w)
{
    struct account_rows *rows = account_db_rows(base->db, table, prefix, SLICE(""));
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    w->base = base;
    w->key = strbuf_new(ACCOUNT_KEY_MAX);
    w->owner = strbuf_new(ACCOUNT_ADDRESS_MAX);
    w->record = record_new(ACCOUNT_SHARE);
    while (rc == 1 && (rc = account_rows_next(rows, &key, &value)) == 1)
        rc = visit(w, slice_sub(key, skip, key.len));
    account_rows_close(&rows);
    strbuf_free(&w->key);
    strbuf_free(&w->owner);
    record_free(&w->record);
    return rc < 0 ? -1 : 0;
}

int
share_each_of_folder(struct account_base *base, struct slice owner, struct slice folder,
                     int (*each)(void *arg, const struct share *share), void *arg)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct walk w = {.folder = folder, .each = each, .arg = arg};
    int rc;

    account_entry_key(owner, &prefix);
    (void)strbuf_char(&prefix, '\0');
    rc = walk(base, ACCOUNT_TABLE_SHARES, strbuf_slice(&prefix), 0, &w);
    strbuf_free(&prefix);
    return rc;
}

struct sum {
    struct slice user, domain;
    uint32_t given, denied;
};

static int
add_rights(void *arg, const struct share *share)
{
    struct slice who = share_identifier(share->grantee);
    struct sum *sum = arg;

    if (slice_eq(who, sum->user) || slice_eq(who, sum->domain) || slice_eq(who, SHARE_ANYONE))
        *(share_denies(share->grantee) ? &sum->denied : &sum->given) |= share->rights;
    return 0;
}

int
share_rights(struct account_base *base, struct slice owner, struct slice folder, struct slice user,
             uint32_t *rights)
{
    struct sum sum = {.user = user, .domain = slice_sub(user, slice_rindex(user, '@'), user.len)};
    int rc = share_each_of_folder(base, owner, folder, add_rights, &sum);

    *rights = sum.given & ~sum.denied;
    return rc;
}

int
share_each_of_grantee(struct account_base *base, struct slice identifier,
                      int (*each)(void *arg, const struct share *share), void *arg)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct walk w = {.each = each, .arg = arg};
    int rc;

    (void)strbuf_append(&prefix, identifier);
    (void)strbuf_char(&prefix, '\0');
    (void)strbuf_char(&prefix, EDIT_REF_SHARE);
    rc = walk(base, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), prefix.len, &w);
    strbuf_free(&prefix);
    return rc;
}
