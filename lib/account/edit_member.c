/*
 * lib/account/edit_member.c - members of groups; a group that would hold itself is refused
 * (DIR-50).
 *
 * Names come from administrators. Changes only the database.
 */
#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/mail/address.h"

enum { CODE_NO_GROUP = 2, CODE_FAILED = 3 }; /* ADM-35 */

static void
member_key(struct slice group_key, struct slice member, struct strbuf *key)
{
    strbuf_clear(key);
    (void)strbuf_append(key, group_key);
    (void)strbuf_char(key, '\0');
    (void)strbuf_append(key, member);
}

/* How deep groups nest below `group`; -1 with the result if `sought` is among them, if it is too
 * deep, or if the database fails. */
static int
depth_below(struct account_edit *edit, struct slice group, struct slice sought, int level)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_hit hit;
    struct edit_rows rows;
    int deepest = 0, rc;

    if (slice_eq(group, sought))
        return account_fail(edit->result, CODE_FAILED,
                            "the group would contain itself: it is a member of that member, "
                            "directly or through other groups");
    if (level >= ACCOUNT_NESTING_MAX)
        return account_fail(edit->result, CODE_FAILED, "groups would nest more than %d deep",
                            ACCOUNT_NESTING_MAX);
    account_entry_key(group, &prefix);
    (void)strbuf_char(&prefix, '\0');
    rc = edit_collect(edit, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&prefix), &rows);
    hit = account_hit_new();
    for (size_t i = 0; i < rows.count && rc >= 0; i++) {
        struct slice row = edit_key(&rows.rows[i]);

        if (account_find_exact(edit->base, slice_sub(row, prefix.len, row.len), &hit) ==
                ACCOUNT_FOUND &&
            hit.entry.kind == ACCOUNT_GROUP) {
            rc = depth_below(edit, strbuf_slice(&hit.address), sought, level + 1);
            if (rc + 1 > deepest)
                deepest = rc + 1;
        }
    }
    account_hit_free(&hit);
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc < 0 ? -1 : deepest;
}

/* How many groups stand above `group` on the longest way; the base has no loops. */
static int
height_above(struct account_edit *edit, struct slice group)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX), above = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct edit_rows rows;
    int highest = 0, rc;

    (void)strbuf_append(&prefix, group);
    (void)strbuf_char(&prefix, '\0');
    (void)strbuf_char(&prefix, EDIT_REF_MEMBER);
    rc = edit_collect(edit, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc >= 0; i++) {
        struct slice row = edit_key(&rows.rows[i]);

        strbuf_clear(&above);
        account_entry_address(slice_sub(row, prefix.len, row.len), &above);
        rc = height_above(edit, strbuf_slice(&above));
        if (rc + 1 > highest)
            highest = rc + 1;
    }
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    strbuf_free(&above);
    return rc < 0 ? -1 : highest;
}

static int
check_nesting(struct account_edit *edit, struct slice group, struct slice member)
{
    int below = depth_below(edit, member, group, 0);
    int above = below < 0 ? -1 : height_above(edit, group);

    if (above < 0)
        return -1;
    if (below + above + 1 < ACCOUNT_NESTING_MAX)
        return 0;
    return account_fail(edit->result, CODE_FAILED, "groups would nest more than %d deep",
                        ACCOUNT_NESTING_MAX);
}

/* The form in which a member is kept: ours canonical and existing, an outside one as its owner
 * writes it. */
static int
member_address(struct account_edit *edit, struct slice given, struct account_hit *hit)
{
    enum account_found found = account_find_exact(edit->base, given, hit);
    struct address parsed;

    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    if (found == ACCOUNT_FOUND)
        return 0;
    if (found == ACCOUNT_UNKNOWN)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "%.*s: no such mailbox, alias or group", (int)given.len, given.ptr);
    strbuf_clear(&hit->address);
    hit->entry.kind = ACCOUNT_MEMBER;
    if (address_parse(given, ADDRESS_UTF8, &parsed) == ADDRESS_OK && !parsed.is_literal &&
        !parsed.is_quoted && strbuf_append(&hit->address, parsed.local) &&
        strbuf_char(&hit->address, '@') && canonical_domain(parsed.domain, &hit->address) == 0)
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "'%.*s' is no address: expected user@domain", (int)given.len, given.ptr);
}

int
account_member_add(struct account_edit *edit, struct slice group, struct slice given)
{
    struct account_hit g = account_hit_new(), m = account_hit_new();
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record row = record_new(ACCOUNT_MEMBER);
    struct slice there;
    int rc = edit_find_entry(edit, group, ACCOUNT_GROUP, CODE_NO_GROUP, &g);

    if (rc == 0)
        rc = member_address(edit, given, &m);
    if (rc == 0 && m.entry.kind == ACCOUNT_GROUP)
        rc = check_nesting(edit, strbuf_slice(&g.address), strbuf_slice(&m.address));
    if (rc == 0) {
        member_key(strbuf_slice(&g.key), strbuf_slice(&m.address), &key);
        if (account_db_get(edit->base->db, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&key), &there) == 0)
            rc = account_fail(edit->result, CODE_FAILED, "%s is a member already",
                              strbuf_cstr(&m.address));
        else
            rc = edit_put_record(edit, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&key), &row);
    }
    if (rc == 0)
        rc = edit_ref_put(edit, strbuf_slice(&m.address), EDIT_REF_MEMBER, strbuf_slice(&g.key));
    record_free(&row);
    strbuf_free(&key);
    account_hit_free(&g);
    account_hit_free(&m);
    return rc;
}

int
account_member_del(struct account_edit *edit, struct slice group, struct slice given)
{
    struct account_hit g = account_hit_new(), m = account_hit_new();
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    int rc = edit_find_entry(edit, group, ACCOUNT_GROUP, CODE_NO_GROUP, &g);

    if (rc == 0)
        rc = member_address(edit, given, &m);
    if (rc == 0) {
        member_key(strbuf_slice(&g.key), strbuf_slice(&m.address), &key);
        if (account_db_del(edit->base->db, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&key)) < 0)
            rc = errno != ENOENT ? account_fail_db(edit->result)
                                 : account_fail(edit->result, CODE_FAILED, "%s is no member",
                                                strbuf_cstr(&m.address));
    }
    if (rc == 0)
        rc = edit_ref_del(edit, strbuf_slice(&m.address), EDIT_REF_MEMBER, strbuf_slice(&g.key));
    strbuf_free(&key);
    account_hit_free(&g);
    account_hit_free(&m);
    return rc;
}
