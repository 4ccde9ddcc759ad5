/*
 * lib/account/edit_member.c - members of groups; a group that would hold itself is refused
 * (DIR-50).
 *
 * Names come from administrators. Changes only the database.
 */
#include <errno.h>
#include <stdint.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/base/map.h"
#include "lib/mail/address.h"

enum { CODE_NO_GROUP = 2, CODE_FAILED = 3 }; /* ADM-35 */
enum { GROUPS_MAX = 1000000 };               /* remembered while nesting is looked at */
enum { MEMBERS_MAX = OBJECT_VALUE_MAX };     /* words of a list: fewer */

static void
member_key(struct slice group_key, struct slice member, struct strbuf *key)
{
    strbuf_clear(key);
    (void)strbuf_append(key, group_key);
    (void)strbuf_char(key, '\0');
    (void)strbuf_append(key, member);
}

/* One question about nesting. Groups may be reached by many ways: each is looked at once. */
struct nesting {
    struct account_edit *edit;
    struct slice sought; /* must not be met on the way down */
    struct map *known;   /* group -> its depth or height, plus 1 */
};

static int
known_level(const struct nesting *n, struct slice group)
{
    return (int)(intptr_t)map_get(n->known, group) - 1;
}

static void
note_level(const struct nesting *n, struct slice group, int level)
{
    void **at = map_at(n->known, group);
    intptr_t value = (intptr_t)level + 1;

    if (at != NULL)
        *at = (void *)value; /* a number in the pointer's place */
}

static int depth_below(const struct nesting *n, struct slice group, int level);

/* The deepest of the group's members that are groups, plus one; 0: it has none. */
static int
depth_of_members(const struct nesting *n, struct slice group, int level)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_hit hit = account_hit_new();
    struct edit_rows rows;
    int deepest = 0, rc;

    account_entry_key(group, &prefix);
    (void)strbuf_char(&prefix, '\0');
    rc = edit_collect(n->edit, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc >= 0; i++) {
        struct slice row = edit_key(&rows.rows[i]);

        if (account_find_exact(n->edit->base, slice_sub(row, prefix.len, row.len), &hit) ==
                ACCOUNT_FOUND &&
            hit.entry.kind == ACCOUNT_GROUP) {
            rc = depth_below(n, strbuf_slice(&hit.address), level + 1);
            if (rc + 1 > deepest)
                deepest = rc + 1;
        }
    }
    account_hit_free(&hit);
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc < 0 ? -1 : deepest;
}

/* How deep groups nest below `group`; -1 with the result if the sought one is among them, if it is
 * too deep, or if the database fails. */
static int
depth_below(const struct nesting *n, struct slice group, int level)
{
    int depth = known_level(n, group);

    if (depth >= 0)
        return depth;
    if (slice_eq(group, n->sought))
        return account_fail(n->edit->result, CODE_FAILED,
                            "the group would contain itself: it is a member of that member, "
                            "directly or through other groups");
    if (level >= ACCOUNT_NESTING_MAX)
        return account_fail(n->edit->result, CODE_FAILED, "groups would nest more than %d deep",
                            ACCOUNT_NESTING_MAX);
    depth = depth_of_members(n, group, level);
    if (depth >= 0)
        note_level(n, group, depth);
    return depth;
}

/* How many groups stand above `group` on the longest way; the base has no loops. */
static int
height_above(const struct nesting *n, struct slice group)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX), above = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct edit_rows rows = {0};
    int highest = known_level(n, group), rc = 0;

    if (highest >= 0)
        goto out;
    highest = 0;
    (void)strbuf_append(&prefix, group);
    (void)strbuf_char(&prefix, '\0');
    (void)strbuf_char(&prefix, EDIT_REF_MEMBER);
    rc = edit_collect(n->edit, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc >= 0; i++) {
        struct slice row = edit_key(&rows.rows[i]);

        strbuf_clear(&above);
        account_entry_address(slice_sub(row, prefix.len, row.len), &above);
        rc = height_above(n, strbuf_slice(&above));
        if (rc + 1 > highest)
            highest = rc + 1;
    }
    if (rc >= 0)
        note_level(n, group, highest);
out:
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    strbuf_free(&above);
    return rc < 0 ? -1 : highest;
}

static int
check_nesting(struct account_edit *edit, struct slice group, struct slice member)
{
    struct nesting down = {edit, group, map_new(GROUPS_MAX)},
                   up = {edit, group, map_new(GROUPS_MAX)};
    int below = depth_below(&down, member, 0);
    int above = below < 0 ? -1 : height_above(&up, group);

    map_free(&down.known, NULL);
    map_free(&up.known, NULL);
    if (above < 0)
        return -1;
    if (below + above + 1 < ACCOUNT_NESTING_MAX)
        return 0;
    return account_fail(edit->result, CODE_FAILED, "groups would nest more than %d deep",
                        ACCOUNT_NESTING_MAX);
}

/* The form in which an address outside is kept: as its owner writes it. */
static int
outside_address(struct account_edit *edit, struct slice given, struct account_hit *hit)
{
    struct address parsed;

    strbuf_clear(&hit->address);
    hit->entry.kind = ACCOUNT_MEMBER;
    if (address_parse(given, ADDRESS_UTF8, &parsed) == ADDRESS_OK && !parsed.is_literal &&
        !parsed.is_quoted && strbuf_append(&hit->address, parsed.local) &&
        strbuf_char(&hit->address, '@') && canonical_domain(parsed.domain, &hit->address) == 0)
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "'%.*s' is no address: expected user@domain", (int)given.len, given.ptr);
}

/* The form in which a member is kept: ours canonical and existing. */
static int
member_address(struct account_edit *edit, struct slice given, struct account_hit *hit)
{
    enum account_found found = account_find_exact(edit->base, given, hit);

    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    if (found == ACCOUNT_FOUND)
        return 0;
    /* One that was outside when it was added may be in a domain of ours by now. */
    if (found == ACCOUNT_UNKNOWN && !edit->restoring)
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "%.*s: no such mailbox, alias or group", (int)given.len, given.ptr);
    return outside_address(edit, given, hit);
}

/* `again_is_fine`: who is one already stays one. */
static int
add_member(struct account_edit *edit, struct slice group, struct slice given, bool again_is_fine)
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
            rc = again_is_fine ? 0
                               : account_fail(edit->result, CODE_FAILED, "%s is a member already",
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
account_member_add(struct account_edit *edit, struct slice group, struct slice given)
{
    return add_member(edit, group, given, false);
}

/* 1: it was one and is none any more; 0: it was none. */
static int
drop_member(struct account_edit *edit, struct slice group_key, struct slice member)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    int rc;

    member_key(group_key, member, &key);
    rc = account_db_del(edit->base->db, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&key));
    strbuf_free(&key);
    if (rc < 0)
        return errno == ENOENT ? 0 : account_fail_db(edit->result);
    return edit_ref_del(edit, member, EDIT_REF_MEMBER, group_key) < 0 ? -1 : 1;
}

/* What a member leads to does not matter here: one that is not there any more can go too. */
int
account_member_del(struct account_edit *edit, struct slice group, struct slice given)
{
    struct account_hit g = account_hit_new(), m = account_hit_new();
    int rc = edit_find_entry(edit, group, ACCOUNT_GROUP, CODE_NO_GROUP, &g);
    int dropped = 0;

    if (rc == 0 && account_find_exact(edit->base, given, &m) == ACCOUNT_FOUND)
        dropped = drop_member(edit, strbuf_slice(&g.key), strbuf_slice(&m.address));
    if (rc == 0 && dropped == 0)
        rc = outside_address(edit, given, &m);
    if (rc == 0 && dropped == 0)
        dropped = drop_member(edit, strbuf_slice(&g.key), strbuf_slice(&m.address));
    if (rc == 0 && dropped == 0)
        rc = account_fail(edit->result, CODE_FAILED, "%s is no member", strbuf_cstr(&m.address));
    account_hit_free(&g);
    account_hit_free(&m);
    return rc < 0 || dropped < 0 ? -1 : 0;
}

/* The members in the form in which they are kept, each with a value that is not NULL. */
static int
collect_wanted(struct account_edit *edit, struct slice members, struct map *wanted)
{
    struct account_hit m = account_hit_new();
    struct slice word;
    int rc = 0;

    while (rc == 0 && (word = property_next_word(&members)).len > 0) {
        void **at = NULL;

        rc = member_address(edit, word, &m);
        if (rc == 0)
            at = map_at(wanted, strbuf_slice(&m.address));
        if (at != NULL)
            *at = wanted;
    }
    account_hit_free(&m);
    return rc;
}

/* Takes out who is in it and is not wanted. */
static int
drop_others(struct account_edit *edit, struct slice group_key, const struct map *wanted)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows = {0};
    int rc;

    member_key(group_key, SLICE(""), &prefix);
    rc = edit_collect(edit, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        struct slice key = edit_key(&rows.rows[i]), member = slice_sub(key, prefix.len, key.len);

        if (map_get(wanted, member) == NULL && drop_member(edit, group_key, member) < 0)
            rc = -1;
    }
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc;
}

/* Who stays is not touched: what is told of the change (accountd/contacts.h) has its size. */
int
account_members_set(struct account_edit *edit, struct slice group, struct slice members)
{
    struct account_hit g = account_hit_new();
    struct map *wanted = map_new(MEMBERS_MAX);
    struct slice word;
    int rc = edit_find_entry(edit, group, ACCOUNT_GROUP, CODE_NO_GROUP, &g);

    if (rc == 0)
        rc = collect_wanted(edit, members, wanted);
    if (rc == 0)
        rc = drop_others(edit, strbuf_slice(&g.key), wanted);
    while (rc == 0 && (word = property_next_word(&members)).len > 0)
        rc = add_member(edit, group, word, true);
    map_free(&wanted, NULL);
    account_hit_free(&g);
    return rc;
}

/* ---- from the member's side ---- */

static bool
is_given(const struct object_field *fields, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(fields[i].name, slice_of(name)))
            return true;
    return false;
}

/* Out of every group that `wanted` does not name, as somebody typed them. */
static int
leave_others(struct account_edit *edit, struct slice address, struct slice wanted)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX), keep = strbuf_new(OBJECT_VALUE_MAX);
    struct account_hit hit = account_hit_new();
    struct edit_rows rows;
    struct slice word;
    int rc;

    while ((word = property_next_word(&wanted)).len > 0)
        if (account_find_exact(edit->base, word, &hit) == ACCOUNT_FOUND) {
            (void)strbuf_append(&keep, strbuf_slice(&hit.address)); /* at most 1000 of them fit */
            (void)strbuf_char(&keep, ' ');
        }
    (void)strbuf_append(&prefix, address);
    (void)strbuf_char(&prefix, '\0');
    (void)strbuf_char(&prefix, EDIT_REF_MEMBER);
    rc = edit_collect(edit, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        struct slice row = edit_key(&rows.rows[i]), group = slice_sub(row, prefix.len, row.len);

        strbuf_clear(&hit.address);
        account_entry_address(group, &hit.address);
        if (!edit_has_word(strbuf_slice(&keep), strbuf_slice(&hit.address)) &&
            drop_member(edit, group, address) < 0)
            rc = -1;
    }
    edit_rows_free(&rows);
    account_hit_free(&hit);
    strbuf_free(&prefix);
    strbuf_free(&keep);
    return rc;
}

int
edit_groups_follow(struct account_edit *edit, struct slice address,
                   const struct object_field *fields, uint32_t count)
{
    const char *name = account_properties[USER_GROUPS].name;
    struct slice rest = object_get(fields, count, name), word;
    int rc = 0;

    if (!is_given(fields, count, name))
        return 0;
    rc = leave_others(edit, address, rest);
    while (rc == 0 && (word = property_next_word(&rest)).len > 0)
        rc = add_member(edit, word, address, true);
    return rc;
}

#define EVERYONE "everyone@"

/* 1: it is there, 0: not. */
static int
find_everyone(struct account_edit *edit, struct slice domain, struct strbuf *name)
{
    struct account_hit hit = account_hit_new();
    int rc = 1;

    (void)strbuf_str(name, EVERYONE);
    (void)strbuf_append(name, domain);
    if (account_find_exact(edit->base, strbuf_slice(name), &hit) == ACCOUNT_UNKNOWN)
        rc = 0;
    else if (edit_find_entry(edit, strbuf_slice(name), ACCOUNT_GROUP, CODE_FAILED, &hit) < 0)
        rc = -1; /* something else has the name: the text says what */
    account_hit_free(&hit);
    return rc;
}

int
edit_everyone_make(struct account_edit *edit, struct slice domain)
{
    const struct object_field fields[] = {
        {SLICE("description"), SLICE("All mailboxes that were made since add_to_everyone is set")},
        {SLICE("send"), SLICE("domain")}};
    struct strbuf name = strbuf_new(ACCOUNT_ADDRESS_MAX);
    int rc = find_everyone(edit, domain, &name);

    if (rc == 0)
        rc = account_add(edit, ACCOUNT_GROUP, strbuf_slice(&name), fields, ARRAY_LEN(fields));
    strbuf_free(&name);
    return rc < 0 ? -1 : 0;
}

int
edit_everyone_join(struct account_edit *edit, struct slice address)
{
    struct slice domain = slice_sub(address, slice_rindex(address, '@') + 1, address.len);
    struct strbuf name = strbuf_new(ACCOUNT_ADDRESS_MAX);
    int rc = edit_everyone_make(edit, domain);

    (void)strbuf_str(&name, EVERYONE);
    (void)strbuf_append(&name, domain);
    if (rc == 0)
        rc = add_member(edit, strbuf_slice(&name), address, true);
    strbuf_free(&name);
    return rc;
}
