/*
 * lib/account/shown.c - who stands in place of a group in the header of mail to it. Reads the
 * database, changes nothing.
 */
#include "lib/account/shown.h"

#include "lib/account/account_db.h"
#include "lib/account/edit.h"

static bool append_members(struct account_base *base, const struct account_hit *group, int depth,
                           struct strbuf *out);

/* Edits refuse groups in a circle; the depth holds for a damaged base, and `out` for both. */
static bool
append_member(struct account_base *base, struct slice member, int depth, struct strbuf *out)
{
    struct account_hit hit = account_hit_new();
    enum account_found found = account_find(base, member, &hit);
    bool ok = found != ACCOUNT_TROUBLE;

    if (ok && found == ACCOUNT_FOUND && hit.entry.kind == ACCOUNT_GROUP &&
        record_bool(&hit.entry, GROUP_SHOW_MEMBERS) && depth < ACCOUNT_NESTING_MAX)
        ok = append_members(base, &hit, depth + 1, out);
    else if (ok)
        ok = strbuf_append(out, member) && strbuf_char(out, '\n');
    account_hit_free(&hit);
    return ok;
}

static bool
append_members(struct account_base *base, const struct account_hit *group, int depth,
               struct strbuf *out)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_rows *rows;
    struct slice key, value;
    bool ok = true;
    int rc = -1;

    (void)strbuf_append(&prefix, strbuf_slice(&group->key)); /* a key fits */
    (void)strbuf_char(&prefix, '\0');
    rows = account_db_rows(base->db, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&prefix), SLICE(""));
    while (ok && rows != NULL && (rc = account_rows_next(rows, &key, &value)) == 1)
        ok = append_member(base, slice_sub(key, prefix.len, key.len), depth, out);
    account_rows_close(&rows);
    strbuf_free(&prefix);
    return ok && rc == 0;
}

bool
shown_members(struct account_base *base, const struct account_hit *group, struct strbuf *out)
{
    return append_members(base, group, 0, out);
}
